//! The workers of a run: one for each environment, started when steps are known to come, replaced when one is spoilt.

use std::collections::{BTreeMap, BTreeSet};

use alo_assets::guard::{Ended, Guard};
use alo_assets::{Environment, Machine};
use camino::Utf8Path;

use super::embedded;
use super::message::{Import, ImportStep};
use super::warm::WarmPython;
use super::worker::{Worker, WorkerError};
use crate::cancel::CancelToken;
use crate::event::Stream;
use crate::executor::ExecutorError;

/// Where workers are started.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) machine: &'a Machine,
    /// The project's folder, which steps start in.
    pub(super) folder: &'a Utf8Path,
    pub(super) cancel: &'a CancelToken,
}

/// The workers that wait for steps, by the key of their environment.
#[derive(Debug, Default)]
pub(super) struct Workers {
    waiting: BTreeMap<String, Worker>,
    /// Environments in which something could not be imported early.
    without_early_imports: BTreeSet<String>,
}

impl Workers {
    /// Starts the worker of an environment, unless it is there, and lets it import what these steps need.
    pub(super) fn warm_up(
        &mut self,
        environment: &Environment,
        steps: Vec<ImportStep<'_>>,
        place: Place<'_>,
    ) -> Result<(), ExecutorError> {
        let mut worker = self.take(environment, place)?;
        if !self.without_early_imports.contains(&environment.key) {
            worker.import(Import { steps, all: false }).map_err(not_started)?;
        }
        self.give_back(environment, worker);
        Ok(())
    }

    /// Copies the worker that has run the first steps of a sweep, or starts one that has imported nothing.
    pub(super) fn copy(
        &mut self,
        environment: &Environment,
        warm: &WarmPython,
        place: Place<'_>,
    ) -> Result<(), ExecutorError> {
        if !self.waiting.contains_key(&environment.key) {
            let copy = warm.copy(environment, place.cancel).map_err(not_started)?;
            let worker = copy.map_or_else(|| start(environment, place), Ok)?;
            self.give_back(environment, worker);
        }
        Ok(())
    }

    /// Gives the worker of an environment for a while; starts one if there is none.
    pub(super) fn take(
        &mut self,
        environment: &Environment,
        place: Place<'_>,
    ) -> Result<Worker, ExecutorError> {
        match self.waiting.remove(&environment.key) {
            Some(worker) => Ok(worker),
            None => start(environment, place),
        }
    }

    /// Keeps a worker for the steps to come.
    pub(super) fn give_back(&mut self, environment: &Environment, worker: Worker) {
        self.waiting.insert(environment.key.clone(), worker);
    }

    /// Starts another worker instead of one that did not come through its early imports; it makes none.
    pub(super) fn replace(
        &mut self,
        environment: &Environment,
        spoilt: Worker,
        place: Place<'_>,
    ) -> Result<Worker, ExecutorError> {
        // The steps will print anew what it has printed.
        let _ = spoilt.stop(&mut |_, _| {});
        self.without_early_imports.insert(environment.key.clone());
        start(environment, place)
    }

    /// Gives them away, as they stand.
    pub(super) fn into_waiting(self) -> BTreeMap<String, Worker> {
        self.waiting
    }

    /// Takes away the workers of all other environments.
    pub(super) fn take_others(&mut self, used: &[Environment]) -> BTreeMap<String, Worker> {
        let (kept, others) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(key, _)| used.iter().any(|environment| environment.key == *key));
        self.waiting = kept;
        others
    }

    /// Ends all of them as Python programs end, side by side.
    pub(super) fn end_all(
        &mut self,
        print: &mut dyn FnMut(Stream, String),
    ) -> Vec<Result<Ended, WorkerError>> {
        self.without_early_imports.clear();
        std::mem::take(&mut self.waiting).into_values().map(|worker| worker.end(print)).collect()
    }
}

fn start(environment: &Environment, place: Place<'_>) -> Result<Worker, ExecutorError> {
    let Place { machine, folder, cancel } = place;
    let guard = Guard::install(&machine.cache).map_err(not_started)?;
    let script = embedded::worker_script(&machine.cache).map_err(not_started)?;
    Worker::start(&guard, &environment.python, &script, machine, folder, cancel).map_err(not_started)
}

fn not_started(error: impl std::error::Error + Send + Sync + 'static) -> ExecutorError {
    ExecutorError::new("failed to start the Python worker").because(error)
}
