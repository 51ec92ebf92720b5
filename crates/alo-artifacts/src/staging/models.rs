//! Models from outside, before they take the place of `train_artifacts/models`.
//!
//! They wait in `.alo/staging/<run>/models`, with what `experimental_history.json` will say of them, and an inference reads
//! them there. They become current together with what it leaves:
//! 1. both are flushed, and a file says that the swap of the models counts only with that of the artifacts;
//! 2. the models are swapped, then the artifacts, then that file is removed;
//! 3. `experimental_history.json` takes its place.
//!
//! Killed before the second swap, recovery swaps the models back; after it, it finishes 3.

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use super::{Place, Staged, StagingError};
use crate::durable::{self, Lasting};
use crate::experimental::{EXTERNAL_MODEL, ExperimentalHistory};
use crate::layout::{ArtifactLayout, ProjectLayout, artifacts_name};
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// Models from outside that wait.
#[derive(Debug)]
pub(crate) struct StagedModels {
    staged: Staged,
    project: ProjectLayout,
    waiting: Waiting,
}

/// What lies in the staging folder of a run that has models from outside.
#[derive(Debug)]
struct Waiting {
    folder: Utf8PathBuf,
}

impl Waiting {
    /// The models and their record, where an inference finds them.
    fn layout(&self) -> ArtifactLayout {
        ArtifactLayout::new(self.folder.clone())
    }

    /// There while the swap of the models counts only with that of the artifacts.
    fn together(&self) -> Utf8PathBuf {
        self.folder.join("models.together")
    }

    /// Puts the record of the models beside them.
    fn note(&self, train: &ArtifactLayout) -> Result<(), StagingError> {
        let (from, to) = (self.layout().experimental_history(), train.experimental_history());
        if from.is_file() {
            durable::create_dir_all(durable::parent(&to))?;
            durable::rename(&from, &to)?;
            durable::sync_dir(durable::parent(&to))?;
        } else if !ExperimentalHistory::read(&to).is_ok_and(|noted| noted.id == EXTERNAL_MODEL) {
            ExperimentalHistory::external_model().write_lasting(&to, Lasting::PowerFailure)?;
        }
        Ok(())
    }
}

impl StagedModels {
    pub(crate) fn begin(project: &ProjectLayout, run: &RunId) -> Result<Self, StorageError> {
        let waiting = Waiting { folder: project.staging().join(run.as_str()) };
        let target = project.artifacts(PipelineKind::Train).models();
        let name = waiting.layout().models();
        let staged = Staged::begin(&waiting.folder, name.file_name().unwrap_or_default(), target)?;
        Ok(Self { staged, project: project.clone(), waiting })
    }

    /// The models of a run and their record while they wait, whether or not they are there yet.
    pub(crate) fn layout_of(project: &ProjectLayout, run: &RunId) -> ArtifactLayout {
        Waiting { folder: project.staging().join(run.as_str()) }.layout()
    }

    /// The project that they wait for.
    pub(crate) fn project(&self) -> &ProjectLayout {
        &self.project
    }

