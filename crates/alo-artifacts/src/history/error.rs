//! A history that could not be read or written.

use camino::Utf8PathBuf;

use super::record::RecordError;
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// A history that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A record that holds something else.
    #[error("understand `{path}`")]
    Record {
        /// The record.
        path: Utf8PathBuf,
        /// What is wrong.
        source: serde_yaml::Error,
    },
    /// A record of a newer version, which is never overwritten.
    #[error("write to `{path}`, which a newer version of alo has written")]
    Newer {
        /// The record.
        path: Utf8PathBuf,
    },
    /// A run of that name exists.
    #[error("the history has a run `{id}` already")]
    Exists {
        /// The run.
        id: RunId,
    },
}

impl From<RecordError> for HistoryError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Storage(error) => Self::Storage(error),
            RecordError::Content { path, source } => Self::Record { path, source },
            RecordError::Newer { path } => Self::Newer { path },
        }
    }
}

impl HistoryError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Newer { .. } => Some("use the newer version of alo".into()),
            Self::Record { .. } | Self::Exists { .. } => None,
        }
    }
}
