//! How a step of a run that records is done.

use super::decision::StepDecision;
use super::left::KeptState;
use super::recorder::RecordedStep;

/// How a step is done.
pub(crate) enum Attempt {
    /// Its files are put back; the engine's own part of it is still to be.
    Reused(StepDecision, Box<KeptState>),
    /// It runs and is recorded.
    Recorded(StepDecision, Box<RecordedStep>),
    /// It runs.
    Unrecorded(StepDecision),
}

impl Attempt {
    /// What was decided.
    pub(crate) fn decision(&self) -> StepDecision {
        match self {
            Self::Reused(decision, _) | Self::Recorded(decision, _) | Self::Unrecorded(decision) => {
                decision.clone()
            }
        }
    }
}
