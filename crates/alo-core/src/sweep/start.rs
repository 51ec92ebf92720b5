//! Where the runs of a sweep start: behind the steps that all of them share, if these can be shared.

use std::sync::Arc;

use alo_artifacts::RunId;
use jiff::Timestamp;

use super::input::SharedInput;
use crate::engine::{AsideRun, RunFailure, RunHead, RunOptions};
use crate::event::{Event, Level};
use crate::project::Project;
use crate::python::{PythonExecutor, WarmPython};

/// Where the runs of a sweep start.
pub(super) struct Start {
    pub(super) python: Arc<WarmPython>,
    /// What the steps that they share have left.
    pub(super) head: Option<RunHead>,
}

impl Start {
    /// Runs the first `steps` steps once, so that runs go on from there: with copies of the process that ran them, and of what
    /// they have left. Where that would not be as good as running them, runs start at the beginning, and it is told why.
    pub(super) fn behind(
        steps: usize,
        (project, options, sweep): (&Project, &RunOptions, &str),
        input: &SharedInput,
        tell: &mut dyn FnMut(&Event),
    ) -> Result<Self, Box<RunFailure>> {
        let python = Arc::clone(&input.python);
        if steps == 0 || !python.can_share_steps() {
            return Ok(Self { python, head: None });
        }
        let run = AsideRun { project, options, s3: &input.s3, sweep, data: &input.data, model: &input.model };
        let id = RunId::generate(Timestamp::now(), project.name());
        let mut executor = PythonExecutor::warm(&python);
        let head = run.head(steps, &id, &mut executor, &mut |event: &Event| tell(event))?;
        let behind = match head.belongs_to(&id) {
            Some(reason) => Err(reason),
            None => python.behind(executor.into_workers(), id.as_str()),
        };
        match behind {
            Ok(python) => Ok(Self { python: Arc::new(python), head: Some(head) }),
            Err(reason) => {
                let message = format!("each run runs the first {steps} steps itself: {reason}");
                tell(&Event::Message { level: Level::Info, step: None, message, show: false });
                Ok(Self { python, head: None })
            }
        }
    }

    /// How many steps were run once for all.
    pub(super) fn shared_steps(&self) -> usize {
        self.head.as_ref().map_or(0, RunHead::steps)
    }
}
