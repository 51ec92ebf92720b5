//! Why the files of a folder could not be listed, read or copied.

use crate::copy::CopyError;
use crate::storage_error::StorageError;
use crate::tree_error::TreeError;

/// Files of a folder that could not be listed, read or copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// They could not be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// One could not be copied or digested.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl FilesError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Tree(error) => error.hint(),
            Self::Copy(error) => error.hint(),
            Self::Storage(error) => error.hint(),
        }
    }
}
