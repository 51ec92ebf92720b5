//! What several runs of one plan share: code and environments that are ready, and workers that their own are copies of.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use alo_assets::guard::Guard;
use alo_assets::{Environment, Machine, PreparedPipeline, SetupEvent};
use alo_plan::PipelineKind;
use camino::Utf8Path;

use super::embedded;
use super::message::{Import, ImportStep};
use super::setup::{complete, prepare_pipeline};
use super::worker::{Worker, WorkerError};
use crate::cancel::CancelToken;
use crate::engine::RunOptions;
use crate::error_chain;
use crate::event::Stream;
use crate::executor::ExecutorError;
use crate::project::Project;

/// What several runs of one plan share.
///
/// A run's workers are copies of the ones here, made by `fork`: what those have imported and computed is there already. Where a
/// worker cannot be copied, or there is none, runs start their own.
#[derive(Debug)]
pub(crate) struct WarmPython {
    machine: Machine,
    setups: Vec<(PipelineKind, Arc<PreparedPipeline>)>,
    /// The workers to copy, by the key of their environment.
    workers: BTreeMap<String, Mutex<Worker>>,
    /// The workers that those here are copies of: their guards end them.
    origin: Option<Arc<WarmPython>>,
}

impl WarmPython {
    /// Makes code and environments of all pipelines that run ready, completely: nothing is left to be looked at by the runs.
    pub(crate) fn prepare(
        machine: &Machine,
        project: &Project,
        options: &RunOptions,
        tell: &mut dyn FnMut(PipelineKind, SetupEvent),
    ) -> Result<Self, ExecutorError> {
        let mut setups = Vec::new();
        for pipeline in options.mode.pipelines(project.plan()) {
            let kind = pipeline.kind;
            let mut tell = |detail| tell(kind, detail);
            let prepared =
                prepare_pipeline(machine, project, kind, &options.setup, &options.cancel, &mut tell)?;
            let prepared = complete(prepared, kind, &options.cancel, &mut tell)?;
            setups.push((kind, Arc::new(prepared)));
        }
        Ok(Self { machine: machine.clone(), setups, workers: BTreeMap::new(), origin: None })
    }

