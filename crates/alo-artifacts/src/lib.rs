//! Data, artifacts, summaries, archives and run history for alo.
//!
//! This crate owns everything a run reads from and leaves on disk beside its code: external data and
//! models that come in ([`load_data`], [`ModelSource`]), the artifact folders ([`ArtifactLayout`],
//! [`StagedArtifacts`]), the summary ([`Summary`]) and the check of what an inference left
//! ([`check_output`]), archives that go out ([`export`]), and the history of runs ([`History`]).
//!
//! What is promised about crashes, full disks and two runs at once, and in which order things are made
//! durable, is stated in `docs/storage.md`.

mod archive;
mod asset_interface;
mod batches;
mod claim;
mod copy;
mod digest;
mod durable;
mod error_chain;
mod experimental;
mod export;
mod export_error;
mod external;
mod files_error;
mod fingerprint;
mod given;
mod history;
mod input_folder;
mod layout;
mod load_error;
mod location;
mod lock;
mod manifest;
mod mirror;
mod model;
mod output;
mod path_list;
mod permissions;
mod probability;
mod record_list;
mod recovery;
mod remote_data;
mod run_id;
mod s3;
mod save_place;
mod source;
mod staged_copy;
mod staging;
mod stamp;
mod step_cache;
mod storage_error;
mod summary;
mod summary_error;
mod sweep_record;
mod temp_mark;
mod transfer;
mod tree;
mod tree_error;
mod unflushed;
mod unpack;
mod value_files;
mod value_list;
mod walk;

pub use archive::{ArchiveError, MemberTime, Packed, pack};
pub use asset_interface::{AssetInterface, OldValues};
pub use copy::CopyError;
pub use error_chain::error_chain;
pub use experimental::{EXTERNAL_MODEL, ExperimentalHistory, ExperimentalHistoryError};
pub use export::{ExportForm, Exported, Exports, SaveTarget, export, export_as, resolve_save_path};
pub use export_error::ExportError;
pub use external::{LoadProgress, LoadedData, LoadedSource, load_data, loaded_once};
pub use files_error::FilesError;
pub use fingerprint::{NO_DATA_ID, code_id, param_id};
pub use given::Given;
pub use history::{
    CollectedRun, Damage, DamageKind, DataRecord, Difference, DifferenceArea, EnvironmentRecord, ExportedRun,
    FindError, Finished, History, HistoryEntry, HistoryError, Holding, Keep, ListedRun, OpenRun, Pruned,
    RecordedError, RemoveError, RestoreError, Restored, Retention, RunDiff, RunExportError, RunRecord,
    RunState, Selection, SharedFile, StepRecord, StepState, StoredRun, select,
};
pub use layout::{ArtifactLayout, ProjectLayout};
pub use load_error::LoadError;
pub use location::{Location, LocationError};
pub use lock::{Holder, LockError, ProjectLock};
pub use model::{LoadedModel, ModelCommitError, ModelError, ModelSource, StagedModel};
pub use output::{InferenceOutput, OutputError, check_output};
pub use recovery::{Recovery, RecoveryError, recover};
pub use run_id::{RunId, RunIdError};
pub use s3::{CredentialsError, S3Access, S3Environment, S3Error, S3Fault};
pub use source::{DataSource, check_sources};
pub use staging::{Leftover, StagedArtifacts, StagingError};
pub use step_cache::{
    Dependency, Found, HeldStep, KeptStep, LeftBehind, Look, LookedAt, MadeFrom, NotKept, PutBackError, Read,
    Recorded, RecordingError, Sharing, Sight, Snapshot, StepCache, StepDescription, StepEntry, StepKey,
    StepRecording, Then, digest_folder, file_of_run_alone, stamp_folder,
};
pub use storage_error::StorageError;
pub use summary::Summary;
pub use summary_error::SummaryError;
pub use sweep_record::{SweepInput, SweepRecord, SweepRecordError, SweptRun};
pub use tree_error::TreeError;
pub use unpack::{Limits, UnpackError, Unpacked, unpack};
pub use value_files::value_files;
