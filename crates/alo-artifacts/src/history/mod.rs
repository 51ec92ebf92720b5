//! The history: one folder per run below `history/<kind>/`, found and listed without ever waiting for a writer.
//!
//! A run in progress is an [`OpenRun`]; it ends, over a [`CollectedRun`], with a record (`run.yaml`), a list of its files with their digests
//! (`files.json`) and the files themselves, of which equal ones of different runs are one file on the disk.
//! [`History`] lists, finds, pins, removes, compares, exports and restores runs.

mod collected;
mod collected_run;
mod data_list;
mod diff;
mod entry;
mod error;
mod file_list;
mod find;
mod index;
mod keep;
mod ledger;
mod listed;
mod objects;
mod open_run;
mod pin;
mod prune;
mod record;
mod recover;
mod remove;
mod restore;
mod retention;
mod run_diff;
mod run_export;
mod run_folder;
mod runs;
mod unsettled;

pub use collected_run::{CollectedRun, Finished};
pub use data_list::DataRecord;
pub use diff::{Difference, DifferenceArea};
pub use entry::HistoryEntry;
pub use error::HistoryError;
pub use file_list::{Damage, DamageKind};
pub use find::FindError;
pub use keep::Keep;
pub use listed::ListedRun;
pub use open_run::OpenRun;
pub use prune::Pruned;
pub use record::{EnvironmentRecord, RecordedError, RunRecord, RunState, StepRecord, StepState};
pub use remove::RemoveError;
pub use restore::{RestoreError, Restored};
pub use retention::{Holding, Retention, Selection, SharedFile, StoredRun, select};
pub use run_diff::RunDiff;
pub use run_export::{ExportedRun, RunExportError};
pub use runs::History;
