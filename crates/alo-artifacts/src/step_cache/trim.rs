//! Keeps the cache within its bounds.

use std::time::{Duration, SystemTime};

use alo_plan::PipelineKind;
use camino::Utf8Path;

use super::entry::KeptStep;
use super::store::{ASIDE, StepCache, folders_in};
use crate::durable;
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// What was used so shortly before may be in use by another run of the project.
const IN_USE: Duration = Duration::from_secs(600);
/// So many entries of a step are kept at most.
const ENTRIES: usize = 1000;

impl StepCache {
    /// Removes what killed runs have left unfinished. The project must be locked.
    pub fn tidy_up(&self) {
        let Ok(entries) = self.root().read_dir_utf8() else { return };
        let unfinished = entries.filter_map(Result::ok).filter(|entry| entry.file_name().starts_with(ASIDE));
        for folder in unfinished {
            // What stays is in nobody's way.
            durable::remove(folder.path()).ok();
        }
    }

    /// Removes what a run has left that it needs no longer, and the entries that were not used for longest until the
    /// rest fits the quota; the newest of each step stays.
    pub fn trim(&self, run: &RunId) -> Result<(), StorageError> {
        self.discard(run)?;
        let mut older = Vec::new();
        let mut total = 0;
        for pipeline in PipelineKind::ALL {
            for step in folders_in(&self.root().join(pipeline.as_str())) {
                remove_halves(&step);
                let mut entries: Vec<_> =
                    folders_in(&step).into_iter().map(|folder| (KeptStep::used(&folder), folder)).collect();
                entries.sort();
                let surplus = entries.len().saturating_sub(ENTRIES);
                for (_, folder) in entries.drain(..surplus) {
                    remove(&folder)?;
                }
                let newest = entries.pop();
                total += newest.iter().map(|(_, folder)| bytes(folder)).sum::<u64>();
                older.extend(entries);
            }
        }
        older.sort();
        for (used, folder) in older.into_iter().rev() {
            total += bytes(&folder);
            if total > self.quota && !is_in_use(used) {
                remove(&folder)?;
            }
        }
        Ok(())
    }
}

fn is_in_use(used: Option<SystemTime>) -> bool {
    used.and_then(|used| used.elapsed().ok()).is_none_or(|since| since < IN_USE)
}

/// Removes what a kill has left of entries that were being removed.
fn remove_halves(step: &Utf8Path) {
    let Ok(entries) = step.read_dir_utf8() else { return };
    for entry in
        entries.filter_map(Result::ok).filter(|entry| entry.file_name().starts_with(durable::TEMP_PREFIX))
    {
        durable::remove(entry.path()).ok();
    }
}

fn bytes(folder: &Utf8Path) -> u64 {
    KeptStep::read(folder).map_or(0, |record| record.bytes())
}

/// Removes an entry such that a kill leaves no half of it.
fn remove(folder: &Utf8Path) -> Result<(), StorageError> {
    let gone =
        folder.with_file_name(format!("{}{}", durable::TEMP_PREFIX, folder.file_name().unwrap_or_default()));
    durable::rename(folder, &gone)?;
    durable::remove(&gone)
}
