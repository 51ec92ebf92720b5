//! Why a model from outside cannot be loaded.

use camino::Utf8PathBuf;

use crate::layout::MODEL_ARCHIVE;
use crate::location::LocationError;
use crate::s3::S3Error;
use crate::staging::StagingError;
use crate::storage_error::StorageError;
use crate::tree_error::TreeError;
use crate::unpack::UnpackError;

/// A model that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A path that is no usable place.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// A path that does not exist.
    #[error("the model `{text}` does not exist")]
    Missing {
        /// As written in the plan.
        text: String,
        /// Where it was looked for.
        path: Utf8PathBuf,
    },
    /// A file that is no archive, or an archive or folder without a file in it.
    #[error("`{path}` holds no model")]
    Empty {
        /// The path.
        path: Utf8PathBuf,
    },
    /// A folder that holds, or lies in, the folder it would be copied to.
    #[error("the model `{path}` and the folder of the models contain each other")]
    Overlap {
        /// The path.
        path: Utf8PathBuf,
    },
    /// A disk too small for the model.
    #[error("the model needs {needed} bytes on the disk of `{path}`, which has {free} left")]
    NoSpace {
        /// Where it is put.
        path: Utf8PathBuf,
        /// Its bytes.
        needed: u64,
        /// Bytes left.
        free: u64,
    },
    /// A folder that cannot be taken as it is.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// An archive that could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The models could not be put in place.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A place in S3 that could not be read.
    #[error(transparent)]
    S3(#[from] S3Error),
}

impl ModelError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Location(error) => error.hint(),
            Self::Missing { path, .. } => Some(format!("looked for it at `{path}`")),
            Self::Empty { .. } => {
                Some(format!("name a folder of model files, or one that holds `{MODEL_ARCHIVE}`"))
            }
            Self::Overlap { .. } => Some(
                "without `load_model_path` the models in `train_artifacts/models/` are used as they are"
                    .into(),
            ),
            Self::NoSpace { .. } => Some("free some space".into()),
            Self::Tree(error) => error.hint(),
            Self::Unpack(error) => error.hint(),
            Self::Staging(error) => error.hint(),
            Self::Storage(error) => error.hint(),
            Self::S3(error) => error.hint(),
        }
    }
}
