//! A run that has ended, on its way into the history.
//!
//! The order of durable steps:
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

use super::collected::{Collected, Digests, take_back};
use super::error::HistoryError;
use super::keep::{Keep, LOGS};
use super::ledger::Ledger;
use super::open_run::OpenRun;
use super::record::{RecordedError, RunRecord, RunState};
use super::run_folder::{LOCK, mark_error, size_of};
use crate::durable::{self, Lasting};
use crate::error_chain::error_chain;
use crate::files_error::FilesError;

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

/// A run that has ended: what is to be kept of it is in its folder, but neither flushed nor recorded.
///
/// Nothing outside the history is needed any longer to [`settle`](Self::settle) it, on whatever thread. Dropped without that
/// the run counts as interrupted.
#[derive(Debug)]
pub struct CollectedRun {
    run: OpenRun,
    ending: Ending,
    /// Whether artifacts, and not only logs, are kept.
    artifacts: bool,
    collected: Option<Collected>,
    warnings: Vec<String>,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) state: RunState,
    pub(super) error: Option<RecordedError>,
    pub(super) ended: Timestamp,
}

impl CollectedRun {
    pub(super) fn collect(run: OpenRun, keep: &Keep<'_>, digests: Digests, ending: Ending) -> Self {
        let artifacts = keep.artifacts && keep.layout.is_some();
        let mut this = Self { run, ending, artifacts, collected: None, warnings: Vec::new() };
        let collect =
            |keep: &Keep<'_>| Collected::collect(&this.run.project, &this.run.folder, keep, digests);
        match collect(keep) {
            Ok(mut collected) => {
                this.warnings.append(&mut collected.left_out);
                this.collected = Some(collected);
            }
            Err(error) => {
                // Half of them are of no use, and may be what fills the disk. Logs are small, and tell more than nothing.
                take_back(&this.run.folder, None);
                let logs = Keep { artifacts: false, ..*keep };
                let logs = keep.artifacts.then(|| collect(&logs).ok()).flatten();
                this.not_kept(&error);
                this.artifacts = false;
                match logs {
                    Some(logs) => this.collected = Some(logs),
                    None => take_back(&this.run.folder, None),
                }
            }
        }
        this
    }

    /// The run's folder in the history.
    pub fn folder(&self) -> &Utf8Path {
        &self.run.folder
    }

    /// Takes out what could not be collected; [`Finished`] then has only what comes later.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Flushes and shares what is kept, writes the final record, and marks the folder of a run that did not succeed by
    /// `-error`.
    ///
    /// Never fails: what could not be recorded is told in the warnings.
    pub fn settle(mut self) -> Finished {
        let mut unique_bytes = self.run.added;
        match self.collected.take().map(Collected::settle) {
            Some(Ok(new_bytes)) => {
                self.run.record.artifacts_kept = self.artifacts;
                unique_bytes += new_bytes;
            }
            Some(Err(error)) => {
                // As when they cannot be collected.
                take_back(&self.run.folder, self.artifacts.then_some(LOGS));
                let logs = Collected::logs(&self.run.project, &self.run.folder);
                if logs.and_then(Collected::settle).is_err() {
                    take_back(&self.run.folder, None);
                }
                self.not_kept(&error);
            }
            None => {}
        }
        let Self { run, ending: Ending { state, error, ended }, mut warnings, .. } = self;
        let OpenRun { mut folder, mut record, unsettled, .. } = run;
        record.state = if state == RunState::Running { RunState::Interrupted } else { state };
        record.error = error;
        record.ended = Some(ended);
        record.bytes = size_of(&folder);
        record.unique_bytes = unique_bytes;
        let mut is_settled = true;
        if let Err(error) = record.write(&folder, Lasting::PowerFailure) {
            is_settled = false;
            warnings.push(told("record the run", &HistoryError::from(error)));
        } else if record.state != RunState::Succeeded {
            match mark_error(&folder) {
                Ok(marked) => folder = marked,
                Err(error) => {
                    is_settled = false;
                    warnings.push(told("mark the run as an error", &error));
                }
            }
        }
        // A lock file left behind is harmless: without the kernel's lock it says nothing.
        durable::remove(&folder.join(LOCK)).ok();
        if is_settled {
            unsettled.end();
        }
        Finished { folder, record, warnings }
    }

    fn not_kept(&mut self, error: &FilesError) {
        self.warnings.push(told("keep the artifacts in the history", error));
        // What of them came into the folder is not known: the next run counts.
        Ledger::forget(&self.run.project);
    }
}

fn told(doing: &str, error: &dyn std::error::Error) -> String {
    format!("failed to {doing}: {}", error_chain(error))
}
