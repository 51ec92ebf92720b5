//! Why data could not be loaded.

use camino::Utf8PathBuf;

use crate::copy::CopyError;
use crate::location::LocationError;
use crate::s3::S3Error;
use crate::storage_error::StorageError;
use crate::tree_error::TreeError;

/// Data that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A source that is no usable place.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// A source without a last part to name its folder after.
    #[error("`{text}` has no last part that could name a folder of `input/`")]
    NoName {
        /// As written.
        text: String,
    },
    /// Two sources that would get the same name.
    #[error("`{first}` and `{second}` have the same last part `{name}`")]
    SameName {
        /// The last part.
        name: String,
        /// The first source, as written.
        first: String,
        /// The second.
        second: String,
    },
    /// A source that does not exist.
    #[error("the data `{text}` does not exist")]
    Missing {
        /// As written.
        text: String,
        /// Where it was looked for.
        path: Utf8PathBuf,
    },
    /// A source that holds, or lies in, the folder it would be copied to.
    #[error("the data `{text}` and the folder `{input}` that it is copied to contain each other")]
    Overlap {
        /// As written.
        text: String,
        /// The pipeline's input folder.
        input: Utf8PathBuf,
    },
    /// An input folder that is a link: what it points to is not ours.
    #[error("`{path}` is a link")]
    InputIsLink {
        /// The link.
        path: Utf8PathBuf,
    },
    /// A disk too small for the data.
    #[error("the data needs {needed} bytes more on the disk of `{path}`, which has {free} left")]
    NoSpace {
        /// Where it is copied to.
        path: Utf8PathBuf,
        /// Bytes to copy.
        needed: u64,
        /// Bytes left.
        free: u64,
    },
    /// A source that cannot be taken as it is.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file that could not be copied.
    #[error(transparent)]
    Copy(CopyError),
    /// Something that could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A place in S3 that could not be read.
    #[error(transparent)]
    S3(S3Error),
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl From<CopyError> for LoadError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Stopped => Self::Cancelled,
            error => Self::Copy(error),
        }
    }
}

impl From<S3Error> for LoadError {
    fn from(error: S3Error) -> Self {
        match error {
            S3Error::Stopped => Self::Cancelled,
            error => Self::S3(error),
        }
    }
}

impl LoadError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Location(error) => error.hint(),
            Self::NoName { .. } => Some("name the folder that holds the data".into()),
            Self::SameName { .. } => {
                Some("rename one of the folders, or load the folder that holds both".into())
            }
            Self::Missing { text, .. } if text.starts_with('~') => {
                Some("`~` is not expanded in plans: write the whole path".into())
            }
            Self::Missing { path, .. } => Some(format!("looked for it at `{path}`")),
            Self::Overlap { .. } => Some(
                "write null when the data already lies in `input/`, or name the folder it came from".into(),
            ),
            Self::InputIsLink { path } => Some(format!(
                "remove the link `{path}`, and name the place it leads to as the data's path in the plan"
            )),
            Self::NoSpace { .. } => Some("free some space, or load less data".into()),
            Self::Tree(error) => error.hint(),
            Self::Copy(error) => error.hint(),
            Self::Storage(error) => error.hint(),
            Self::S3(error) => error.hint(),
            Self::Cancelled => None,
        }
    }
}
