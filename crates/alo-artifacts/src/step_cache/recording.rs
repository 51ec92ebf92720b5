//! Records what a step leaves while it runs.

use std::collections::BTreeMap;

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use super::changes::{Changes, Snapshot, SnapshotError};
use super::content::RunName;
use super::dependency::Dependency;
use super::description::{StepDescription, StepKey};
use super::entry::{Content, KeptFile, KeptStep, Left};
use super::refusal::NotKept;
use super::store::StepCache;
use crate::copy::{CopyError, copy_plain};
use crate::digest::Fields;
use crate::durable;
use crate::layout::ArtifactLayout;
use crate::run_id::RunId;
use crate::storage_error::StorageError;
use crate::tree::TreeError;

/// A result that could not be recorded; the step itself is not concerned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The artifacts could not be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file could not be read.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl RecordingError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Tree(error) => error.hint(),
            Self::Copy(error) => error.hint(),
            Self::Storage(error) => error.hint(),
        }
    }
}

impl From<SnapshotError> for RecordingError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Tree(error) => error.into(),
            SnapshotError::Copy(error) => error.into(),
        }
    }
}

/// A step that runs and whose result is to be kept. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct StepRecording {
    cache: StepCache,
    pipeline: PipelineKind,
    step: String,
    run: RunId,
    key: StepKey,
    description: StepDescription,
    artifacts: ArtifactLayout,
    before: Snapshot,
    folder: Aside,
}

/// What is known of a finished step beside its files.
#[derive(Debug, Clone, Default)]
pub struct LeftBehind {
    /// What the engine keeps of it, for its return by [`StepEntry::state`](super::StepEntry::state).
    pub state: serde_json::Value,
    /// What of that, and of the summary, later steps can see.
    pub visible: String,
    /// Files whose content is told in `visible`, such as the summary with its date.
    pub told: Vec<Utf8PathBuf>,
    /// Files and folders outside of its own that it has read.
    pub read: Vec<Utf8PathBuf>,
    /// The files of its code with their digests, to name the one that differs another time.
    pub code_files: BTreeMap<Utf8PathBuf, String>,
    /// The id of the data that it ran on, likewise.
    pub data_id: String,
    /// Why it is not to be kept.
    pub not_kept: Option<NotKept>,
}

/// What names the differences of code and data.
type Named = (BTreeMap<Utf8PathBuf, String>, String);

/// What became of a recording.
#[derive(Debug)]
pub struct Recorded {
    /// A digest of all that the steps so far have left.
    pub result: String,
    /// Why it was not kept.
    pub not_kept: Option<NotKept>,
    /// Where `data`, `config` and the process's state lie. They stay as long as this does.
    place: Aside,
    process: Option<String>,
}

impl Recorded {
    /// The file of `data` after the step, if it wrote one.
    pub fn data(&self) -> Option<Utf8PathBuf> {
        self.place.file("data")
    }

    /// The file of `config` after the step, if it wrote one.
    pub fn config(&self) -> Option<Utf8PathBuf> {
        self.place.file("config")
    }

    /// The file of what the step has changed of its process, and its digest.
    pub fn process(&self) -> Option<(Utf8PathBuf, String)> {
        self.place.file("process").zip(self.process.clone())
    }
}

/// A folder: one of the cache's, or one that goes when this is dropped.
#[derive(Debug)]
pub(super) struct Aside {
    path: Utf8PathBuf,
    is_kept: bool,
}

impl Aside {
    fn file(&self, name: &str) -> Option<Utf8PathBuf> {
        Some(self.path.join(name)).filter(|path| path.is_file())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.is_kept {
            // What stays is removed by the next run.
            durable::remove(&self.path).ok();
        }
    }
}

impl StepCache {
    /// Starts to record a step, right before it runs.
    pub fn begin(
        &self,
        pipeline: PipelineKind,
        step: &str,
        description: StepDescription,
        artifacts: &ArtifactLayout,
        run: &RunId,
    ) -> Result<StepRecording, RecordingError> {
        let path = self.aside(run, step);
        durable::remove(&path)?;
        durable::create_dir_all(&path)?;
        let folder = Aside { path, is_kept: false };
        Ok(StepRecording {
            cache: self.clone(),
            pipeline,
            step: step.to_owned(),
            run: run.clone(),
            key: description.key(),
            description,
            artifacts: artifacts.clone(),
            before: Snapshot::take(artifacts)?,
            folder,
        })
    }
}