    /// Starts a worker for each environment, lets it import what the steps import, and gets it ready to be copied. Tells why
    /// runs have to start their own, where they have to.
    pub(crate) fn warm_up(
        &mut self,
        folder: &Utf8Path,
        cancel: &CancelToken,
    ) -> Result<Vec<String>, ExecutorError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            ExecutorError::new("failed to start the Python worker").because(error)
        };
        let guard = Guard::install(&self.machine.cache).map_err(|error| failed(error.into()))?;
        let script = embedded::worker_script(&self.machine.cache).map_err(|error| failed(error.into()))?;
        let start = |environment: &Environment| {
            let machine = &self.machine;
            Worker::start(&guard, &environment.python, &script, machine, folder, cancel)
                .map_err(|error| failed(error.into()))
        };
        let mut started = BTreeMap::new();
        for environment in self.environments() {
            if !started.contains_key(&environment.key) {
                let mut worker = start(environment)?;
                let order = Import { steps: self.steps_in(&environment.key), all: true };
                worker.import(order).map_err(|error| failed(error.into()))?;
                started.insert(environment.key.clone(), worker);
            }
        }
        for environment in self.environments() {
            let Some(worker) = started.get_mut(&environment.key) else { continue };
            if worker.has_imported().map_err(|error| failed(error.into()))? || cancel.is_cancelled() {
                continue;
            }
            // It did not come through: one that has imported nothing.
            let fresh = start(environment)?;
            if let Some(spoilt) = started.insert(environment.key.clone(), fresh) {
                // The steps will print anew what it has printed.
                let _ = spoilt.stop(&mut |_, _| {});
            }
        }
        let (workers, notes) = settled(started, &guard, None);
        self.workers = workers;
        Ok(notes)
    }

    fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.setups().flat_map(|setup| &setup.environments)
    }

    /// The steps of all pipelines that run in an environment, in their order.
    fn steps_in<'a>(&'a self, key: &'a str) -> Vec<ImportStep<'a>> {
        let steps = self.setups().flat_map(|setup| setup.steps.iter().map(move |step| (setup, step)));
        // Copies run the others after steps that are not known here.
        let steps = steps
            .enumerate()
            .filter(move |(_, (setup, step))| setup.environments[step.environment].key == key);
        steps
            .map(|(number, (_, step))| ImportStep {
                is_first: number == 0,
                file: &step.code.file,
                folder: &step.code.folder,
            })
            .collect()
    }

    /// Goes on from where the steps of a run have come: its workers, by the key of their environment, are the ones to copy now.
    /// Tells why they cannot be, if so.
    ///
    /// `run` is the id of that run: what is handed on must not name it.
    pub(crate) fn behind(
        self: &Arc<Self>,
        workers: BTreeMap<String, Worker>,
        run: &str,
    ) -> Result<Self, String> {
        let guard = Guard::install(&self.machine.cache).map_err(|error| error_chain(&error))?;
        let (workers, notes) = settled(workers, &guard, Some(run));
        match notes.into_iter().next() {
            Some(note) => Err(note),
            None => Ok(Self {
                machine: self.machine.clone(),
                setups: self.setups.clone(),
                workers,
                origin: Some(Arc::clone(self)),
            }),
        }
    }

    /// Whether first steps can be run once for several runs: all run in one environment, whose worker can be copied.
    pub(crate) fn can_share_steps(&self) -> bool {
        let mut keys = self.environments().map(|environment| &environment.key);
        let Some(first) = keys.next() else { return false };
        self.workers.contains_key(first) && keys.all(|key| key == first)
    }

    /// The machine that all of it is made for.
    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// What was made ready for a pipeline.
    pub(super) fn setup(&self, kind: PipelineKind) -> Result<Arc<PreparedPipeline>, ExecutorError> {
        let found = self.setups.iter().find(|(of, _)| *of == kind);
        found
            .map(|(_, setup)| Arc::clone(setup))
            .ok_or_else(|| ExecutorError::new(format!("the {kind} pipeline was not made ready")))
    }

    /// What was made ready, in the order of execution.
    pub(crate) fn setups(&self) -> impl Iterator<Item = &PreparedPipeline> {
        self.setups.iter().map(|(_, setup)| setup.as_ref())
    }

    /// A copy of the worker of an environment; none if there is nothing to copy, or nothing but imports and no copy can be made.
    pub(super) fn copy(
        &self,
        environment: &Environment,
        cancel: &CancelToken,
    ) -> Result<Option<Worker>, WorkerError> {
        let Some(worker) = self.workers.get(&environment.key) else { return Ok(None) };
        let copy = worker.lock().unwrap_or_else(PoisonError::into_inner).fork(cancel)?;
        match copy {
            Ok(copy) => Ok(Some(copy)),
            // A new worker comes to the same, only later.
            Err(_) if self.origin.is_none() => Ok(None),
            Err(reason) => Err(WorkerError::NotCopied(reason)),
        }
    }
}

/// Gets workers ready to be copied; ends those that cannot be and tells why.
fn settled(
    workers: BTreeMap<String, Worker>,
    guard: &Guard,
    run: Option<&str>,
) -> (BTreeMap<String, Mutex<Worker>>, Vec<String>) {
    let (mut ready, mut notes) = (BTreeMap::new(), Vec::new());
    for (key, mut worker) in workers {
        // What packages print while they are imported is kept for the steps of each copy.
        match worker.settle(guard, run, &mut |_: Stream, _| {}) {
            Ok(None) => {
                ready.insert(key, Mutex::new(worker));
            }
            Ok(Some(reason)) => notes.push(reason),
            Err(error) => notes.push(error_chain(&error)),
        }
    }
    (ready, notes)
}
