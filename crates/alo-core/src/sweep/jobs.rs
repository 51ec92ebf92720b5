//! The runs of a sweep: some at a time, each on a thread with an executor of its own.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use alo_artifacts::{RunState, SweptRun};
use alo_plan::{HandOffMode, PipelineKind};

use super::grid::SweepGrid;
use super::input::SharedInput;
use super::start::Start;
use crate::engine::{AsideEnd, AsideRun, RunOptions};
use crate::error_chain::error_chain;
use crate::event::Event;
use crate::project::Project;

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

impl Jobs<'_> {
    /// Runs combinations, `jobs` at a time, and gives each to `ended` on this thread as soon as it has. When the sweep is
    /// cancelled, those that run are interrupted and no other begins.
    pub(super) fn run(&self, combinations: Vec<usize>, jobs: usize, mut ended: impl FnMut(SweptRun)) {
        let waiting = Mutex::new(combinations.into_iter());
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            for _ in 0..jobs {
                let (sender, waiting) = (sender.clone(), &waiting);
                scope.spawn(move || self.work(waiting, &sender));
            }
            drop(sender);
            for run in receiver {
                ended(run);
            }
        });
    }

    /// Takes one combination after the other.
    fn work(&self, waiting: &Mutex<impl Iterator<Item = usize>>, ended: &Sender<SweptRun>) {
        while !self.options.cancel.is_cancelled() {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(combination) = next else { return };
            if ended.send(self.combination(combination)).is_err() {
                return;
            }
        }
    }

    fn combination(&self, combination: usize) -> SweptRun {
        let project = self.project.with_plan(self.grid.apply(combination, self.project.plan()));
        let run = AsideRun {
            project: &project,
            options: self.options,
            s3: &self.input.s3,
            sweep: self.sweep,
            data: &self.input.data,
            model: &self.input.model,
        };
        let mut executor = self.start.python.executor();
        let end = run.run(self.start.head.as_ref(), &mut executor, &mut |_: &Event| {});
        self.swept(combination, &end)
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
