//! The look whether the packages of new environments can be imported, while the steps run.

use std::collections::BTreeMap;
use std::time::Duration;

use alo_assets::Finishing;
use alo_plan::PipelineKind;

use crate::cancel::CancelToken;
use crate::error_chain;
use crate::event::Event;
use crate::executor::ExecutorError;
use crate::failure::{FailureKind, StepFailure};
use crate::journal::Journal;

/// How often is looked while a step runs.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// The environments of a run that were not finished when it began. The last of them ends with this.
#[derive(Default)]
pub(super) struct Checks {
    finishing: BTreeMap<String, Finishing>,
    /// Whether the verdict on each of them is known.
    is_done: bool,
    cancel: CancelToken,
}

/// An environment that no step can run in.
#[derive(Debug)]
pub(super) struct Unfit {
    pipeline: PipelineKind,
    cause: String,
    hint: Option<String>,
}

impl Checks {
    /// Watches over the environments of a pipeline; those of an earlier one go on as they are.
    pub(super) fn add(&mut self, finishing: Vec<Finishing>, cancel: &CancelToken) {
        self.cancel = cancel.clone();
        for one in finishing {
            let known = self.finishing.get(&one.environment().key);
            if known.is_none_or(|known| !known.covers(&one)) {
                // The one before ends here; what it has left to do is done by this one.
                self.finishing.insert(one.environment().key.clone(), one);
            }
            self.is_done = false;
        }
    }

    /// Whether there is still something to look for.
    pub(super) fn are_pending(&self) -> bool {
        !self.is_done
    }

    /// Looks at all environments, or waits until it is known whether each of them works.
    pub(super) fn look(
        &mut self,
        wait: bool,
        pipeline: PipelineKind,
        journal: &mut Journal<'_>,
    ) -> Result<(), Unfit> {
        if self.is_done {
            return Ok(());
        }
        let mut is_done = true;
        for finishing in self.finishing.values_mut() {
            let mut tell = |detail: alo_assets::SetupEvent| {
                journal.note(&detail.to_string());
                journal.emit(&Event::Setup { pipeline, detail });
            };
            match finishing.check(wait, &|| self.cancel.is_cancelled(), &mut tell) {
                Ok(verdict) => is_done &= verdict.is_some(),
                // The step learns of it by itself.
                Err(_) if self.cancel.is_cancelled() => return Ok(()),
                Err(error) => return Err(Unfit { pipeline, cause: error_chain(&error), hint: error.hint() }),
            }
        }
        self.is_done = is_done;
        Ok(())
    }

    /// Ends the work on all environments: with `success` when all that a run may import has byte-code, else at once.
    pub(super) fn end(&mut self, success: bool) {
        for finishing in std::mem::take(&mut self.finishing).into_values() {
            if success {
                finishing.end(&|| self.cancel.is_cancelled());
            }
        }
        self.is_done = false;
    }
}

impl From<Unfit> for ExecutorError {
    fn from(Unfit { pipeline, cause, hint }: Unfit) -> Self {
        let failed = Self::new(format!("failed to set up the {pipeline} pipeline")).because(cause);
        match hint {
            Some(hint) => failed.with_hint(hint),
            None => failed,
        }
    }
}

impl Unfit {
    /// What ends the step that runs in such an environment, which need not have to do with it.
    pub(super) fn failure(self, step: &str) -> StepFailure {
        let mut failure = StepFailure::new(step, FailureKind::Environment, self.cause);
        failure.hint = self.hint;
        failure
    }

    /// What a step that failed beside it is told.
    pub(super) fn explain(self) -> String {
        match self.hint {
            Some(hint) => format!("{}: {hint}", self.cause),
            None => self.cause,
        }
    }
}
