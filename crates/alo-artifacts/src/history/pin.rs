//! Pins: a run with the file `.pinned` in its folder is removed by nobody who was not forced.

use super::entry::HistoryEntry;
use super::run_folder::PINNED;
use super::runs::History;
use crate::durable;
use crate::storage_error::StorageError;

impl History {
    /// Pins a run: the quota never removes it. It lasts, once this has returned. A run in progress may be pinned, too.
    ///
    /// Needs no lock: a removal at the same moment either sees the pin or has won, which is an error here.
    pub fn pin(&self, entry: &HistoryEntry) -> Result<(), StorageError> {
        let path = entry.folder.join(PINNED);
        let marker = fs_err::File::create(&path).map_err(StorageError::of("write", &path))?;
        marker.sync_all().map_err(StorageError::of("flush", &path))?;
        durable::sync_dir(&entry.folder)
    }

    /// Takes the pin from a run.
    pub fn unpin(&self, entry: &HistoryEntry) -> Result<(), StorageError> {
        durable::remove(&entry.folder.join(PINNED))?;
        durable::sync_dir(&entry.folder)
    }
}