    /// The empty folder to fill.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.staged.place.path
    }

    /// Writes what their record will say: the training that they replace, if there is one.
    pub(crate) fn record(&self, replaced_id: Option<String>) -> Result<(), StagingError> {
        let record = ExperimentalHistory { replaced_id, ..ExperimentalHistory::external_model() };
        let path = self.waiting.layout().experimental_history();
        Ok(record.write_lasting(&path, Lasting::PowerFailure)?)
    }

    /// Makes them current by themselves.
    pub(crate) fn commit(self) -> Result<(), StagingError> {
        self.staged.place.swap()?;
        self.waiting.note(&self.train())
    }

    /// Makes them current together with artifacts, or neither.
    pub(super) fn commit_with(&mut self, artifacts: &mut Staged) -> Result<(), StagingError> {
        let (models, together) = (&self.staged.place, self.waiting.together());
        models.make_lasting()?;
        artifacts.place.make_lasting()?;
        for place in [models, &artifacts.place] {
            place.sync_mark()?;
        }
        durable::write(&together, b"", Lasting::PowerFailure)?;
        let swapped = models.exchange().and_then(|()| artifacts.place.exchange());
        if !artifacts.place.is_new(&artifacts.place.target) {
            // What cannot be undone now is undone by the recovery.
            self.staged.left = models.swap_back().is_err();
            return Ok(swapped?);
        }
        let noted =
            durable::remove(&together).map_err(Into::into).and_then(|()| self.waiting.note(&self.train()));
        // And what cannot be finished is finished by it.
        (self.staged.left, artifacts.left) = (noted.is_err(), noted.is_err());
        swapped?;
        noted
    }

    fn train(&self) -> ArtifactLayout {
        self.project.artifacts(PipelineKind::Train)
    }

    /// Finishes or undoes what a killed run has left in its folder, after the artifacts were seen to.
    pub(super) fn recover(project: &ProjectLayout, folder: &Utf8Path) -> Result<(), StagingError> {
        let train = project.artifacts(PipelineKind::Train);
        let waiting = Waiting { folder: folder.to_owned() };
        let place = Place { path: waiting.layout().models(), target: train.models() };
        place.recover()?;
        if !place.is_new(&place.target) {
            return Ok(());
        }
        let kind = PipelineKind::Inference;
        let artifacts = Place {
            path: folder.join(artifacts_name(kind)),
            target: project.artifacts(kind).root().to_owned(),
        };
        if waiting.together().exists() && !artifacts.is_new(&artifacts.target) {
            return Ok(place.swap_back()?);
        }
        waiting.note(&train)
    }
}

