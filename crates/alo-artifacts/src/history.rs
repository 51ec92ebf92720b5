//! The history: one folder per run below `history/<kind>/`, found and listed without ever waiting for a writer.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::io;

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use crate::copy::copy_plain;
use crate::durable::{self, Lasting, StorageError};
use crate::experimental::ExperimentalHistory;
use crate::layout::ProjectLayout;
use crate::ledger::Ledger;
use crate::open_run::OpenRun;
use crate::record::{FILE, RecordError, RunRecord, RunState};
use crate::retention::{StoredRun, select};
use crate::run_id::{ERROR_SUFFIX, RunId};
use crate::staging::StagedArtifacts;
use crate::tree::{Links, Tree};

/// The file whose kernel lock says that the run is alive.
pub(crate) const LOCK: &str = ".running";
/// Folders of runs that are not complete yet start with this.
pub(crate) const NEW_PREFIX: &str = ".new-";
/// Folders of runs that are being removed start with this.
const TRASH_PREFIX: &str = ".trash-";

/// A history that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A record that holds something else.
    #[error("understand `{path}`")]
    Record {
        /// The record.
        path: Utf8PathBuf,
        /// What is wrong.
        source: serde_yaml::Error,
    },
    /// A record of a newer version, which is never overwritten.
    #[error("write to `{path}`, which a newer version of alo has written")]
    Newer {
        /// The record.
        path: Utf8PathBuf,
    },
    /// A run of that name exists.
    #[error("the history has a run `{id}` already")]
    Exists {
        /// The run.
        id: RunId,
    },
}

impl From<RecordError> for HistoryError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Storage(error) => Self::Storage(error),
            RecordError::Content { path, source } => Self::Record { path, source },
            RecordError::Newer { path } => Self::Newer { path },
        }
    }
}

impl HistoryError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Newer { .. } => Some("use the newer version of alo".into()),
            Self::Record { .. } | Self::Exists { .. } => None,
        }
    }
}

/// A run that could not be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// No id starts so.
    #[error("no run of the history starts with `{prefix}`")]
    None {
        /// What was looked for.
        prefix: String,
    },
    /// Several ids start so.
    #[error("several runs start with `{prefix}`: {}", .ids.join(", "))]
    Several {
        /// What was looked for.
        prefix: String,
        /// Some of the ids.
        ids: Vec<String>,
    },
    /// The history could not be read.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl FindError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::None { .. } => Some("`alo history` lists the runs".into()),
            Self::Several { .. } => Some("write more of the id".into()),
            Self::History(error) => error.hint(),
        }
    }
}

/// One run as it lies in the history.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Its folder.
    pub folder: Utf8PathBuf,
    /// Its record. The state is the true one: a run whose process is gone is not running but interrupted.
    pub record: RunRecord,
    /// Why the record is only what the folder's name tells: it is missing or damaged, or the original has written
    /// the folder.
    pub damaged: Option<String>,
}

/// Runs that the quota removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Pruned {
    /// The runs, in the order in which they went.
    pub runs: Vec<(PipelineKind, RunId)>,
    /// The bytes that were set free.
    pub bytes: u64,
    /// The bytes that are left.
    pub left: u64,
}

/// The runs of a project.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let root = camino::Utf8PathBuf::try_from(dir.path().to_owned())?;
/// use alo_artifacts::{History, Keep, ProjectLayout, RunId, RunRecord, RunState};
/// use alo_plan::PipelineKind;
///
/// let history = History::new(&ProjectLayout::new(root));
/// let now = jiff::Timestamp::now();
/// let id = RunId::generate(now, "titanic");
/// let mut run = history.begin(RunRecord::new(id.clone(), PipelineKind::Train, now))?;
/// run.update(|record| record.data_id = "1f2e3d4c5b6a".into())?;
/// assert_eq!(history.list()?[0].record.state, RunState::Running);
/// run.finish(RunState::Succeeded, None, &Keep::nothing());
/// assert_eq!(history.find(id.as_str(), None)?.record.state, RunState::Succeeded);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct History {
    layout: ProjectLayout,
}

impl History {
    /// Describes the history of a project; nothing is touched.
    pub fn new(layout: &ProjectLayout) -> Self {
        Self { layout: layout.clone() }
    }

    /// Starts a run: its folder appears with the record in it, and the run counts as running until it is finished
    /// or its process is gone.
    pub fn begin(&self, record: RunRecord) -> Result<OpenRun, HistoryError> {
        OpenRun::begin(&self.layout.history(record.kind), record)
    }

    /// Lists all runs, the newest first. Never waits; foreign folders are passed over.
    pub fn list(&self) -> Result<Vec<HistoryEntry>, HistoryError> {
        let mut entries = Vec::new();
        for kind in PipelineKind::ALL {
            for name in self.names(kind)? {
                entries.extend(self.entry(kind, &name));
            }
        }
        entries.sort_by(|a, b| {
            let key =
                |entry: &HistoryEntry| (entry.record.started, entry.record.id.clone(), entry.record.kind);
            key(b).cmp(&key(a))
        });
        Ok(entries)
    }

