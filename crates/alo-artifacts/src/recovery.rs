//! At the start of a run: what killed runs left is finished or rolled back.

use crate::history::{History, HistoryError, RunRecord};
use crate::layout::ProjectLayout;
use crate::staging::{Leftover, StagedArtifacts, StagingError};

/// What had to be put in order.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// Runs that were killed; history shows them as interrupted now.
    pub interrupted: Vec<RunRecord>,
    /// Artifacts that were not finished, or were being made current.
    pub leftovers: Vec<Leftover>,
}

impl Recovery {
    /// Whether everything was in order.
    pub fn is_empty(&self) -> bool {
        self.interrupted.is_empty() && self.leftovers.is_empty()
    }
}

/// A project that could not be put in order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// The history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The artifacts.
    #[error(transparent)]
    Staging(#[from] StagingError),
}

impl RecoveryError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::History(error) => error.hint(),
            Self::Staging(error) => error.hint(),
        }
    }
}

/// Puts in order what killed runs left in a project, which must be locked.
///
/// First the history takes the logs of killed runs and marks them as interrupted, then the staging folder is
/// cleared, or a commit that was killed halfway finished. Killed itself, it does the rest the next time.
pub fn recover(project: &ProjectLayout) -> Result<Recovery, RecoveryError> {
    let interrupted = History::new(project).recover()?;
    let leftovers = StagedArtifacts::recover(project)?;
    Ok(Recovery { interrupted, leftovers })
}
