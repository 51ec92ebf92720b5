//! Why results cannot be exported.

use camino::Utf8PathBuf;

use crate::archive::ArchiveError;
use crate::location::LocationError;
use crate::s3::S3Error;
use crate::storage_error::StorageError;

/// Results that could not be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A save path that is no usable place.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// A save path inside the artifacts, which the next run replaces.
    #[error("the save path `{path}` lies in the artifacts themselves")]
    Inside {
        /// The path.
        path: Utf8PathBuf,
    },
    /// A save path that is a file.
    #[error("the save path `{path}` is no folder")]
    NoFolder {
        /// The path.
        path: Utf8PathBuf,
    },
    /// A folder that has the name of a file to export.
    #[error("`{path}` is a folder, and a file is to be exported there")]
    Occupied {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// An archive that could not be made.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The folder could not be made, or a log not be copied.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// S3 did not take it.
    #[error(transparent)]
    S3(#[from] S3Error),
}

impl ExportError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Location(error) => error.hint(),
            Self::Inside { .. } | Self::NoFolder { .. } => Some("name another folder in the plan".into()),
            Self::Occupied { .. } => {
                Some("move it out of the way, or name another folder in the plan".into())
            }
            Self::Archive(error) => error.hint(),
            Self::Storage(error) => error.hint(),
            Self::S3(error) => error.hint(),
        }
    }
}
