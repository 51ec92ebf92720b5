//! Where everything lies in a project: the only place that spells folder and file names.

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use crate::durable;
use crate::storage_error::StorageError;

/// The archive of models that an export makes, and that a model from outside is looked for in.
pub(crate) const MODEL_ARCHIVE: &str = "model.tar.gz";

/// The folders of a project.
///
/// ```
/// use alo_artifacts::ProjectLayout;
/// use alo_plan::PipelineKind;
///
/// let project = ProjectLayout::new("/work/titanic".into());
/// assert_eq!(project.input(PipelineKind::Train), "/work/titanic/input/train");
/// assert_eq!(project.artifacts(PipelineKind::Train).model("train"), "/work/titanic/train_artifacts/models/train");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectLayout {
    root: Utf8PathBuf,
}

impl ProjectLayout {
    /// Describes the project in that folder; nothing is touched.
    pub fn new(root: Utf8PathBuf) -> Self {
        Self { root }
    }

    /// The project's folder.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// `input/<kind>`: where a pipeline finds its data.
    pub fn input(&self, kind: PipelineKind) -> Utf8PathBuf {
        self.root.join("input").join(kind.as_str())
    }

    /// `<kind>_artifacts`: what the last successful run of a pipeline left.
    pub fn artifacts(&self, kind: PipelineKind) -> ArtifactLayout {
        ArtifactLayout::new(self.root.join(artifacts_name(kind)))
    }

    /// `assets/<step>`: local code of a step.
    pub fn assets(&self, step: &str) -> Utf8PathBuf {
        self.root.join("assets").join(step)
    }

    /// `.asset_interface/<kind>_pipeline`: data and config between steps in file mode.
    pub fn asset_interface(&self, kind: PipelineKind) -> Utf8PathBuf {
        self.root.join(".asset_interface").join(kind.key())
    }

    /// `history`: the runs of both pipelines.
    pub(crate) fn history_root(&self) -> Utf8PathBuf {
        self.root.join("history")
    }

    /// `history/<kind>`: one folder per run of a pipeline.
    pub fn history(&self, kind: PipelineKind) -> Utf8PathBuf {
        self.history_root().join(kind.as_str())
    }

    /// `history/.objects`: contents that runs share.
    pub(crate) fn objects(&self) -> Utf8PathBuf {
        self.history_root().join(".objects")
    }

    /// `alo.lock`: pinned commits and packages.
    pub fn lockfile(&self) -> Utf8PathBuf {
        self.root.join("alo.lock")
    }

    /// `.alo`: the tool's own state; it may be deleted between runs.
    pub fn state(&self) -> Utf8PathBuf {
        self.root.join(".alo")
    }

    /// `.alo/staging`: artifacts of runs that have not succeeded yet, one folder per run.
    pub fn staging(&self) -> Utf8PathBuf {
        self.state().join("staging")
    }

    /// `.alo/sweeps`: what each sweep was to run, and what of it has run.
    pub(crate) fn sweeps(&self) -> Utf8PathBuf {
        self.state().join("sweeps")
    }

    /// `.alo/uploads`: uploads to S3 that have begun and have not ended.
    pub(crate) fn uploads(&self) -> Utf8PathBuf {
        self.state().join("uploads")
    }

    /// `.alo/input/<kind>.files`: what was copied to `input/<kind>` and from where.
    pub(crate) fn input_manifest(&self, kind: PipelineKind) -> Utf8PathBuf {
        self.state().join("input").join(format!("{kind}.files"))
    }

    /// `input/.set-aside/<kind>`: things found in `input/<kind>` that no plan put there.
    pub(crate) fn set_aside(&self, kind: PipelineKind) -> Utf8PathBuf {
        self.root.join("input").join(".set-aside").join(kind.as_str())
    }

    /// `.alo/history.json`: what the history takes in all.
    pub(crate) fn ledger(&self) -> Utf8PathBuf {
        self.state().join("history.json")
    }

    /// `.alo/history-open`: changes of the history that have not ended.
    pub(crate) fn history_open(&self) -> Utf8PathBuf {
        self.state().join("history-open")
    }

    /// `.alo/history-index`: what was read of the runs.
    pub(crate) fn history_index(&self) -> Utf8PathBuf {
        self.state().join("history-index")
    }

    /// `.alo/lock`: the file whose kernel lock is the right to write in the project.
    pub(crate) fn lock(&self) -> Utf8PathBuf {
        self.state().join("lock")
    }

