//! Killed runs are marked, and what they left half made is cleared away.

use alo_plan::PipelineKind;
use camino::Utf8Path;

use super::error::HistoryError;
use super::index::scan;
use super::ledger::Ledger;
use super::record::{RunRecord, RunState};
use super::remove::clear;
use super::run_folder::{LOCK, NEW_PREFIX, TRASH_PREFIX, is_alive, mark_error, names_in, size_of};
use super::runs::History;
use super::unsettled::Unsettled;
use crate::copy::copy_plain;
use crate::durable::{self, Lasting};
use crate::run_id::{ERROR_SUFFIX, RunId};
use crate::staging::StagedArtifacts;

impl History {
    /// Marks runs whose process is gone as interrupted and clears away what killed runs left half made. The project
    /// must be locked; logs that a killed run left in the staging folder are taken into its history. Runs are looked at only
    /// if something was begun and has not ended, so that many of them cost nothing.
    pub(crate) fn recover(&self) -> Result<Vec<RunRecord>, HistoryError> {
        if Unsettled::is_none(self.layout()) {
            return Ok(Vec::new());
        }
        for kind in PipelineKind::ALL {
            let history = self.layout().history(kind);
            for name in names_in(&history)? {
                let folder = history.join(&name);
                if name.starts_with(TRASH_PREFIX) {
                    clear(self.layout(), &folder)?;
                } else if name.starts_with(NEW_PREFIX) && !is_alive(&folder) {
                    durable::remove(&folder)?;
                }
            }
        }
        let mut marked = Vec::new();
        for scanned in scan(self.layout())? {
            let (kind, folder) = (scanned.run.kind, scanned.run.folder);
            let unmarked = !folder.as_str().ends_with(ERROR_SUFFIX);
            if !scanned.fresh && (scanned.run.state == RunState::Succeeded || !unmarked) {
                continue;
            }
            // A folder without a good record stays as it is: it may be the original's, or somebody's evidence.
            let Ok(mut record) = RunRecord::read(&folder) else { continue };
            match record.state {
                RunState::Running if !is_alive(&folder) => {
                    self.take_logs(kind, &record.id, &folder);
                    Ledger::forget(self.layout());
                    record.state = RunState::Interrupted;
                    record.bytes = size_of(&folder);
                    record.unique_bytes = record.bytes;
                    record.write(&folder, Lasting::PowerFailure)?;
                    durable::remove(&folder.join(LOCK))?;
                    if unmarked {
                        mark_error(&folder)?;
                    }
                    marked.push(record);
                }
                RunState::Failed | RunState::Interrupted if unmarked && !is_alive(&folder) => {
                    durable::remove(&folder.join(LOCK))?;
                    mark_error(&folder)?;
                }
                _ => {}
            }
        }
        Unsettled::looked(self.layout())?;
        Ok(marked)
    }

    /// Copies the logs of a killed run into its history; a failure only loses them.
    fn take_logs(&self, kind: PipelineKind, id: &RunId, folder: &Utf8Path) {
        let Some(staged) = StagedArtifacts::unfinished(self.layout(), kind, id) else { return };
        let target = folder.join("log");
        if durable::create_dir_all(&target).is_ok() {
            for log in [staged.pipeline_log(), staged.process_log()] {
                if let Some(name) = log.file_name().filter(|_| log.is_file()) {
                    copy_plain(&log, &target.join(name)).ok();
                }
            }
        }
    }
}
