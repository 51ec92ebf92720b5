//! Putting a past run's artifacts back.

use std::collections::BTreeMap;

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use sha2::Sha256;

use super::entry::HistoryEntry;
use super::error::HistoryError;
use super::file_list::{Damage, DamageKind, FileList, KeptFile};
use super::keep::{Keep, is_own_name};
use super::ledger::Ledger;
use super::record::{RunRecord, RunState};
use super::runs::History;
use crate::copy::{CopyError, Meter, copy_file, digest_file};
use crate::durable;
use crate::experimental::{EXTERNAL_MODEL, ExperimentalHistory, ExperimentalHistoryError};
use crate::files_error::FilesError;
use crate::layout::ArtifactLayout;
use crate::permissions;
use crate::run_id::RunId;
use crate::staging::{StagedArtifacts, StagingError};
use crate::summary::Summary;
use crate::tree::Tree;
use crate::walk::Links;

/// So many damaged files are named in an error.
const NAMED: usize = 5;

/// A run whose artifacts are the current ones again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The run.
    pub run: RunId,
    /// Which pipeline's artifacts.
    pub kind: PipelineKind,
    /// Number of files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The run as which the artifacts that were current until now were recorded, if the history did not have them.
    pub recorded: Option<RunId>,
}

/// The training whose models others replace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Replaced {
    /// Its run in the history.
    pub(crate) training: Option<String>,
    /// That run, if it was recorded only now.
    pub(crate) recorded: Option<RunId>,
}

/// A run that cannot be restored. What was current still is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It did not succeed, and its artifacts are not whole.
    #[error("the run `{id}` {state}: there is nothing whole to restore")]
    NotGood {
        /// The run.
        id: RunId,
        /// How it ended, in words.
        state: &'static str,
    },
    /// Its artifacts are not in the history.
    #[error("the artifacts of the run `{id}` were not kept")]
    NotKept {
        /// The run.
        id: RunId,
    },
    /// Its files are not what they were.
    #[error("the history of the run `{id}` is damaged: {}", named(.files))]
    Damaged {
        /// The run.
        id: RunId,
        /// The files.
        files: Vec<Damage>,
    },
    /// What is current now would have been lost: it could not be recorded.
    #[error("record the artifacts that are current now: {}", .warnings.join("; "))]
    NotRecorded {
        /// What could not be recorded.
        warnings: Vec<String>,
    },
    /// The history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The artifacts.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// Files could not be listed, read or copied.
    #[error(transparent)]
    Files(FilesError),
    /// Ids and times could not be written.
    #[error(transparent)]
    ExperimentalHistory(#[from] ExperimentalHistoryError),
}

pub(super) fn named(files: &[Damage]) -> String {
    let named: Vec<_> = files.iter().take(NAMED).map(ToString::to_string).collect();
    let more = files.len().saturating_sub(NAMED);
    if more > 0 { format!("{}, and {more} more", named.join(", ")) } else { named.join(", ") }
}

impl<E: Into<FilesError>> From<E> for RestoreError {
    fn from(error: E) -> Self {
        Self::Files(error.into())
    }
}

impl RestoreError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotGood { .. } => {
                Some("`alo history list --state succeeded` lists the runs that can be restored".into())
            }
            Self::NotKept { .. } => Some("`backup_artifacts: True` in the plan keeps them".into()),
            Self::Damaged { .. } => {
                Some("restore another run, or copy what is good from its folder by hand".into())
            }
            Self::NotRecorded { .. } => {
                Some("nothing was changed; move them out of the way if they are not needed".into())
            }
            Self::History(error) => error.hint(),
            Self::Staging(error) => error.hint(),
            Self::Files(error) => error.hint(),
            Self::ExperimentalHistory(error) => error.hint(),
        }
    }
}

impl History {
    /// Makes the artifacts of a past run the current ones, in one step. The project must be locked.
    ///
    /// Every file is compared with its digest before anything is changed. Artifacts that are current and that the history
    /// does not have are recorded first, as a run of their own. `experimental_history.json` then names the restored run,
    /// so inferences record the right training, and the quota spares it.
    pub fn restore(&self, entry: &HistoryEntry) -> Result<Restored, RestoreError> {
        let (record, kind) = (&entry.record, entry.record.kind);
        let id = record.id.clone();
        let state = match record.state {
            RunState::Succeeded => None,
            RunState::Failed | RunState::Interrupted if record.is_good() => None,
            RunState::Running => Some("is still running"),
            RunState::Failed => Some("has failed"),
            RunState::Interrupted => Some("was interrupted"),
        };
        if let Some(state) = state {
            return Err(RestoreError::NotGood { id, state });
        }
        let list = FileList::read(&entry.folder)?.filter(|_| record.artifacts_kept);
        let Some(list) = list else { return Err(RestoreError::NotKept { id }) };
        let staged = StagedArtifacts::begin(self.layout(), kind, &id)?;
        let bytes = fill(staged.layout(), &entry.folder, &list).map_err(|error| match error {
            FillError::Damaged(files) => RestoreError::Damaged { id: id.clone(), files },
            FillError::Files(error) => error.into(),
        })?;
        times_of(record).write(&staged.layout().experimental_history())?;
        let recorded = self.record_current(kind, Timestamp::now())?;
        staged.commit()?;
        Ok(Restored { run: id, kind, files: artifacts(&list).count(), bytes, recorded })
    }

