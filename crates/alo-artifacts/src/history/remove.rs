//! Removing runs: by a user, or by the quota.

use alo_plan::PipelineKind;
use camino::Utf8Path;

use super::entry::HistoryEntry;
use super::error::HistoryError;
use super::file_list::FileList;
use super::ledger::Ledger;
use super::objects::Objects;
use super::record::RunState;
use super::run_folder::{TRASH_PREFIX, is_alive, is_pinned};
use super::runs::History;
use super::unsettled::Unsettled;
use crate::durable;
use crate::experimental::ExperimentalHistory;
use crate::layout::ProjectLayout;
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// A run that is not removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveError {
    /// It is still running.
    #[error("the run `{id}` is still running")]
    Running {
        /// The run.
        id: RunId,
    },
    /// Its model is the current one.
    #[error("the model in `train_artifacts` is that of the run `{id}`")]
    Current {
        /// The run.
        id: RunId,
    },
    /// A user has pinned it.
    #[error("the run `{id}` is pinned")]
    Pinned {
        /// The run.
        id: RunId,
    },
    /// The history could not be changed.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl RemoveError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Running { .. } => Some("stop it first, or wait until it has ended".into()),
            Self::Current { .. } => Some("`--force` removes it all the same; the current model stays".into()),
            Self::Pinned { id } => Some(format!("`alo history unpin {id}` first, or `--force`")),
            Self::History(error) => error.hint(),
        }
    }
}

impl History {
    /// Checks whether a run may be removed: never one in progress; the one whose model is current and pinned ones only
    /// with `force`.
    pub fn check_removal(&self, entry: &HistoryEntry, force: bool) -> Result<(), RemoveError> {
        let id = entry.record.id.clone();
        if is_alive(&entry.folder) || entry.record.state == RunState::Running {
            Err(RemoveError::Running { id })
        } else if !force && is_pinned(&entry.folder) {
            Err(RemoveError::Pinned { id })
        } else if !force && self.is_current_training(entry.record.kind, &id) {
            Err(RemoveError::Current { id })
        } else {
            Ok(())
        }
    }

    /// Removes a run for good, if [`check_removal`](Self::check_removal) allows it. The project must be locked.
    pub fn remove(&self, entry: &HistoryEntry, force: bool) -> Result<(), RemoveError> {
        self.check_removal(entry, force)?;
        Ledger::forget(self.layout());
        remove_folder(self.layout(), &entry.folder, force).map_err(HistoryError::from)?;
        Ok(())
    }

    /// Whether a run is the training whose model is current, as the artifacts themselves tell.
    pub(super) fn is_current_training(&self, kind: PipelineKind, id: &RunId) -> bool {
        kind == PipelineKind::Train && self.current_run(kind).is_some_and(|current| current == id.as_str())
    }

    /// The run that left the current artifacts, as they themselves tell.
    pub(super) fn current_run(&self, kind: PipelineKind) -> Option<String> {
        let path = self.layout().artifacts(kind).experimental_history();
        ExperimentalHistory::read(&path).ok().map(|history| history.id)
    }

    /// The training whose model is current, and the one whose model that has replaced, if it came from outside.
    pub(super) fn trained_runs(&self) -> Vec<String> {
        let path = self.layout().artifacts(PipelineKind::Train).experimental_history();
        let known = ExperimentalHistory::read(&path).ok();
        known
            .map(|known| [Some(known.id), known.replaced_id].into_iter().flatten().collect())
            .unwrap_or_default()
    }
}

/// Removes a run: first it vanishes from the history in one step, then its files go. Whether it went: a run that was
/// pinned in the very moment stays, unless it is to go all the same.
pub(super) fn remove_folder(
    layout: &ProjectLayout,
    folder: &Utf8Path,
    pinned_too: bool,
) -> Result<bool, StorageError> {
    let name = folder.file_name().unwrap_or_default();
    let trash = folder.with_file_name(format!("{TRASH_PREFIX}{name}"));
    let unsettled = Unsettled::begin(layout, folder)?;
    durable::rename(folder, &trash)?;
    if !pinned_too && is_pinned(&trash) {
        durable::rename(&trash, folder)?;
        unsettled.end();
        return Ok(false);
    }
    clear(layout, &trash)?;
    unsettled.end();
    Ok(true)
}

/// Removes the files of a run that has vanished from the history, and the contents that only it had.
pub(super) fn clear(layout: &ProjectLayout, trash: &Utf8Path) -> Result<(), StorageError> {
    let objects = Objects::new(layout);
    // Without a list the contents are found by the next count.
    let list = FileList::read(trash).ok().flatten();
    for (file, key) in
        list.iter().flat_map(|list| &list.files).filter_map(|(file, kept)| Some((file, kept.key()?)))
    {
        let path = trash.join(file);
        objects.release(&key, &path)?;
        // So that the same content under two names is released with the last one.
        durable::remove(&path)?;
    }
    durable::remove(trash)
}
