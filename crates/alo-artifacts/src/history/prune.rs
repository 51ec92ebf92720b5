//! Keeping the history within its limits.

use std::os::unix::fs::MetadataExt;

use alo_plan::PipelineKind;
use camino::Utf8Path;

use super::entry;
use super::error::HistoryError;
use super::file_list::{FileList, KeptFile};
use super::ledger::Ledger;
use super::listed::ListedRun;
use super::objects::Objects;
use super::record::{FILE, RunState};
use super::remove::remove_folder;
use super::retention::{Holding, Retention, Selection, SharedFile, StoredRun, select};
use super::run_folder::run_names;
use super::runs::History;
use crate::layout::ProjectLayout;
use crate::run_id::RunId;
use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::walk::Links;

/// Runs that were removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Pruned {
    /// The runs, in the order in which they went.
    pub runs: Vec<(PipelineKind, RunId)>,
    /// The bytes that were set free.
    pub bytes: u64,
    /// The bytes that are left. Files that several runs share count once.
    pub left: u64,
}

impl History {
    /// Removes runs until the history keeps within `limit`, after a run has finished. The project must be locked.
    ///
    /// The quota of a plan is in MB of 1,000,000 bytes; every file that lies in the folder of a run counts, those that
    /// several runs share once. The run `finished` stays, and so do pinned runs, runs in progress, and the training whose
    /// model is current, or was until one from outside has taken its place. Folders that are no runs are neither counted nor touched.
    pub fn prune(&self, limit: Retention, finished: Option<&RunId>) -> Result<Pruned, HistoryError> {
        if let Some(left) = self.within(limit, finished)? {
            return Ok(Pruned { left, ..Pruned::default() });
        }
        let (runs, total) = self.counted()?;
        let selection = self.select(&runs, total, limit, finished);
        let mut pruned = Pruned { left: total, ..Pruned::default() };
        // Counted anew when this is killed halfway.
        Ledger::forget(self.layout());
        for (at, freed) in selection.going {
            let run = &runs[at];
            if remove_folder(self.layout(), &run.folder, false)? {
                pruned.runs.push((run.kind, run.id.clone()));
                pruned.bytes += freed;
                pruned.left = pruned.left.saturating_sub(freed);
            }
        }
        Ledger::new(self.layout(), runs.len() - pruned.runs.len(), pruned.left).write(self.layout());
        Ok(pruned)
    }

    /// Tells what [`prune`](Self::prune) would remove, and removes nothing.
    pub fn plan_prune(&self, limit: Retention) -> Result<Pruned, HistoryError> {
        let (runs, total) = self.counted()?;
        let Selection { going, left } = self.select(&runs, total, limit, None);
        let bytes = going.iter().map(|(_, freed)| freed).sum();
        let runs = going.iter().map(|(at, _)| (runs[*at].kind, runs[*at].id.clone())).collect();
        Ok(Pruned { runs, bytes, left })
    }

    /// All runs, and what they take.
    fn counted(&self) -> Result<(Vec<ListedRun>, u64), HistoryError> {
        let runs = self.runs()?;
        // What a run that has just finished took is not in the ledger yet.
        let total = match Ledger::read(self.layout()).filter(|ledger| ledger.folders == runs.len()) {
            Some(ledger) => ledger.bytes,
            None => Ledger::count(self.layout())?.bytes,
        };
        Ok((runs, total))
    }

    fn select(
        &self,
        runs: &[ListedRun],
        total: u64,
        limit: Retention,
        finished: Option<&RunId>,
    ) -> Selection {
        let trained = self.trained_runs();
        let stored: Vec<StoredRun> = runs
            .iter()
            .map(|run| StoredRun {
                started: run.started,
                good: run.good,
                protected: Some(&run.id) == finished
                    || (run.kind == PipelineKind::Train && trained.iter().any(|id| id == run.id.as_str()))
                    || run.pinned
                    || run.newer
                    || run.state == RunState::Running,
            })
            .collect();
        select(&stored, total, limit, |at| holding(self.layout(), &runs[at].folder))
    }

    /// What the history takes, if the run that has just finished is the only news and all fits into the quota.
    fn within(&self, limit: Retention, finished: Option<&RunId>) -> Result<Option<u64>, HistoryError> {
        let (Some(ledger), Some(id), Retention { bytes: Some(quota), runs: None }) =
            (Ledger::read(self.layout()), finished, limit)
        else {
            return Ok(None);
        };
        let (mut folders, mut new) = (0, Vec::new());
        for kind in PipelineKind::ALL {
            let names = run_names(&self.layout().history(kind))?;
            folders += names.len();
            new.extend(names.into_iter().filter(|name| is_of(name, id)).map(|name| (kind, name)));
        }
        // Train and inference of one command have one id: the first of them may be in the ledger already.
        let news = folders.saturating_sub(ledger.folders);
        if news == 0 || news > new.len() {
            return Ok(None);
        }
        let mut bytes = ledger.bytes;
        for (kind, name) in new.split_off(new.len() - news) {
            let Some(entry) = entry::read(&self.layout().history(kind), kind, &name).map(|read| read.entry)
            else {
                return Ok(None);
            };
            if entry.record.state == RunState::Running || entry.damaged.is_some() {
                return Ok(None);
            }
            bytes += entry.record.unique_bytes + record_size(&entry.folder)?;
        }
        // More than the quota, too: what runs take in all is known, and nothing but the runs that go is looked at.
        Ledger::new(self.layout(), folders, bytes).write(self.layout());
        Ok((quota > 0 && bytes <= quota).then_some(bytes))
    }
}

/// Whether a folder is that of a run.
fn is_of(name: &str, id: &RunId) -> bool {
    RunId::of_folder(name).is_some_and(|(of, _)| of == *id)
}

fn record_size(folder: &Utf8Path) -> Result<u64, StorageError> {
    let path = folder.join(FILE);
    Ok(fs_err::metadata(&path).map_err(StorageError::of("read", &path))?.len())
}

/// What a run holds, as its files tell: those that are objects have that name, too.
fn holding(layout: &ProjectLayout, folder: &Utf8Path) -> Holding {
    let Ok(tree) = Tree::list(folder, Links::AsIs) else { return Holding::default() };
    let objects = Objects::new(layout);
    let list = FileList::read(folder).ok().flatten();
    let key = |path: &Utf8Path| list.as_ref().and_then(|list| list.files.get(path)).and_then(KeptFile::key);
    let mut holding = Holding::default();
    for file in &tree.files {
        let (bytes, inode) = (file.stamp.size, file.stamp.inode);
        let links = fs_err::symlink_metadata(folder.join(&file.relative)).map_or(1, |meta| meta.nlink());
        if links == 1 {
            holding.own += bytes;
            continue;
        }
        let is_object = key(&file.relative).is_some_and(|key| objects.inode(&key) == Some(inode));
        holding.shared.push(SharedFile { inode, bytes, names: links - u64::from(is_object) });
    }
    holding
}
