//! Pins: a run with the file `.pinned` in its folder is removed by nobody who was not forced.

use camino::Utf8Path;

use super::entry::HistoryEntry;
use super::runs::History;
use crate::durable::{self, StorageError};

/// The marker's name in a run's folder.
pub(super) const MARKER: &str = ".pinned";

impl History {
    /// Pins a run: the quota never removes it. It lasts, once this has returned. A run in progress may be pinned, too.
    ///
    /// Needs no lock: a removal at the same moment either sees the pin or has won, which is an error here.
    pub fn pin(&self, entry: &HistoryEntry) -> Result<(), StorageError> {
        let path = entry.folder.join(MARKER);
        let marker = fs_err::File::create(&path).map_err(StorageError::of("write", &path))?;
        marker.sync_all().map_err(StorageError::of("flush", &path))?;
        durable::sync_dir(&entry.folder)
    }

    /// Takes the pin from a run.
    pub fn unpin(&self, entry: &HistoryEntry) -> Result<(), StorageError> {
        durable::remove(&entry.folder.join(MARKER))?;
        durable::sync_dir(&entry.folder)
    }
}

pub(super) fn is_pinned(folder: &Utf8Path) -> bool {
    folder.join(MARKER).symlink_metadata().is_ok()
}
