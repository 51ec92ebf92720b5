//! One run as it lies in the history: its folder, read without waiting for anybody.

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use super::file_list::{Damage, FileList};
use super::record::{RecordError, RunRecord, RunState};
use super::run_folder::{is_alive, is_pinned};
use crate::error_chain::error_chain;
use crate::run_id::{ERROR_SUFFIX, RunId};
use crate::storage_error::StorageError;

/// One run as it lies in the history.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Its folder.
    pub folder: Utf8PathBuf,
    /// Its record. The state is the true one: a run whose process is gone is not running but interrupted.
    pub record: RunRecord,
    /// Whether a user has said that neither the quota nor `rm` removes it.
    pub pinned: bool,
    /// Why the record is only what the folder's name tells: it is missing or damaged, or the original has written
    /// the folder.
    pub damaged: Option<String>,
}

impl HistoryEntry {
    /// Compares all files that the run has kept with the digests that were taken when it ended; gives those that are
    /// not what they were. A run that kept none has none.
    pub fn verify(&self) -> Result<Vec<Damage>, StorageError> {
        let list = FileList::read(&self.folder)?;
        Ok(list.map(|list| list.verify(&self.folder)).unwrap_or_default())
    }

    /// The file with what the assets said (`pipeline.log`) and the one with what the engine did (`process.log`), as
    /// far as they were kept.
    pub fn logs(&self) -> Vec<Utf8PathBuf> {
        let log = self.folder.join("log");
        ["process.log", "pipeline.log"]
            .map(|name| log.join(name))
            .into_iter()
            .filter(|log| log.is_file())
            .collect()
    }
}

/// A run that was read, and whether what was read is its last word: a run in progress changes without its folder.
pub(super) struct Read {
    pub(super) entry: HistoryEntry,
    pub(super) settled: bool,
}

/// Reads one run; `None` if it has just been removed.
pub(super) fn read(history: &Utf8Path, kind: PipelineKind, name: &str) -> Option<Read> {
    let (id, is_error) = RunId::of_folder(name)?;
    let folder = history.join(name);
    let (mut folder, mut read) = read_run(folder);
    let is_dead = matches!(&read, Ok(record) if record.state == RunState::Running && !is_alive(&folder));
    if is_dead {
        // A run gives its lock back after its last word: without the lock that word can be read.
        (folder, read) = read_run(folder);
    }
    let pinned = is_pinned(&folder);
    match read {
        Ok(mut record) if record.id == id => {
            let settled = record.state != RunState::Running;
            if is_dead && !settled {
                record.state = RunState::Interrupted;
            }
            Some(Read { entry: HistoryEntry { folder, record, pinned, damaged: None }, settled })
        }
        Err(_) if !folder.is_dir() => None,
        other => {
            let damaged = match other {
                Ok(record) => format!("its record is that of `{}`", record.id),
                Err(error) => error_chain(&error),
            };
            let mut record = RunRecord::new(id.clone(), kind, id.started());
            record.pid = 0;
            record.alo_version.clear();
            record.state = if is_error { RunState::Failed } else { RunState::Interrupted };
            let entry = HistoryEntry { folder, record, pinned, damaged: Some(damaged) };
            Some(Read { entry, settled: false })
        }
    }
}

/// Reads the record of a run, which may be marked as an error while we read; gives the folder as it is named now.
fn read_run(folder: Utf8PathBuf) -> (Utf8PathBuf, Result<RunRecord, RecordError>) {
    let read = RunRecord::read(&folder);
    if read.is_err() && !folder.exists() {
        let marked = Utf8PathBuf::from(format!("{folder}{ERROR_SUFFIX}"));
        let read_marked = RunRecord::read(&marked);
        if read_marked.is_ok() {
            return (marked, read_marked);
        }
    }
    (folder, read)
}