    /// Records the trained models that are current, with what lies beside them, before others take their place; unless the
    /// history has them, or they came from outside themselves.
    pub(crate) fn keep_trained(&self, now: Timestamp) -> Result<Replaced, RestoreError> {
        let kind = PipelineKind::Train;
        let current = self.layout().artifacts(kind);
        let known = ExperimentalHistory::read(&current.experimental_history()).unwrap_or_default();
        if known.id == EXTERNAL_MODEL {
            return Ok(Replaced { training: known.replaced_id, recorded: None });
        }
        let models = current.models();
        if !models.is_dir() || Tree::list(&models, Links::Follow)?.files.is_empty() {
            return Ok(Replaced::default());
        }
        let recorded = self.record_current(kind, now)?;
        let training = recorded.as_ref().map(ToString::to_string).or(Some(known.id));
        Ok(Replaced { training, recorded })
    }

    /// Records what is current now, unless the history has it.
    fn record_current(&self, kind: PipelineKind, now: Timestamp) -> Result<Option<RunId>, RestoreError> {
        let current = self.layout().artifacts(kind);
        if !current.root().is_dir() {
            return Ok(None);
        }
        let tree = Tree::list(current.root(), Links::Follow)?;
        let has_something = tree.files.iter().any(|file| !is_log(&file.relative));
        if !has_something || self.has(kind, &current, &tree)? {
            return Ok(None);
        }
        let known = ExperimentalHistory::read(&current.experimental_history()).unwrap_or_default();
        let name = known.id.parse::<RunId>().map_or_else(|_| "unknown".to_owned(), |id| id.name().to_owned());
        let mut record = RunRecord::new(RunId::generate(now, &name), kind, now);
        "restore".clone_into(&mut record.mode);
        (record.data_id, record.code_id, record.param_id) = (known.data_id, known.code_id, known.param_id);
        record.train_id = known.train_id;
        if let Ok(summary) = Summary::read(&current.summary(kind)) {
            (record.score, record.result, record.note) =
                (Some(summary.score), Some(summary.result), summary.note);
        }
        let id = record.id.clone();
        Ledger::forget(self.layout());
        let keep = Keep { layout: Some(&current), artifacts: true, logs: true };
        let finished = self.begin(record)?.finish_at(RunState::Succeeded, None, &keep, now);
        if !finished.record.artifacts_kept {
            return Err(RestoreError::NotRecorded { warnings: finished.warnings });
        }
        Ok(Some(id))
    }

    /// Whether the history has these artifacts, of the run that they themselves name. Logs do not count: the last words
    /// of a run are written after they were kept.
    fn has(&self, kind: PipelineKind, current: &ArtifactLayout, tree: &Tree) -> Result<bool, RestoreError> {
        let Some(id) = self.current_run(kind) else { return Ok(false) };
        let Ok(entry) = self.find(&id, Some(kind)) else { return Ok(false) };
        let list = FileList::read(&entry.folder).ok().flatten().filter(|_| entry.record.artifacts_kept);
        let Some(list) = list.filter(|_| entry.record.id.as_str() == id) else { return Ok(false) };
        let mut missing: BTreeMap<&Utf8PathBuf, &KeptFile> =
            artifacts(&list).filter(|(path, _)| !is_log(path)).collect();
        for file in tree.files.iter().filter(|file| !is_log(&file.relative)) {
            let Some(kept) = missing.remove(&file.relative) else { return Ok(false) };
            let (digest, _) = digest_file::<Sha256>(&current.root().join(&file.relative), &Meter::default())?;
            // What the history has of it must be whole, too.
            let (in_history, _) =
                digest_file::<Sha256>(&entry.folder.join(&file.relative), &Meter::default())?;
            if !digest.is(&kept.sha256) || in_history != digest {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn is_log(path: &Utf8Path) -> bool {
    path.starts_with("log")
}

/// The files that are artifacts and logs, not the history's own.
fn artifacts(list: &FileList) -> impl Iterator<Item = (&Utf8PathBuf, &KeptFile)> {
    list.files.iter().filter(|(path, _)| !is_own_name(path.as_str()))
}

enum FillError {
    Damaged(Vec<Damage>),
    Files(FilesError),
}

impl<E: Into<FilesError>> From<E> for FillError {
    fn from(error: E) -> Self {
        Self::Files(error.into())
    }
}

/// Copies what a run has kept to where artifacts are staged, comparing every file; gives the bytes.
fn fill(staged: &ArtifactLayout, folder: &Utf8Path, list: &FileList) -> Result<u64, FillError> {
    let tree = Tree::list(folder, Links::AsIs)?;
    for inner in &tree.folders {
        durable::create_dir_all(&staged.root().join(inner))?;
    }
    let (mut damages, mut bytes) = (Vec::new(), 0);
    for (path, kept) in artifacts(list) {
        let (from, to) = (folder.join(path), staged.root().join(path));
        durable::create_dir_all(durable::parent(&to))?;
        let kind = match copy_file::<Sha256>(&from, &to, &Meter::default()) {
            Ok(copied) if copied.digest.is(&kept.sha256) => {
                bytes += copied.copy.size;
                if kept.executable {
                    permissions::make_executable(&to)?;
                }
                continue;
            }
            Ok(_) => DamageKind::Changed,
            Err(CopyError::Storage(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                DamageKind::Missing
            }
            Err(error) => return Err(error.into()),
        };
        damages.push(Damage { file: path.clone(), kind });
    }
    if damages.is_empty() { Ok(bytes) } else { Err(FillError::Damaged(damages)) }
}

/// What `experimental_history.json` says of a run.
fn times_of(record: &RunRecord) -> ExperimentalHistory {
    ExperimentalHistory {
        id: record.id.to_string(),
        start_time: record.started,
        end_time: record.ended.unwrap_or(record.started),
        data_id: record.data_id.clone(),
        code_id: record.code_id.clone(),
        param_id: record.param_id.clone(),
        train_id: record.train_id.clone(),
        replaced_id: None,
    }
}
