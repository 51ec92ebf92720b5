//! What lies at the place of a copy.

use std::io;
use std::path::PathBuf;

use camino::Utf8Path;

use crate::storage_error::StorageError;
use crate::tree::{Links, Tree, TreeError};

/// What lies at the place of a copy, before it is brought up to date.
#[derive(Debug, Default)]
pub(super) struct There {
    /// The copy; empty where there is none.
    pub(super) tree: Tree,
    /// Whether there is one.
    pub(super) is_copy: bool,
    /// What is no folder although the source is one, or the other way round.
    pub(super) in_the_way: Vec<PathBuf>,
}

impl There {
    /// Looks at the place of the copy of a folder, or of a single file. No link is followed.
    pub(super) fn at(place: &Utf8Path, is_file: bool) -> Result<Self, TreeError> {
        let copy = |tree| Self { tree, is_copy: true, in_the_way: Vec::new() };
        match fs_err::symlink_metadata(place) {
            Ok(meta) if meta.is_dir() && !is_file => Ok(copy(Tree::list(place, Links::AsIs)?)),
            Ok(meta) if meta.is_file() && is_file => Ok(copy(Tree::of_file(&meta))),
            Ok(_) => Ok(Self { in_the_way: vec![place.as_std_path().to_owned()], ..Self::default() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(StorageError::new("read", place, error).into()),
        }
    }
}
