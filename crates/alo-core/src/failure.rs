//! A step that failed: what happened, where, and what to do.

use serde::Serialize;

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("step `{step}` failed: {cause}")]
#[non_exhaustive]
pub struct StepFailure {
    /// The step.
    pub step: String,
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The cause in one sentence, for instance `KeyError: 'Pclass'`.
    pub cause: String,
    /// The asset's own traceback, without the engine's frames.
    pub traceback: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl StepFailure {
    /// A failure with a cause and nothing more.
    pub fn new(step: impl Into<String>, kind: FailureKind, cause: impl Into<String>) -> Self {
        Self { step: step.into(), kind, cause: cause.into(), traceback: None, hint: None }
    }

    /// Adds advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// A package of its environment can never be imported.
    Environment,
    /// The step's code could not be loaded: a syntax error, a missing module, no `UserAsset`.
    Import,
    /// It raised an exception or returned an error.
    Raised,
    /// The engine refused a call of the step.
    Refused,
    /// It ended its process with `sys.exit` or `os._exit`.
    Exited,
    /// Its process was ended by a signal.
    Killed,
    /// It did not finish in time.
    TimedOut,
    /// It was about to change the input that other runs of the sweep read at the same time; its run is repeated alone.
    InputShared,
    /// The run was cancelled.
    Interrupted,
}
