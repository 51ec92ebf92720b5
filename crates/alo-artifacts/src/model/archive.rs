//! Archives of models, as an export makes them.

use camino::Utf8Path;

use super::error::ModelError;
use crate::staging::StagedModels;
use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::tree_error::TreeError;
use crate::unpack::{Limits, UnpackError, unpack};
use crate::walk::Links;

/// Unpacks an archive to where models wait.
pub(super) fn unpack_models(
    archive: &Utf8Path,
    staged: &StagedModels,
    limits: &Limits,
    cancelled: &dyn Fn() -> bool,
) -> Result<(), ModelError> {
    unpack(archive, staged.path(), limits, cancelled)?;
    // Each link alone leads to a place inside; where it leads with the others shows now.
    let in_archive = |path: &Utf8Path, why| {
        let member = path.strip_prefix(staged.path()).unwrap_or(path).to_string();
        ModelError::Unpack(UnpackError::Unsafe { archive: archive.to_owned(), member, why })
    };
    Tree::list(staged.path(), Links::Within).map_err(|error| match &error {
        TreeError::LinkOut { path, .. } => in_archive(path, "it is a link that leads out"),
        TreeError::LinkBroken { path } => in_archive(path, "it is a link that leads nowhere"),
        TreeError::LinkLoop { path } => in_archive(path, "it is a link that leads in a circle"),
        _ => error.into(),
    })?;
    Ok(unwrap_models(staged.path())?)
}

/// Archives of ALO 2.1 hold the folder `models` itself: when there is nothing else, its content is meant.
fn unwrap_models(folder: &Utf8Path) -> Result<(), StorageError> {
    let inner = folder.join("models");
    let entries = fs_err::read_dir(folder).map_err(StorageError::of("list", folder))?;
    if entries.count() != 1 || !inner.is_dir() || inner.is_symlink() {
        return Ok(());
    }
    // Moved out of the way first: it may hold a folder of its own name.
    let aside = folder.join(".models");
    crate::durable::rename(&inner, &aside)?;
    for entry in fs_err::read_dir(&aside).map_err(StorageError::of("list", &aside))? {
        let entry = entry.map_err(StorageError::of("list", &aside))?;
        let target = folder.as_std_path().join(entry.file_name());
        fs_err::rename(entry.path(), target).map_err(StorageError::of("put in place", folder))?;
    }
    crate::durable::remove(&aside)
}
