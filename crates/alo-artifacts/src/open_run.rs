//! A run in progress in the history.
//!
//! The order of durable steps of a finish:
//! 1. artifacts and logs are copied into the run's folder and flushed;
//! 2. the record with the final state is written and flushed;
//! 3. the folder of a run that did not succeed is renamed to `…-error`;
//! 4. the lock is given back.
//!
//! A kill before 2 leaves a record that says *running* without a lock behind it, which counts as interrupted; a kill
//! after 2 leaves the true state.

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use crate::copy::copy_tree;
use crate::durable::{self, Lasting, StorageError};
use crate::history::{HistoryError, LOCK, NEW_PREFIX, mark_error, size_of};
use crate::layout::ArtifactLayout;
use crate::record::{FILE, RecordedError, RunRecord, RunState};
use crate::run_id::ERROR_SUFFIX;
use crate::tree::{Links, Tree, TreeError};

/// What of a finished run goes into the history.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep<'a> {
    /// Where artifacts and logs lie: staged or current.
    pub layout: Option<&'a ArtifactLayout>,
    /// Keep all but the logs: models, output, extra output, report, score.
    pub artifacts: bool,
    /// Keep the logs.
    pub logs: bool,
}

impl Keep<'_> {
    /// Only the record.
    pub fn nothing() -> Self {
        Self::default()
    }
}

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
    /// Holds the kernel lock until it is closed.
    _lock: fs_err::File,
}

impl OpenRun {
    pub(crate) fn begin(history: &Utf8Path, mut record: RunRecord) -> Result<Self, HistoryError> {
        record.state = RunState::Running;
        let folder = history.join(record.id.as_str());
        let marked = Utf8PathBuf::from(format!("{folder}{ERROR_SUFFIX}"));
        if folder.symlink_metadata().is_ok() || marked.symlink_metadata().is_ok() {
            return Err(HistoryError::Exists { id: record.id });
        }
        // The folder gets its name when lock and record are in it: nobody ever sees it without them.
        let new = history.join(format!("{NEW_PREFIX}{}", record.id));
        durable::remove(&new)?;
        durable::create_dir_all(&new)?;
        let lock_path = new.join(LOCK);
        let lock = fs_err::File::create_new(&lock_path).map_err(StorageError::of("write", &lock_path))?;
        lock.file().try_lock().map_err(|error| StorageError::new("lock", &lock_path, error.into()))?;
        // Not flushed: a run that a power failure cuts short has nothing to keep, and its folder, if it is there at all,
        // shows as interrupted. What a run leaves is flushed when it ends.
        record.write(&new, Lasting::Kill)?;
        durable::rename(&new, &folder)?;
        Ok(Self { folder, record, _lock: lock })
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
    pub fn add_file(&self, name: &str, content: &[u8]) -> Result<(), HistoryError> {
        Ok(durable::write(&self.folder.join(name), content, Lasting::Kill)?)
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
        keep: &Keep<'_>,
        ended: Timestamp,
    ) -> Finished {
        let mut warnings = Vec::new();
        match keep.layout.map(|layout| self.take(layout, keep)) {
            Some(Ok(skipped)) => {
                self.record.artifacts_kept = keep.artifacts;
                warnings.extend(skipped);
            }
            Some(Err(error)) => warnings.push(told("keep the artifacts in the history", &error)),
            None => {}
        }
        self.record.state = if state == RunState::Running { RunState::Interrupted } else { state };
        self.record.error = error;
        self.record.ended = Some(ended);
        self.record.bytes = size_of(&self.folder);
        if let Err(error) = self.record.write(&self.folder, Lasting::PowerFailure) {
            warnings.push(told("record the run", &HistoryError::from(error)));
        } else if self.record.state != RunState::Succeeded {
            match mark_error(&self.folder) {
                Ok(marked) => self.folder = marked,
                Err(error) => warnings.push(told("mark the run as an error", &error)),
            }
        }
        // A lock file left behind is harmless: without the kernel's lock it says nothing.
        durable::remove(&self.folder.join(LOCK)).ok();
        Finished { folder: self.folder, record: self.record, warnings }
    }

    /// Copies artifacts and logs into the run's folder; gives what had to be left out.
    fn take(&self, layout: &ArtifactLayout, keep: &Keep<'_>) -> Result<Vec<String>, TreeError> {
        if !layout.root().is_dir() {
            return Ok(Vec::new());
        }
        let mut tree = Tree::list(layout.root(), Links::Follow)?;
        let wanted = |path: &Utf8Path| if path.starts_with("log") { keep.logs } else { keep.artifacts };
        tree.files.retain(|file| wanted(&file.relative) && !is_ours(&file.relative));
        tree.folders.retain(|folder| wanted(folder));
        tree.others.retain(|other| Utf8Path::from_path(&other.relative).is_none_or(wanted));
        if tree.files.is_empty() && tree.folders.is_empty() {
            return Ok(Vec::new());
        }
        copy_tree(&tree, layout.root(), &self.folder)?;
        durable::sync_tree(&self.folder, &tree)?;
        let left_out = |other: &crate::tree::Other| {
            format!("`{}` is {} and not kept in the history", other.relative.display(), other.what)
        };
        Ok(tree.others.iter().map(left_out).collect())
    }
}

/// Whether an asset has made a file at the top that would take the place of one of the history's own.
fn is_ours(path: &Utf8Path) -> bool {
    [FILE, LOCK, "experimental_plan.yaml", "alo.lock"].contains(&path.as_str())
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
