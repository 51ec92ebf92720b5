//! A pipeline's run that goes into the history while the next pipeline runs.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use alo_artifacts::CollectedRun;

use crate::event::Level;
use crate::journal::{Journal, PipelineLog};

/// A run on its way into the history. It is there when this is settled or dropped, whatever happens in between.
pub(super) struct Keeping {
    /// Gives what could not be kept, until it was asked for.
    thread: Option<JoinHandle<Vec<String>>>,
    /// What could not be kept and was not told yet.
    warnings: Vec<String>,
    /// The log of the pipeline, to which belongs what is said about it.
    log: PipelineLog,
}

impl Keeping {
    /// Begins to keep a run whose results are collected, on a thread of its own.
    pub(super) fn begin(run: CollectedRun, log: PipelineLog) -> Self {
        let settle = |run: CollectedRun| run.settle().warnings;
        // The thread is given the run when it is there: one that cannot be started would take the run along.
        let (give, take) = mpsc::channel();
        let beside = move || take.recv().map(settle).unwrap_or_default();
        let thread = thread::Builder::new().name("history".into()).spawn(beside).ok();
        let warnings = match give.send(run) {
            Ok(()) => Vec::new(),
            Err(mpsc::SendError(run)) => settle(run),
        };
        Self { thread, warnings, log }
    }

    /// Waits until the run is in the history and tells what of it could not be kept.
    pub(super) fn settle(&mut self, journal: &mut Journal<'_>) {
        if let Some(thread) = self.thread.take() {
            self.warnings = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        let mut journal = journal.with_log(&mut self.log);
        for warning in self.warnings.drain(..) {
            journal.say(Level::Warning, &warning);
        }
    }

    /// What was said about it.
    pub(super) fn into_warnings(mut self) -> Vec<String> {
        std::mem::take(&mut self.log.warnings)
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
