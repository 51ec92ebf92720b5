//! Records what a step leaves while it runs.

use std::collections::BTreeSet;

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use super::changes::Snapshot;
use super::entry::{KeptStep, Left, MadeFrom};
use super::held::{Aside, HeldStep, Sharing};
use super::recording_error::RecordingError;
use super::refusal::NotKept;
use super::store::StepCache;
use crate::durable;
use crate::layout::ArtifactLayout;
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// A step that runs and whose result may be kept. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct StepRecording {
    place: Place,
    artifacts: ArtifactLayout,
    before: Snapshot,
    sharing: Sharing,
    folder: Aside,
}

/// Which step of which run it is, and where its result goes.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) cache: StepCache,
    pub(super) pipeline: PipelineKind,
    pub(super) step: String,
    pub(super) run: RunId,
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
    /// Why it is not to be kept.
    pub not_kept: Option<NotKept>,
}

impl StepCache {
    /// Starts to record a step, right before it runs. `before` is what the step before has left, if nobody has changed
    /// the artifacts since.
    pub fn begin(
        &self,
        pipeline: PipelineKind,
        step: &str,
        artifacts: &ArtifactLayout,
        run: &RunId,
        (sharing, before): (Sharing, Option<Snapshot>),
    ) -> Result<StepRecording, RecordingError> {
        let path = self.aside(run, pipeline, step);
        durable::remove(&path)?;
        durable::create_dir_all(&path)?;
        let folder = Aside::new(path);
        let place = Place { cache: self.clone(), pipeline, step: step.to_owned(), run: run.clone() };
        let before = match before {
            Some(before) => before,
            None => Snapshot::take(artifacts, sharing.budget())?,
        };
        Ok(StepRecording { place, artifacts: artifacts.clone(), before, sharing, folder })
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
    pub fn failed(self, made_from: MadeFrom) -> Result<(), StorageError> {
        self.place.refuse(made_from, NotKept::Failed)
    }

    /// Takes hold of what the step has left, such that nothing that later steps do can pass for it.
    ///
    /// Gives also what lies in the artifacts now.
    pub fn hold(self, left: LeftBehind) -> Result<(HeldStep, Snapshot), RecordingError> {
        let after = Snapshot::take(&self.artifacts, self.sharing.budget())?;
        let root = self.artifacts.root();
        let changes = after.since(&self.before, root)?;
        let told: BTreeSet<_> =
            left.told.iter().filter_map(|path| Some(path.strip_prefix(root).ok()?.to_owned())).collect();
        let special = after.others.first().cloned();
        let mut held = HeldStep::new(self.place, self.folder, left, told, special);
        let linked = held.take(changes, root, self.sharing)?;
        if self.sharing == Sharing::Links
            && let Some(newest) = after.unsettled.max(linked)
        {
            held.settle(newest)?;
        }
        Ok((held, after))
    }
}

impl Place {
    /// Notes why the result is not kept.
    pub(super) fn refuse(&self, made_from: MadeFrom, not_kept: NotKept) -> Result<(), StorageError> {
        let folder = self.cache.folder(self.pipeline, &self.step, &made_from.description.key());
        durable::remove(&folder)?;
        self.record(made_from, Err(not_kept)).write(&folder)
    }

    pub(super) fn record(&self, made_from: MadeFrom, outcome: Result<Left, NotKept>) -> KeptStep {
        KeptStep::new(self.pipeline, &self.step, &self.run, made_from, outcome)
    }
}
