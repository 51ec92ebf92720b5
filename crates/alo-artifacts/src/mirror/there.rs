//! What lies where a copy is made.

use std::io;

use camino::Utf8Path;

use crate::storage_error::StorageError;

/// What lies at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    /// A folder, or a file if the source is one.
    Copy,
    /// No folder although the source is one, or the other way round: it is in the way.
    Another,
    /// Nothing.
    Nothing,
}

impl There {
    /// Looks at the place of a copy of a file or of a folder. A link there is not followed.
    pub(super) fn at(place: &Utf8Path, is_file: bool) -> Result<Self, StorageError> {
        match fs_err::symlink_metadata(place) {
            Ok(meta) if meta.is_dir() && !is_file => Ok(Self::Copy),
            Ok(meta) if meta.is_file() && is_file => Ok(Self::Copy),
            Ok(_) => Ok(Self::Another),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Nothing),
            Err(error) => Err(StorageError::new("read", place, error)),
        }
    }
}