impl Drop for StagedModels {
    fn drop(&mut self) {
        if !self.staged.left {
            // Whatever stays is removed by the next run.
            durable::remove(&self.waiting.layout().log()).ok();
            durable::remove(&self.waiting.together()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::StagedArtifacts;
    use super::*;

    struct Fixture {
        _dir: tempfile::TempDir,
        project: ProjectLayout,
        run: RunId,
    }

    impl Fixture {
        /// A project with a trained model and the results of an inference.
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
            let run = RunId::new(jiff::Timestamp::UNIX_EPOCH, 1, "x");
            let fixture = Self { _dir: dir, project: ProjectLayout::new(root), run };
            let train = fixture.project.artifacts(PipelineKind::Train);
            let id = ExperimentalHistory { id: "trained".into(), ..ExperimentalHistory::default() };
            id.write(&train.experimental_history()).expect("written");
            durable::write(&train.models().join("m"), b"trained", Lasting::Kill).expect("written");
            durable::write(&train.report().join("r"), b"", Lasting::Kill).expect("written");
            fixture.inference("old").commit().expect("committed");
            fixture
        }

        fn inference(&self, text: &str) -> StagedArtifacts {
            let staged =
                StagedArtifacts::begin(&self.project, PipelineKind::Inference, &self.run).expect("staged");
            fs_err::write(staged.layout().output().join("o"), text).expect("written");
            staged
        }

        fn models(&self) -> StagedModels {
            let models = StagedModels::begin(&self.project, &self.run).expect("staged");
            fs_err::write(models.path().join("m"), "outside").expect("written");
            models.record(Some("trained".into())).expect("written");
            models
        }

        /// The model, the id beside it, and the results.
        #[track_caller]
        fn is(&self, model: &str, id: &str, output: &str) {
            let [train, inference] =
                [PipelineKind::Train, PipelineKind::Inference].map(|kind| self.project.artifacts(kind));
            let text = |path: Utf8PathBuf| fs_err::read_to_string(path).expect("read");
            assert_eq!(
                (text(train.models().join("m")), text(inference.output().join("o"))),
                (model.into(), output.into())
            );
            let noted = ExperimentalHistory::read(&train.experimental_history()).expect("read");
            assert_eq!(noted.id, id);
            assert!(train.report().join("r").exists());
        }

        #[track_caller]
        fn is_tidy(&self) {
            assert_eq!(fs_err::read_dir(self.project.staging()).expect("listed").count(), 0);
        }
    }

    #[test]
    fn models_and_results_become_current_together() {
        let fixture = Fixture::new();
        let (mut models, inference) = (fixture.models(), fixture.inference("new"));
        inference.commit_with(&mut models).expect("committed");
        drop(models);
        fixture.is("outside", EXTERNAL_MODEL, "new");
        fixture.is_tidy();
    }

    #[test]
    fn models_that_wait_change_nothing() {
        let fixture = Fixture::new();
        let (models, inference) = (fixture.models(), fixture.inference("new"));
        drop((inference, models));
        fixture.is("trained", "trained", "old");
        fixture.is_tidy();
        std::mem::forget((fixture.models(), fixture.inference("new")));
        StagedArtifacts::recover(&fixture.project).expect("recovered");
        fixture.is("trained", "trained", "old");
        fixture.is_tidy();
    }

    /// Does what was done until a kill.
    type Killed = fn(models: &Place, artifacts: &Place, together: &Utf8Path);
    type Expected = fn(&Fixture);

    #[test]
    fn a_kill_at_any_step_leaves_both_or_neither() {
        let is_old = |fixture: &Fixture| fixture.is("trained", "trained", "old");
        let is_new = |fixture: &Fixture| fixture.is("outside", EXTERNAL_MODEL, "new");
        let cases: [(Killed, Expected); 6] = [
            (|_, _, _| (), is_old),
            (|models, _, _| models.exchange().expect("swapped"), is_old),
            (|models, _, _| models.swap_in_two().expect("swapped"), is_old),
            (|models, _, _| durable::rename(&models.target, &models.previous()).expect("renamed"), is_old),
            (
                |models, artifacts, _| {
                    models.exchange().expect("swapped");
                    artifacts.exchange().expect("swapped");
                },
                is_new,
            ),
            (
                |models, artifacts, together| {
                    models.exchange().expect("swapped");
                    artifacts.exchange().expect("swapped");
                    durable::remove(together).expect("removed");
                    durable::remove(&artifacts.path).expect("removed");
                    durable::remove(&artifacts.mark()).expect("removed");
                },
                is_new,
            ),
        ];
        for (killed, expected) in cases {
            let fixture = Fixture::new();
            let (models, inference) = (fixture.models(), fixture.inference("new"));
            let together = models.waiting.together();
            fs_err::write(&together, "").expect("written");
            killed(&models.staged.place, &inference.staged.place, &together);
            std::mem::forget((models, inference));
            StagedArtifacts::recover(&fixture.project).expect("recovered");
            expected(&fixture);
            fixture.is_tidy();
        }
    }

    #[test]
    fn results_that_cannot_become_current_leave_the_models() {
        let fixture = Fixture::new();
        let (mut models, inference) = (fixture.models(), fixture.inference("new"));
        // No folder can be exchanged with one below itself.
        let mut blocked = Staged {
            place: Place {
                path: inference.layout().root().to_owned(),
                target: inference.layout().output().join("below"),
            },
            left: false,
        };
        fs_err::create_dir(&blocked.place.target).expect("created");
        models.commit_with(&mut blocked).expect_err("it cannot be swapped");
        fixture.is("trained", "trained", "old");
        drop((blocked, inference, models));
        fixture.is("trained", "trained", "old");
        fixture.is_tidy();
    }

    #[test]
    fn models_by_themselves_replace_only_the_models() {
        let fixture = Fixture::new();
        for killed in [true, false] {
            let models = fixture.models();
            if killed {
                models.staged.place.swap().expect("swapped");
                std::mem::forget(models);
                StagedArtifacts::recover(&fixture.project).expect("recovered");
            } else {
                models.commit().expect("committed");
            }
            fixture.is("outside", EXTERNAL_MODEL, "old");
        }
    }
}