    /// `.alo/lock.claim`: who has that right, where the file system has no locks.
    pub(crate) fn claim(&self) -> Utf8PathBuf {
        self.state().join("lock.claim")
    }

    /// `.alo/holder.json`: who holds the lock.
    pub(crate) fn holder(&self) -> Utf8PathBuf {
        self.state().join("holder.json")
    }
}

/// `train_artifacts` or `inference_artifacts`, as a folder's name.
pub(crate) fn artifacts_name(kind: PipelineKind) -> &'static str {
    match kind {
        PipelineKind::Train => "train_artifacts",
        PipelineKind::Inference => "inference_artifacts",
    }
}

/// The folders below one pipeline's artifacts, current or staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactLayout {
    root: Utf8PathBuf,
}

impl ArtifactLayout {
    /// Describes the artifacts in that folder; nothing is touched.
    pub fn new(root: Utf8PathBuf) -> Self {
        Self { root }
    }

    /// The folder itself.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// `models`.
    pub fn models(&self) -> Utf8PathBuf {
        self.root.join("models")
    }

    /// `models/<base>`: the models of the steps of that base name.
    pub fn model(&self, base: &str) -> Utf8PathBuf {
        self.models().join(base)
    }

    /// `output`.
    pub fn output(&self) -> Utf8PathBuf {
        self.root.join("output")
    }

    /// `extra_output/<step>`.
    pub fn extra_output(&self, step: &str) -> Utf8PathBuf {
        self.root.join("extra_output").join(step)
    }

    /// `report`.
    pub fn report(&self) -> Utf8PathBuf {
        self.root.join("report")
    }

    /// `score`.
    pub fn score(&self) -> Utf8PathBuf {
        self.root.join("score")
    }

    /// `score/<kind>_summary.yaml`.
    pub fn summary(&self, kind: PipelineKind) -> Utf8PathBuf {
        self.score().join(format!("{kind}_summary.yaml"))
    }

    /// `log`.
    pub fn log(&self) -> Utf8PathBuf {
        self.root.join("log")
    }

    /// `log/pipeline.log`: what the assets said.
    pub fn pipeline_log(&self) -> Utf8PathBuf {
        self.log().join("pipeline.log")
    }

    /// `log/process.log`: what the engine said.
    pub fn process_log(&self) -> Utf8PathBuf {
        self.log().join("process.log")
    }

    /// `log/experimental_history.json`: ids and times of the run that left these artifacts.
    pub fn experimental_history(&self) -> Utf8PathBuf {
        self.log().join("experimental_history.json")
    }

    /// Creates the folders that every run of a pipeline has; those that exist stay as they are.
    ///
    /// `models` and `report` belong to training; an inference gets `models/<base>` only when an asset asks for it.
    pub fn create_all(&self, kind: PipelineKind) -> Result<(), StorageError> {
        for folder in self.folders(kind) {
            durable::create_dir_all(&folder)?;
        }
        Ok(())
    }

    fn folders(&self, kind: PipelineKind) -> Vec<Utf8PathBuf> {
        let mut folders = vec![self.output(), self.root.join("extra_output"), self.score(), self.log()];
        if kind == PipelineKind::Train {
            folders.extend([self.models(), self.report()]);
        }
        folders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_manual() {
        let project = ProjectLayout::new("/p".into());
        let train = project.artifacts(PipelineKind::Train);
        assert_eq!(train.summary(PipelineKind::Train), "/p/train_artifacts/score/train_summary.yaml");
        assert_eq!(train.experimental_history(), "/p/train_artifacts/log/experimental_history.json");
        assert_eq!(project.history(PipelineKind::Inference), "/p/history/inference");
        assert_eq!(project.asset_interface(PipelineKind::Train), "/p/.asset_interface/train_pipeline");
    }

    #[test]
    fn only_training_gets_models_and_a_report() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        let project = ProjectLayout::new(root);
        for kind in PipelineKind::ALL {
            let artifacts = project.artifacts(kind);
            artifacts.create_all(kind).expect("created");
            assert!(artifacts.output().is_dir() && artifacts.log().is_dir() && artifacts.score().is_dir());
            assert_eq!(artifacts.models().is_dir(), kind == PipelineKind::Train);
            assert_eq!(artifacts.report().is_dir(), kind == PipelineKind::Train);
        }
    }
}
