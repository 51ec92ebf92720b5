//! A run in progress in the history.
//!
//! How it ends, and in which order, says [`CollectedRun`].

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::collected::Digests;
use super::collected_run::{CollectedRun, Ending, Finished};
use super::data_list::{self, DataRecord};
use super::error::HistoryError;
use super::keep::Keep;
use super::record::{RecordedError, RunRecord, RunState};
use super::run_folder::{LOCK, NEW_PREFIX};
use super::unsettled::Unsettled;
use crate::claim::{Claim, has_no_locks};
use crate::durable::{self, Lasting};
use crate::external::LoadedData;
use crate::layout::ProjectLayout;
use crate::run_id::ERROR_SUFFIX;
use crate::storage_error::StorageError;

/// So much of a run is copied into the history before it is known whether an earlier run has the same, if the digests are
/// made while something else runs.
const COPIED_UNSEEN: u64 = 1 << 30;

/// A run in progress: holds a kernel lock on a file in its folder, so that everybody sees that it lives.
///
/// Dropped without [`finish`](Self::finish) the run counts as interrupted.
#[derive(Debug)]
pub struct OpenRun {
    pub(super) folder: Utf8PathBuf,
    pub(super) record: RunRecord,
    pub(super) project: ProjectLayout,
    /// Bytes of files put into the folder on the way.
    pub(super) added: u64,
    pub(super) unsettled: Unsettled,
    /// Holds the kernel lock until it is closed.
    pub(super) _lock: fs_err::File,
}

impl OpenRun {
    pub(super) fn begin(project: &ProjectLayout, mut record: RunRecord) -> Result<Self, HistoryError> {
        let history = project.history(record.kind);
        record.state = RunState::Running;
        let folder = history.join(record.id.as_str());
        let marked = Utf8PathBuf::from(format!("{folder}{ERROR_SUFFIX}"));
        if folder.symlink_metadata().is_ok() || marked.symlink_metadata().is_ok() {
            return Err(HistoryError::Exists { id: record.id });
        }
        let unsettled = Unsettled::begin(project, &folder)?;
        // The folder gets its name when lock and record are in it: nobody ever sees it without them.
        let new = history.join(format!("{NEW_PREFIX}{}", record.id));
        durable::remove(&new)?;
        durable::create_dir_all(&new)?;
        let lock_path = new.join(LOCK);
        let lock = fs_err::File::create_new(&lock_path).map_err(StorageError::of("write", &lock_path))?;
        match lock.file().try_lock().map_err(std::io::Error::from) {
            Err(error) if has_no_locks(&error) => {
                let claim = Claim::current().to_bytes();
                fs_err::write(&lock_path, claim).map_err(StorageError::of("write", &lock_path))?;
            }
            result => result.map_err(StorageError::of("lock", &lock_path))?,
        }
        // Not flushed: a run that a power failure cuts short has nothing to keep, and its folder, if it is there at all,
        // shows as interrupted. What a run leaves is flushed when it ends.
        record.write(&new, Lasting::Kill)?;
        durable::rename(&new, &folder)?;
        Ok(Self { folder, record, project: project.clone(), added: 0, unsettled, _lock: lock })
    }

    /// The run's folder in the history.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// The record as it is now.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Changes the record and writes it, so that it tells how far the run got if it is killed.
    pub fn update(&mut self, change: impl FnOnce(&mut RunRecord)) -> Result<(), HistoryError> {
        change(&mut self.record);
        Ok(self.record.write(&self.folder, Lasting::Kill)?)
    }

    /// Puts a file into the run's folder: the effective plan, the lock file.
    pub fn add_file(&mut self, name: &str, content: &[u8]) -> Result<(), HistoryError> {
        durable::write(&self.folder.join(name), content, Lasting::Kill)?;
        self.added += content.len() as u64;
        Ok(())
    }

    /// Records the data that was loaded: its sources in the record, their files in `data.json`.
    pub fn add_data(&mut self, data: &LoadedData) -> Result<(), HistoryError> {
        self.record.data = DataRecord::of(data);
        Ok(data_list::write(&self.project, self.record.kind, data, &self.folder)?)
    }

    /// Ends the run: copies what is to be kept, writes the final record, and marks the folder of a run that did not
    /// succeed by `-error`.
    ///
    /// Never fails: what could not be recorded is told in the warnings.
    pub fn finish(self, state: RunState, error: Option<RecordedError>, keep: &Keep<'_>) -> Finished {
        self.finish_at(state, error, keep, Timestamp::now())
    }

    /// [`finish`](Self::finish) with the time at which the run ended.
    pub fn finish_at(
        self,
        state: RunState,
        error: Option<RecordedError>,
        keep: &Keep<'_>,
        ended: Timestamp,
    ) -> Finished {
        CollectedRun::collect(self, keep, Digests::First, Ending { state, error, ended }).settle()
    }

    /// The first part of [`finish`](Self::finish), which alone needs the artifacts: the rest can be done on another thread
    /// while they are in use.
    pub fn collect(self, state: RunState, error: Option<RecordedError>, keep: &Keep<'_>) -> CollectedRun {
        let ending = Ending { state, error, ended: Timestamp::now() };
        CollectedRun::collect(self, keep, Digests::Later(COPIED_UNSEEN), ending)
    }
}
