//! A run in progress in the history.
//!
//! The order of durable steps of a finish:
//! 1. artifacts and logs are put into the run's folder (linked to what earlier runs kept, else copied) with the list of
//!    them, and flushed; then what is new is shared with the runs to come;
//! 2. the record with the final state is written and flushed;
//! 3. the folder of a run that did not succeed is renamed to `…-error`;
//! 4. the lock is given back.
//!
//! A kill before 2 leaves a record that says *running* without a lock behind it, which counts as interrupted; a kill
//! after 2 leaves the true state.

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::data_list::{self, DataRecord};
use super::error::HistoryError;
use super::keep::{Keep, keep, take_back};
use super::ledger::Ledger;
use super::objects::Objects;
use super::record::{RecordedError, RunRecord, RunState};
use super::run_folder::{LOCK, NEW_PREFIX, mark_error, size_of};
use super::unsettled::Unsettled;
use crate::claim::{Claim, has_no_locks};
use crate::durable::{self, Lasting};
use crate::external::LoadedData;
use crate::layout::ProjectLayout;
use crate::run_id::ERROR_SUFFIX;
use crate::storage_error::StorageError;

/// How a run was recorded.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finished {
    /// The run's folder.
    pub folder: Utf8PathBuf,
    /// The record as it was written.
    pub record: RunRecord,
    /// What could not be recorded; the run itself is what it is.
    pub warnings: Vec<String>,
}

/// A run in progress: holds a kernel lock on a file in its folder, so that everybody sees that it lives.
///
/// Dropped without [`finish`](Self::finish) the run counts as interrupted.
#[derive(Debug)]
pub struct OpenRun {
    folder: Utf8PathBuf,
    record: RunRecord,
    project: ProjectLayout,
    /// Bytes of files put into the folder on the way.
    added: u64,
    unsettled: Unsettled,
    /// Holds the kernel lock until it is closed.
    _lock: fs_err::File,
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
        mut self,
        state: RunState,
        error: Option<RecordedError>,
        kept_of: &Keep<'_>,
        ended: Timestamp,
    ) -> Finished {
        let mut warnings = Vec::new();
        let mut unique_bytes = self.added;
        let objects = Objects::new(&self.project);
        match keep(&objects, &self.folder, kept_of) {
            Ok(kept) => {
                self.record.artifacts_kept = kept_of.artifacts && kept_of.layout.is_some();
                unique_bytes += kept.new_bytes;
                warnings.extend(kept.left_out);
            }
            Err(error) => {
                warnings.push(told("keep the artifacts in the history", &error));
                // Half of them are of no use, and may be what fills the disk. Logs are small, and tell more than nothing.
                take_back(&self.folder);
                let logs = Keep { artifacts: false, ..*kept_of };
                if kept_of.artifacts && keep(&objects, &self.folder, &logs).is_err() {
                    take_back(&self.folder);
                }
                // What of them came into the folder is not known: the next run counts.
                Ledger::forget(&self.project);
            }
        }
        self.record.state = if state == RunState::Running { RunState::Interrupted } else { state };
        self.record.error = error;
        self.record.ended = Some(ended);
        self.record.bytes = size_of(&self.folder);
        self.record.unique_bytes = unique_bytes;
        let mut is_settled = true;
        if let Err(error) = self.record.write(&self.folder, Lasting::PowerFailure) {
            is_settled = false;
            warnings.push(told("record the run", &HistoryError::from(error)));
        } else if self.record.state != RunState::Succeeded {
            match mark_error(&self.folder) {
                Ok(marked) => self.folder = marked,
                Err(error) => {
                    is_settled = false;
                    warnings.push(told("mark the run as an error", &error));
                }
            }
        }
        // A lock file left behind is harmless: without the kernel's lock it says nothing.
        durable::remove(&self.folder.join(LOCK)).ok();
        if is_settled {
            self.unsettled.end();
        }
        Finished { folder: self.folder, record: self.record, warnings }
    }
}

/// An error with its causes in one line: a warning has no chain.
fn told(doing: &str, error: &dyn std::error::Error) -> String {
    let mut text = format!("failed to {doing}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
