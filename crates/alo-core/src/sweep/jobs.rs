//! The runs of a sweep: some at a time, each on a thread with an executor of its own.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use alo_artifacts::{RunState, SweptRun};
use alo_plan::{HandOffMode, PipelineKind};

use super::grid::SweepGrid;
use super::input::SharedInput;
use super::start::Start;
use crate::engine::{AsideEnd, AsideRun, RunError, RunOptions, Sources, data_sources};
use crate::error_chain;
use crate::event::Event;
use crate::failure::FailureKind;
use crate::project::Project;
use crate::python::PythonExecutor;

/// What is to be run.
pub(super) struct Jobs<'a> {
    pub(super) project: &'a Project,
    pub(super) options: &'a RunOptions,
    pub(super) sweep: &'a str,
    pub(super) grid: &'a SweepGrid,
    pub(super) input: &'a SharedInput,
    pub(super) start: &'a Start,
    /// Whose summary's score counts; none is that of training, else of inference.
    pub(super) score: Option<PipelineKind>,
}

/// A combination that cannot run beside others: it changes the input that all of them read.
pub(super) struct Apart {
    pub(super) combination: usize,
    /// Its run, if that was begun, and why it was ended.
    pub(super) begun: Option<(String, String)>,
}

/// How a combination came out of the runs at the same time.
enum Turn {
    Ended(SweptRun),
    Apart(Apart),
}

impl Jobs<'_> {
    /// Runs combinations, `jobs` at a time, and gives each to `ended` on this thread as soon as it has. When the sweep is
    /// cancelled, those that run are interrupted and no other begins.
    ///
    /// Gives those that are to be run alone, in order: all that had not ended when the first turned out to change the input.
    pub(super) fn run(
        &self,
        combinations: Vec<usize>,
        jobs: usize,
        mut ended: impl FnMut(SweptRun),
    ) -> Vec<Apart> {
        let waiting = Mutex::new(combinations.into_iter());
        let changes_input = AtomicBool::new(false);
        let (sender, receiver) = channel();
        let mut apart = Vec::new();
        thread::scope(|scope| {
            for _ in 0..jobs {
                let (sender, waiting, changes_input) = (sender.clone(), &waiting, &changes_input);
                scope.spawn(move || self.work(waiting, changes_input, &sender));
            }
            drop(sender);
            for turn in receiver {
                match turn {
                    Turn::Ended(run) => ended(run),
                    Turn::Apart(one) => apart.push(one),
                }
            }
        });
        apart.sort_by_key(|one| one.combination);
        apart
    }

    /// Takes one combination after the other.
    fn work(
        &self,
        waiting: &Mutex<impl Iterator<Item = usize>>,
        changes_input: &AtomicBool,
        turns: &Sender<Turn>,
    ) {
        while !self.options.cancel.is_cancelled() {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(combination) = next else { return };
            let turn = if changes_input.load(Ordering::Relaxed) {
                Turn::Apart(Apart { combination, begun: None })
            } else {
                self.beside_others(combination)
            };
            if matches!(turn, Turn::Apart(_)) {
                changes_input.store(true, Ordering::Relaxed);
            }
            if turns.send(turn).is_err() {
                return;
            }
        }
    }

    fn beside_others(&self, combination: usize) -> Turn {
        let project = self.project.with_plan(self.grid.apply(combination, self.project.plan()));
        let mut executor = PythonExecutor::warm(&self.start.python).beside_others();
        let run = self.aside(&project, &self.input.data);
        let end = run.run(self.start.head.as_ref(), &mut executor, &mut |_: &Event| {});
        match &end.error {
            Some(RunError::Step(failure)) if failure.kind == FailureKind::InputShared => {
                let cause = format!("step `{}`: {}", failure.step, failure.cause);
                let begun = Some((end.report.run.clone(), cause));
                Turn::Apart(Apart { combination, begun })
            }
            _ => Turn::Ended(self.swept(combination, &end)),
        }
    }

    /// Runs a combination from its first step, with the input loaded as a run of its own loads it. No other may run.
    pub(super) fn run_alone(&self, combination: usize) -> Result<SweptRun, RunError> {
        let project = self.project.with_plan(self.grid.apply(combination, self.project.plan()));
        let cancelled = || self.options.cancel.is_cancelled();
        let mut data = Vec::new();
        for pipeline in self.options.mode.pipelines(project.plan()) {
            data.push((pipeline.kind, data_sources(&project, pipeline.kind, &self.input.s3, &cancelled)?));
        }
        let mut executor = PythonExecutor::warm(&self.input.python);
        let end = self.aside(&project, &data).run(None, &mut executor, &mut |_: &Event| {});
        Ok(self.swept(combination, &end))
    }

    fn aside<'a>(&'a self, project: &'a Project, data: &'a [(PipelineKind, Sources)]) -> AsideRun<'a> {
        AsideRun {
            project,
            options: self.options,
            s3: &self.input.s3,
            sweep: self.sweep,
            data,
            model: &self.input.model,
        }
    }

    fn swept(&self, combination: usize, end: &AsideEnd) -> SweptRun {
        let AsideEnd { report, error } = end;
        let mut summaries = report
            .pipelines
            .iter()
            .filter(|pipeline| self.score.is_none_or(|kind| kind == pipeline.pipeline));
        let summary = summaries.find_map(|pipeline| pipeline.summary.as_ref());
        SweptRun {
            combination,
            run: report.run.clone(),
            state: report.state,
            score: summary.filter(|_| report.state == RunState::Succeeded).map(|summary| summary.score),
            result: summary.map(|summary| summary.result.clone()),
            seconds: report.seconds,
            error: error.as_ref().map(|error| error_chain(error)),
        }
    }
}

/// The project as its sweeps run it: values pass in memory, since the files of file mode have one place in a project.
pub(super) fn for_sweeps(project: &Project) -> Project {
    let mut plan = project.plan().clone();
    plan.control.interface_mode = HandOffMode::Memory;
    project.with_plan(plan)
}