    /// Finds the one run whose id starts so, or whose eight digits do. `kind` tells train and inference of one
    /// command apart; without it the inference is meant where both have the id.
    pub fn find(&self, prefix: &str, kind: Option<PipelineKind>) -> Result<HistoryEntry, FindError> {
        let prefix = prefix.strip_suffix(ERROR_SUFFIX).unwrap_or(prefix);
        let mut found: Vec<HistoryEntry> = Vec::new();
        let mut ids = BTreeSet::new();
        for kind in PipelineKind::ALL.into_iter().filter(|each| kind.is_none_or(|kind| kind == *each)) {
            for name in self.names(kind)? {
                let Some((id, _)) = RunId::of_folder(&name) else { continue };
                let digits = id.as_str().get(17..).unwrap_or_default();
                if !prefix.is_empty() && (id.as_str().starts_with(prefix) || digits.starts_with(prefix)) {
                    found.extend(self.entry(kind, &name));
                    ids.insert(id);
                }
            }
        }
        // A whole id is meant even where another one starts with it.
        if let Some(exact) = ids.iter().find(|id| id.as_str() == prefix) {
            found.retain(|entry| entry.record.id == *exact);
        } else if ids.len() > 1 {
            let ids = ids.iter().take(5).map(ToString::to_string).collect();
            return Err(FindError::Several { prefix: prefix.to_owned(), ids });
        }
        found.pop().ok_or_else(|| FindError::None { prefix: prefix.to_owned() })
    }