impl StepRecording {
    /// The folder that the step's values are written to.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder.path
    }

    /// Where the step's `data` is to be written.
    pub fn data(&self) -> Utf8PathBuf {
        self.folder.path.join("data")
    }

    /// Where its `config` is to be written.
    pub fn config(&self) -> Utf8PathBuf {
        self.folder.path.join("config")
    }

    /// Where the state of its process is to be written, if it has changed.
    pub fn process(&self) -> Utf8PathBuf {
        self.folder.path.join("process")
    }

    /// Notes that the step failed.
    pub fn failed(self) -> Result<(), StorageError> {
        self.refuse((BTreeMap::new(), String::new()), NotKept::Failed)
    }

    fn refuse(&self, made_from: Named, not_kept: NotKept) -> Result<(), StorageError> {
        let record = self.record(made_from, Err(not_kept));
        let folder = self.cache.folder(self.pipeline, &self.step, &self.key);
        durable::remove(&folder)?;
        record.write(&folder)
    }

    fn record(&self, (code_files, data_id): Named, outcome: Result<Left, NotKept>) -> KeptStep {
        let made_from = (self.description.clone(), code_files, data_id);
        KeptStep::new(self.pipeline, &self.step, &self.run, made_from, outcome)
    }

    /// Keeps what the step has left, or notes why not.
    pub fn finish(mut self, left: LeftBehind) -> Result<Recorded, RecordingError> {
        let name = RunName::new(&self.run);
        let after = Snapshot::take(&self.artifacts)?;
        let root = self.artifacts.root().to_owned();
        let changes = after.since(&self.before, &root)?;
        let mut not_kept = left.not_kept.clone();
        let mut refuse = |reason: NotKept| {
            not_kept.get_or_insert(reason);
        };
        if let Some(what) = after.others.first() {
            refuse(NotKept::LeftSpecial { what: what.clone() });
        }
        let mut hand_off = Vec::new();
        for what in ["data", "config", "process"] {
            let content = match self.folder.file(what) {
                None => None,
                Some(path) => {
                    let looked = name.look(&path)?;
                    if looked.names_run {
                        refuse(NotKept::NamesRun { place: what.to_owned() });
                    }
                    Some(Content { bytes: looked.bytes, digest: looked.digest })
                }
            };
            hand_off.push(content);
        }
        let mut files = Vec::new();
        for (path, executable) in &changes.files {
            let looked = name.look(&root.join(path))?;
            if looked.names_run {
                refuse(NotKept::NamesRun { place: path.to_string() });
            }
            let content = Content { bytes: looked.bytes, digest: looked.digest };
            files.push(KeptFile { path: path.clone(), executable: *executable, content });
        }
        let [data, config, process] = <[Option<Content>; 3]>::try_from(hand_off).unwrap_or_default();
        let result = self.result(&left, &changes, &files, [&data, &config]);
        let process_digest = process.as_ref().map(|content| content.digest.clone());
        let recorded = |place, not_kept| Recorded {
            result: result.clone(),
            not_kept,
            place,
            process: process_digest.clone(),
        };
        if let Some(not_kept) = not_kept {
            self.refuse((left.code_files, left.data_id), not_kept.clone())?;
            return Ok(recorded(self.folder, Some(not_kept)));
        }
        for file in &files {
            let to = self.folder.path.join(&file.content.digest);
            if !to.exists() {
                copy_plain(&root.join(&file.path), &to)?;
            }
        }
        let kept = Left {
            data,
            config,
            process,
            files,
            removed: changes.removed,
            folders: changes.folders,
            dependencies: left.read.into_iter().map(Dependency::now).collect(),
            result: result.clone(),
            state: left.state,
        };
        self.record((left.code_files, left.data_id), Ok(kept)).write(&self.folder.path)?;
        let folder = self.cache.folder(self.pipeline, &self.step, &self.key);
        durable::create_dir_all(durable::parent(&folder))?;
        durable::remove(&folder)?;
        durable::rename(&self.folder.path, &folder)?;
        self.folder.is_kept = true;
        Ok(recorded(Aside { path: folder, is_kept: true }, None))
    }

    /// A digest of all that later steps can see of the steps so far.
    fn result(
        &self,
        left: &LeftBehind,
        changes: &Changes,
        files: &[KeptFile],
        hand_off: [&Option<Content>; 2],
    ) -> String {
        let mut fields = Fields::<blake3::Hasher>::default();
        let mut add = |field: &str| fields.add(field.as_bytes());
        add(self.description.earlier.as_ref().map_or("", |(_, result)| result));
        for content in hand_off {
            add(content.as_ref().map_or("", |content| &content.digest));
        }
        add(&left.visible);
        let seen = files.iter().filter(|file| !left.told.contains(&self.artifacts.root().join(&file.path)));
        for KeptFile { path, executable, content } in seen {
            for field in ["file", path.as_str(), if *executable { "x" } else { "" }, &content.digest] {
                add(field);
            }
        }
        for (what, paths) in [("removed", &changes.removed), ("folder", &changes.folders)] {
            for path in paths {
                add(what);
                add(Utf8Path::as_str(path));
            }
        }
        fields.finish()
    }
}
