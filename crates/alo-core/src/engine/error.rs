//! Why a run failed.

use alo_artifacts::{
    ExperimentalHistoryError, ExportError, LoadError, LockError, ModelCommitError, ModelError, OutputError,
    RecordedError, RecordingError, StagingError,
};
use alo_assets::{EjectError, LockfileError};
use alo_plan::{PipelineKind, StepName};
use camino::Utf8PathBuf;

use super::mode::Mode;
use crate::error_chain;
use crate::executor::ExecutorError;
use crate::failure::{FailureKind, StepFailure};
use crate::report::RunReport;

/// A run that did not succeed: why, and how far it came.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct RunFailure {
    /// Why.
    #[source]
    pub error: RunError,
    /// How far it came; none if it did not begin.
    pub report: Option<RunReport>,
    /// The whole log of the pipeline that failed.
    pub log: Option<Utf8PathBuf>,
    /// How to get at what its steps have made, if all of them have succeeded.
    pub kept: Option<String>,
    /// The steps that a run with [`RunOptions::resume`](super::RunOptions::resume) does not run again if nothing changes,
    /// in order.
    pub finished: Vec<(PipelineKind, StepName)>,
}

impl RunFailure {
    /// A run that did not begin.
    pub fn new(error: RunError) -> Self {
        Self { error, report: None, log: None, kept: None, finished: Vec::new() }
    }

    /// How to go on after the steps that have finished, if that is possible.
    pub fn resume_hint(&self) -> Option<String> {
        let (first, last) = (self.finished.first()?, self.finished.last()?);
        let several = first.0 != last.0;
        let named = self
            .finished
            .iter()
            .map(|(kind, step)| if several { format!("{kind}/{step}") } else { step.to_string() });
        let named: Vec<_> = named.collect();
        Some(format!("`alo run --resume` goes on after the steps that have finished: {}", named.join(", ")))
    }
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The plan has nothing to run in that mode.
    #[error("the plan has no steps to run in mode `{mode}`")]
    NothingToRun {
        /// The mode asked for.
        mode: Mode,
    },
    /// A step that is to be updated is not in the plan.
    #[error("the plan has no step `{step}`")]
    UnknownStep {
        /// The step asked for.
        step: String,
        /// Steps of a similar name; if there are none, all.
        known: Vec<String>,
    },
    /// What is to be looked up again cannot be asked for.
    #[error("an update asks what branches and packages are now, and no network may be used")]
    OfflineUpdate,
    /// `alo.lock` cannot be read.
    #[error(transparent)]
    Lockfile(Box<LockfileError>),
    /// The code of a step cannot be copied into the project.
    #[error(transparent)]
    Eject(Box<EjectError>),
    /// Another run holds the project, or its lock cannot be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Code or environment could not be made ready.
    #[error(transparent)]
    Setup(#[from] ExecutorError),
    /// Data or model could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A step failed.
    #[error(transparent)]
    Step(#[from] StepFailure),
    /// What the inference pipeline left is not what it must leave.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The results could not be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The model to infer with could not be loaded.
    #[error("failed to load the model")]
    Model(#[from] ModelError),
    /// The model to infer with could not become the current one.
    #[error(transparent)]
    ModelCommit(#[from] ModelCommitError),
    /// The artifacts could not be made or made current.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// What a step has left could not be kept for the next run.
    #[error("failed to keep what the steps have left")]
    Keep(#[from] RecordingError),
    /// The log could not be written.
    #[error("failed to write the log")]
    Log(#[from] std::io::Error),
    /// Ids and times could not be written.
    #[error(transparent)]
    ExperimentalHistory(#[from] ExperimentalHistoryError),
    /// The run was cancelled.
    #[error("the run was interrupted")]
    Interrupted,
}

impl RunError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NothingToRun { .. } => {
                Some("look at `user_parameters` and `asset_source`, or choose another --mode".into())
            }
            Self::UnknownStep { known, .. } => {
                let known: Vec<_> = known.iter().map(|step| format!("`{step}`")).collect();
                Some(format!("did you mean {}?", known.join(" or ")))
            }
            Self::OfflineUpdate => Some(
                "leave `--offline` and `ALO_OFFLINE` away; `alo fetch --offline` obeys `alo.lock`".into(),
            ),
            Self::Lockfile(error) => error.hint(),
            Self::Eject(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Setup(error) => error.hint().map(str::to_owned),
            Self::Load(error) => error.hint(),
            Self::Step(failure) => failure.hint.clone(),
            Self::Output(error) => error.hint(),
            Self::Export(error) => error.hint(),
            Self::Model(error) => error.hint(),
            Self::ModelCommit(error) => error.hint(),
            Self::Staging(error) => error.hint(),
            Self::ExperimentalHistory(error) => error.hint(),
            Self::Keep(error) => error.hint(),
            Self::Log(_) | Self::Interrupted => None,
        }
    }

    /// The line of a file that is at fault, with a mark below it, if it is one.
    pub fn excerpt(&self) -> Option<&str> {
        match self {
            Self::Setup(error) => error.excerpt(),
            _ => None,
        }
    }

    /// Whether the run was stopped from outside.
    pub fn is_interruption(&self) -> bool {
        match self {
            Self::Interrupted => true,
            Self::Step(failure) => failure.kind == FailureKind::Interrupted,
            _ => false,
        }
    }

    /// A step of that pipeline has failed, or was ended because its environment cannot work: then no step is at fault.
    pub(super) fn of_step(failure: StepFailure, pipeline: PipelineKind) -> Self {
        if failure.kind != FailureKind::Environment {
            return failure.into();
        }
        let failed = ExecutorError::new(format!("failed to set up the {pipeline} pipeline"));
        let failed = failed.because(failure.cause);
        Self::Setup(match failure.hint {
            Some(hint) => failed.with_hint(hint),
            None => failed,
        })
    }

    /// What history keeps of it.
    pub(super) fn recorded(&self) -> RecordedError {
        let (step, traceback) = match self {
            Self::Step(failure) => (Some(failure.step.clone()), failure.traceback.clone()),
            _ => (None, None),
        };
        RecordedError { step, message: error_chain(self), traceback, hint: self.hint() }
    }
}
