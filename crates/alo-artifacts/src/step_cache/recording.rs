//! Records what a step leaves while it runs.

use std::collections::BTreeSet;

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use super::changes::Snapshot;
use super::entry::MadeFrom;
use super::held::{Aside, HeldStep, Sharing};
use super::left_behind::LeftBehind;
use super::place::Place;
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
            None => Snapshot::take(artifacts, sharing.budget(), self.root())?,
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
    pub fn hold(mut self, left: LeftBehind) -> Result<(HeldStep, Snapshot), RecordingError> {
        let (root, beside) = (self.artifacts.root(), self.place.cache.root().to_owned());
        let mut after = Snapshot::take(&self.artifacts, self.sharing.budget(), &beside)?;
        let changes = after.since(&mut self.before, root, &beside)?;
        let told: BTreeSet<_> =
            left.told.iter().filter_map(|path| Some(path.strip_prefix(root).ok()?.to_owned())).collect();
        let special = after.special.clone();
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