    /// Marks runs whose process is gone as interrupted and clears away what killed runs left half made. The project
    /// must be locked; logs that a killed run left in the staging folder are taken into its history.
    pub(crate) fn recover(&self) -> Result<Vec<RunRecord>, HistoryError> {
        let mut marked = Vec::new();
        for kind in PipelineKind::ALL {
            let history = self.layout.history(kind);
            for name in names_in(&history)? {
                let folder = history.join(&name);
                if name.starts_with(TRASH_PREFIX) || (name.starts_with(NEW_PREFIX) && !is_alive(&folder)) {
                    durable::remove(&folder)?;
                }
            }
            for name in self.names(kind)? {
                let folder = history.join(&name);
                // A folder without a good record stays as it is: it may be the original's, or somebody's evidence.
                let Ok(mut record) = RunRecord::read(&folder) else { continue };
                let unmarked = !name.ends_with(ERROR_SUFFIX);
                match record.state {
                    RunState::Running if !is_alive(&folder) => {
                        self.take_logs(kind, &record.id, &folder);
                        Ledger::forget(&self.layout);
                        record.state = RunState::Interrupted;
                        record.bytes = size_of(&folder);
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
        }
        Ok(marked)
    }

    /// Copies the logs of a killed run into its history; a failure only loses them.
    fn take_logs(&self, kind: PipelineKind, id: &RunId, folder: &Utf8Path) {
        let Some(staged) = StagedArtifacts::unfinished(&self.layout, kind, id) else { return };
        let target = folder.join("log");
        if durable::create_dir_all(&target).is_ok() {
            for log in [staged.pipeline_log(), staged.process_log()] {
                if let Some(name) = log.file_name().filter(|_| log.is_file()) {
                    copy_plain(&log, &target.join(name)).ok();
                }
            }
        }
    }

    /// Removes runs until the history fits into `quota` bytes, after a run has finished. The project must be locked.
    ///
    /// The quota of a plan is in MB of 1,000,000 bytes. The run `finished` stays, and so do pinned runs, runs in progress, and the training whose model is current.
    /// Folders that are no runs are neither counted nor touched.
    pub fn prune(&self, quota: u64, finished: Option<&RunId>) -> Result<Pruned, HistoryError> {
        if let Some(left) = self.within(quota, finished)? {
            return Ok(Pruned { left, ..Pruned::default() });
        }
        // Counted anew from here on, also when this is killed halfway.
        Ledger::forget(&self.layout);
        let current = self.current_training();
        let entries = self.list()?;
        let runs: Vec<StoredRun> = entries
            .iter()
            .map(|entry| {
                let record = &entry.record;
                let is_current =
                    record.kind == PipelineKind::Train && Some(record.id.as_str()) == current.as_deref();
                StoredRun {
                    started: record.started,
                    bytes: if record.bytes > 0 { record.bytes } else { size_of(&entry.folder) },
                    good: record.state == RunState::Succeeded,
                    protected: is_current
                        || Some(&record.id) == finished
                        || record.pinned
                        || record.state == RunState::Running
                        || record.format > crate::record::FORMAT,
                }
            })
            .collect();
        let mut pruned = Pruned { left: runs.iter().map(|run| run.bytes).sum(), ..Pruned::default() };
        for at in select(&runs, quota) {
            remove_run(&entries[at].folder)?;
            pruned.runs.push((entries[at].record.kind, entries[at].record.id.clone()));
            pruned.bytes += runs[at].bytes;
            pruned.left -= runs[at].bytes;
        }
        Ledger::new(entries.len() - pruned.runs.len(), pruned.left).write(&self.layout);
        Ok(pruned)
    }

    /// What the history takes, if the run that has just finished is the only news and all fits into the quota.
    fn within(&self, quota: u64, finished: Option<&RunId>) -> Result<Option<u64>, HistoryError> {
        let (Some(ledger), Some(id)) = (Ledger::read(&self.layout), finished) else { return Ok(None) };
        let (mut folders, mut new) = (0, Vec::new());
        for kind in PipelineKind::ALL {
            let names = self.names(kind)?;
            folders += names.len();
            new.extend(names.into_iter().filter(|name| is_of(name, id)).map(|name| (kind, name)));
        }
        // Train and inference of one command have one id: then the first of them is in the ledger already.
        let Some((kind, name)) = new.pop().filter(|_| folders == ledger.folders + 1) else { return Ok(None) };
        let Some(entry) = self.entry(kind, &name) else { return Ok(None) };
        let bytes = ledger.bytes + entry.record.bytes;
        if bytes > quota || entry.record.state == RunState::Running || entry.damaged.is_some() {
            return Ok(None);
        }
        Ledger::new(folders, bytes).write(&self.layout);
        Ok(Some(bytes))
    }

    /// The training whose model is current, as the artifacts themselves tell.
    fn current_training(&self) -> Option<String> {
        let path = self.layout.artifacts(PipelineKind::Train).experimental_history();
        ExperimentalHistory::read(&path).ok().map(|history| history.id)
    }

    /// The names of the folders that could be runs.
    fn names(&self, kind: PipelineKind) -> Result<Vec<String>, HistoryError> {
        let mut names = names_in(&self.layout.history(kind))?;
        names.retain(|name| RunId::of_folder(name).is_some());
        Ok(names)
    }

    /// Reads one run; `None` if it has just been removed.
    fn entry(&self, kind: PipelineKind, name: &str) -> Option<HistoryEntry> {
        let (id, is_error) = RunId::of_folder(name)?;
        let folder = self.layout.history(kind).join(name);
        let (mut folder, mut read) = read_run(folder);
        let is_dead = matches!(&read, Ok(record) if record.state == RunState::Running && !is_alive(&folder));
        if is_dead {
            // A run gives its lock back after its last word: without the lock that word can be read.
            (folder, read) = read_run(folder);
        }
        match read {
            Ok(mut record) if record.id == id => {
                if is_dead && record.state == RunState::Running {
                    record.state = RunState::Interrupted;
                }
                Some(HistoryEntry { folder, record, damaged: None })
            }
            Err(_) if !folder.is_dir() => None,
            other => {
                let damaged = match other {
                    Ok(record) => format!("its record is that of `{}`", record.id),
                    Err(error) => error.to_string(),
                };
                let mut record = RunRecord::new(id.clone(), kind, id.started());
                record.pid = 0;
                record.alo_version.clear();
                record.state = if is_error { RunState::Failed } else { RunState::Interrupted };
                Some(HistoryEntry { folder, record, damaged: Some(damaged) })
            }
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

/// Whether a folder is that of a run.
fn is_of(name: &str, id: &RunId) -> bool {
    RunId::of_folder(name).is_some_and(|(of, _)| of == *id)
}

fn names_in(folder: &Utf8Path) -> Result<Vec<String>, StorageError> {
    let entries = match fs_err::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StorageError::new("list", folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StorageError::of("list", folder))?;
        // A link in the history is somebody else's: it is neither read nor removed.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

/// Whether the run in that folder holds its lock.
fn is_alive(folder: &Utf8Path) -> bool {
    let Ok(file) = fs_err::File::open(folder.join(LOCK)) else { return false };
    // Shared: two readers that look at once do not take each other for the run.
    matches!(file.file().try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Renames the folder of a run that did not succeed; gives the new name.
pub(crate) fn mark_error(folder: &Utf8Path) -> Result<Utf8PathBuf, StorageError> {
    let marked = Utf8PathBuf::from(format!("{folder}{ERROR_SUFFIX}"));
    durable::rename(folder, &marked)?;
    durable::sync_dir(durable::parent(&marked))?;
    Ok(marked)
}

/// Removes a run: first it vanishes from the history in one step, then its files go.
fn remove_run(folder: &Utf8Path) -> Result<(), StorageError> {
    let name = folder.file_name().unwrap_or_default();
    let trash = folder.with_file_name(format!("{TRASH_PREFIX}{name}"));
    durable::rename(folder, &trash)?;
    durable::remove(&trash)
}

/// What a run's folder takes, without its record, which does not count itself.
pub(crate) fn size_of(folder: &Utf8Path) -> u64 {
    let Ok(tree) = Tree::list(folder, Links::AsIs) else { return 0 };
    tree.files.iter().filter(|file| file.relative != FILE).map(|file| file.stamp.size).sum()
}
