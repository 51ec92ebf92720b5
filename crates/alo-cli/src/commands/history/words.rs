//! Words of the command line that only `alo history` has.

use alo_core::PipelineKind;
use alo_core::artifacts::RunState;
use clap::ValueEnum;

/// One of the two pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Pipeline {
    Train,
    Inference,
}

impl From<Pipeline> for PipelineKind {
    fn from(pipeline: Pipeline) -> Self {
        match pipeline {
            Pipeline::Train => Self::Train,
            Pipeline::Inference => Self::Inference,
        }
    }
}

/// How a run ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum State {
    Running,
    Succeeded,
    Failed,
    Interrupted,
}

impl From<State> for RunState {
    fn from(state: State) -> Self {
        match state {
            State::Running => Self::Running,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::Interrupted => Self::Interrupted,
        }
    }
}
