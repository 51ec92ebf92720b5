//! Why the result of a step could not be recorded.

use camino::Utf8PathBuf;

use crate::files_error::FilesError;

/// A result that could not be recorded; the step itself is not concerned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// Files could not be listed, read or copied.
    #[error(transparent)]
    Files(FilesError),
    /// A file was written to after its step had ended, so that what the step had left is gone.
    #[error("`{path}` was written to again after its step")]
    Overwritten {
        /// The file of the artifacts, or `data` or `config`.
        path: Utf8PathBuf,
    },
    /// The step left more files than are held at little cost.
    #[error("it left {files} files, more than are held for another run")]
    TooManyFiles {
        /// How many.
        files: usize,
    },
    /// Files that are written in quick succession cannot be told apart.
    #[error("the clock of the file system at `{path}` goes in steps that are too long")]
    CoarseClock {
        /// A folder on it.
        path: Utf8PathBuf,
    },
}

impl RecordingError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Files(error) => error.hint(),
            Self::Overwritten { .. } | Self::TooManyFiles { .. } | Self::CoarseClock { .. } => None,
        }
    }
}

impl<E: Into<FilesError>> From<E> for RecordingError {
    fn from(error: E) -> Self {
        Self::Files(error.into())
    }
}
