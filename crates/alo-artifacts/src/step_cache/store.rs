//! The cache of a project: found, claimed, tidied.

use alo_plan::PipelineKind;
use camino::{Utf8DirEntry, Utf8Path, Utf8PathBuf};

use super::description::StepKey;
use super::entry::{KeptStep, StepEntry};
use super::refusal::NotKept;
use crate::durable;
use crate::external::LoadedData;
use crate::layout::ProjectLayout;
use crate::manifest::Manifest;
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// Folders of recordings that are not finished begin so.
pub(super) const ASIDE: &str = ".new-";
/// What the cache of a project takes at most, but for the newest entry of each step.
const QUOTA: u64 = 2_000_000_000;

/// What finished steps of a project have left: `.alo/steps`.
#[derive(Debug, Clone)]
pub struct StepCache {
    root: Utf8PathBuf,
    layout: ProjectLayout,
    pub(super) quota: u64,
}

/// What there is under a key.
#[derive(Debug)]
pub enum Found {
    /// A result.
    Entry(Box<StepEntry>),
    /// Such a step ran, and its result was not kept.
    NotKept(NotKept),
    /// Nothing, or nothing that can be used.
    Nothing,
}

impl StepCache {
    /// Describes the cache of that project; nothing is touched.
    pub fn new(layout: &ProjectLayout) -> Self {
        Self { root: layout.state().join("steps"), layout: layout.clone(), quota: QUOTA }
    }

    /// What it takes at most, in bytes, beside the newest entry of each step and what may be in use. Default: 2 GB.
    #[must_use]
    pub fn quota(self, bytes: u64) -> Self {
        Self { quota: bytes, ..self }
    }

    pub(super) fn root(&self) -> &Utf8Path {
        &self.root
    }

    fn of_step(&self, pipeline: PipelineKind, step: &str) -> Utf8PathBuf {
        self.root.join(pipeline.as_str()).join(step)
    }

    pub(super) fn folder(&self, pipeline: PipelineKind, step: &str, key: &StepKey) -> Utf8PathBuf {
        self.of_step(pipeline, step).join(key.as_str())
    }

    /// Where a step's recording lies until it is finished.
    pub(super) fn aside(&self, run: &RunId, pipeline: PipelineKind, step: &str) -> Utf8PathBuf {
        self.unfinished(run).join(pipeline.as_str()).join(step)
    }

    fn unfinished(&self, run: &RunId) -> Utf8PathBuf {
        self.root.join(format!("{ASIDE}{run}"))
    }

    /// Removes what a run has left that is not to be kept.
    pub fn discard(&self, run: &RunId) -> Result<(), StorageError> {
        durable::remove(&self.unfinished(run))
    }

    /// What there is under a key.
    pub fn find(&self, pipeline: PipelineKind, step: &str, key: &StepKey) -> Found {
        let folder = self.folder(pipeline, step, key);
        let Some(record) = KeptStep::read(&folder) else { return Found::Nothing };
        if record.pipeline != pipeline || record.step != step || record.description.key() != *key {
            return Found::Nothing;
        }
        KeptStep::touch(&folder);
        match (record.left.clone(), &record.not_kept) {
            (Some(left), None) => Found::Entry(Box::new(StepEntry { folder, record, left })),
            (_, Some(not_kept)) => Found::NotKept(not_kept.clone()),
            (None, None) => Found::Nothing,
        }
    }

    /// Removes what there is under a key, because it is damaged.
    pub fn forget(&self, pipeline: PipelineKind, step: &str, key: &StepKey) -> Result<(), StorageError> {
        durable::remove(&self.folder(pipeline, step, key))
    }

    /// What is known of the time when that step ran, or was put back, last.
    pub fn latest(&self, pipeline: PipelineKind, step: &str) -> Option<KeptStep> {
        let mut folders: Vec<_> = folders_in(&self.of_step(pipeline, step))
            .into_iter()
            .filter_map(|folder| Some((KeptStep::used(&folder)?, folder)))
            .collect();
        folders.sort();
        folders.iter().rev().find_map(|(_, folder)| KeptStep::read(folder))
    }

    /// Keeps the list of the data's files, so that the one that differs can be named later.
    pub fn keep_data_list(&self, pipeline: PipelineKind, data: &LoadedData) -> Result<(), StorageError> {
        let path = self.data_list(pipeline, &data.data_id);
        if data.sources.is_empty() || path.exists() {
            return Ok(());
        }
        match Manifest::open(&self.layout, pipeline) {
            Some(manifest) => manifest.keep_at(&path),
            None => Ok(()),
        }
    }

    /// A file of the data that is not what it was in the data of that id, if that is known.
    pub fn changed_data(&self, pipeline: PipelineKind, data_id: &str) -> Option<Utf8PathBuf> {
        let then = Manifest::open_at(&self.data_list(pipeline, data_id))?;
        let now = Manifest::open(&self.layout, pipeline)?;
        now.first_difference(&then).map(Utf8PathBuf::from)
    }

    fn data_list(&self, pipeline: PipelineKind, data_id: &str) -> Utf8PathBuf {
        self.root.join("data").join(format!("{pipeline}-{data_id}.files"))
    }
}

/// The folders in a folder, but for hidden ones; none if there is no such folder.
pub(super) fn folders_in(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    let Ok(entries) = folder.read_dir_utf8() else { return Vec::new() };
    let folders = entries.filter_map(Result::ok).filter(|entry| !entry.file_name().starts_with('.'));
    folders
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(Utf8DirEntry::into_path)
        .collect()
}
