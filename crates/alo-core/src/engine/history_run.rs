//! A pipeline's run in the history: begun, completed, and the history kept within its quota.

use alo_artifacts::{
    CollectedRun, Finished, History, Keep, LoadedData, OpenRun, RecordedError, Retention, RunRecord, RunState,
};
use alo_assets::redact;

use super::scope::RunScope;
use crate::error_chain;
use crate::event::Level;
use crate::journal::Journal;

impl RunScope<'_> {
    /// Opens the run's folder in history. A run whose history cannot be written runs all the same.
    pub(super) fn begin_history(&self, record: &RunRecord, journal: &mut Journal<'_>) -> Option<OpenRun> {
        let begun = History::new(self.project.layout()).begin(record.clone()).and_then(|mut run| {
            // Passwords and tokens in URLs stay in the user's own plan alone.
            run.add_file("experimental_plan.yaml", redact(&self.project.plan().to_yaml()).as_bytes())?;
            Ok(run)
        });
        begun
            .map_err(|error| {
                journal.say(Level::Warning, &format!("this run is not recorded: {}", error_chain(&error)));
            })
            .ok()
    }

    /// Records what has become known since the run began.
    pub(super) fn complete_record(
        &self,
        run: &mut OpenRun,
        (record, data): (RunRecord, Option<LoadedData>),
        journal: &mut Journal<'_>,
    ) {
        let updated = run
            .update(|written| *written = record)
            .and_then(|()| data.map_or(Ok(()), |data| run.add_data(&data)))
            .and_then(|()| match fs_err::read(self.project.layout().lockfile()) {
                Ok(lock) => run.add_file("alo.lock", &lock),
                // Native steps need no lock.
                Err(_) => Ok(()),
            });
        if let Err(error) = updated {
            journal
                .say(Level::Warning, &format!("the run's record is not complete: {}", error_chain(&error)));
        }
    }

    /// Keeps the history within its quota: once, when all that the run keeps is in it.
    pub(super) fn trim_history(&self, journal: &mut Journal<'_>) {
        let quota = self.project.plan().control.backup_size.saturating_mul(1_000_000);
        let limit = Retention { bytes: Some(quota), runs: None };
        match History::new(self.project.layout()).prune(limit, Some(self.run)) {
            Ok(pruned) => {
                for (kind, run) in &pruned.runs {
                    journal.note(&format!(
                        "removed {run} from the {kind} history: it is larger than backup_size"
                    ));
                }
            }
            Err(error) => {
                journal
                    .say(Level::Warning, &format!("history could not be trimmed: {}", error_chain(&error)));
            }
        }
    }
}

/// Records how the run ended.
pub(super) fn finish(
    run: OpenRun,
    state: RunState,
    error: Option<RecordedError>,
    keep: &Keep<'_>,
    journal: &mut Journal<'_>,
) -> Finished {
    let finished = run.finish(state, error, keep);
    for warning in &finished.warnings {
        journal.say(Level::Warning, warning);
    }
    finished
}

/// Collects what is to be kept; the rest needs nothing but the history.
pub(super) fn collect(
    run: OpenRun,
    state: RunState,
    keep: &Keep<'_>,
    journal: &mut Journal<'_>,
) -> CollectedRun {
    let mut collected = run.collect(state, None, keep);
    for warning in collected.take_warnings() {
        journal.say(Level::Warning, &warning);
    }
    collected
}
