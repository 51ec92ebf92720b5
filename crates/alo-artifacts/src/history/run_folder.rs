//! The folder of a run: what it is called in each state of its life, and what marks it.

use std::fs::TryLockError;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::record::FILE;
use crate::claim::Claim;
use crate::durable;
use crate::run_id::{ERROR_SUFFIX, RunId};
use crate::storage_error::StorageError;
use crate::walk::{Entry, Links, Walk};

/// The file whose kernel lock says that the run is alive.
pub(super) const LOCK: &str = ".running";
/// Folders of runs that are not complete yet start with this.
pub(super) const NEW_PREFIX: &str = ".new-";
/// Folders of runs that are being removed start with this.
pub(super) const TRASH_PREFIX: &str = ".trash-";
/// The file that says that the run is pinned.
pub(super) const PINNED: &str = ".pinned";

/// The names of the folders that could be runs.
pub(super) fn run_names(history: &Utf8Path) -> Result<Vec<String>, StorageError> {
    let mut names = names_in(history)?;
    names.retain(|name| RunId::of_folder(name).is_some());
    Ok(names)
}

/// The names of all folders.
pub(super) fn names_in(folder: &Utf8Path) -> Result<Vec<String>, StorageError> {
    let entries = match fs_err::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StorageError::new("list", folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StorageError::of("list", folder))?;
        // A link in the history is somebody else's: it is neither read nor removed.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

/// Whether a user has pinned the run in that folder.
pub(super) fn is_pinned(folder: &Utf8Path) -> bool {
    folder.join(PINNED).symlink_metadata().is_ok()
}

/// Whether the run in that folder holds its lock.
pub(super) fn is_alive(folder: &Utf8Path) -> bool {
    let Ok(file) = fs_err::File::open(folder.join(LOCK)) else { return false };
    // Shared: two readers that look at once do not take each other for the run.
    if matches!(file.file().try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return true;
    }
    // On a file system without locks the run has written its claim into the file.
    Claim::read(&folder.join(LOCK)).is_some_and(|claim| !claim.is_dead())
}

/// Renames the folder of a run that did not succeed; gives the new name.
pub(super) fn mark_error(folder: &Utf8Path) -> Result<Utf8PathBuf, StorageError> {
    let marked = Utf8PathBuf::from(format!("{folder}{ERROR_SUFFIX}"));
    durable::rename(folder, &marked)?;
    durable::sync_dir(durable::parent(&marked))?;
    Ok(marked)
}

/// What a run's folder holds, without its record, which does not count itself.
pub(super) fn size_of(folder: &Utf8Path) -> u64 {
    let Ok(walk) = Walk::open(folder, Links::AsIs) else { return 0 };
    let size = |entry| match entry {
        Ok(Entry::File(file)) if file.relative == FILE => Ok(0),
        Ok(Entry::File(file)) => Ok(file.stamp.size),
        Ok(_) => Ok(0),
        Err(error) => Err(error),
    };
    walk.map(size).sum::<Result<u64, _>>().unwrap_or_default()
}
