//! The folders a step reads from and writes to. They exist when they are returned.

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use super::refusal::Refusal;
use super::step_context::StepContext;

impl StepContext<'_> {
    /// The external data of this pipeline: `input/train/` or `input/inference/` (`get_input_path`).
    pub fn input_path(&self) -> Result<Utf8PathBuf, Refusal> {
        existing(self.scope.project.layout().input(self.pipeline()))
    }

    /// Results: `…_artifacts/output/` (`get_output_path`).
    pub fn output_path(&self) -> Result<Utf8PathBuf, Refusal> {
        existing(self.scope.artifacts.output())
    }

    /// More results of this step: `…_artifacts/extra_output/<step>/` (`get_extra_output_path`).
    pub fn extra_output_path(&self) -> Result<Utf8PathBuf, Refusal> {
        existing(self.scope.artifacts.extra_output(self.step_name()))
    }

    /// The report of a training: `train_artifacts/report/` (`get_report_path`). Refused in inference.
    pub fn report_path(&self) -> Result<Utf8PathBuf, Refusal> {
        match self.pipeline() {
            PipelineKind::Train => existing(self.scope.artifacts.report()),
            PipelineKind::Inference => Err(Refusal::contract(
                "get_report_path is for the train pipeline; in inference write to get_output_path() or get_extra_output_path()",
            )),
        }
    }

    /// Models (`get_model_path`): in training the folder to save to, in inference the trained ones to load.
    ///
    /// The folder carries the step's base name, so `train1` and `train2` share one; the step `inference` reads that of
    /// `train`. In inference it is refused when there is no such folder, for the step `inference` also when it is empty.
    pub fn model_path(&self) -> Result<Utf8PathBuf, Refusal> {
        let base = self.step.name.base();
        if self.pipeline() == PipelineKind::Train {
            return existing(self.scope.artifacts.model(&base));
        }
        let reads = if base == "inference" { "train" } else { &base };
        let folder = self.scope.trained.model(reads);
        if !folder.is_dir() {
            return Err(self.no_model(reads, &folder, "there is no folder"));
        }
        if base == "inference" && is_empty(&folder) {
            return Err(self.no_model(reads, &folder, "there is nothing in"));
        }
        Ok(folder)
    }

    /// This step's own model folder below `inference_artifacts/` (`get_model_path(use_inference_path=True)`).
    ///
    /// Refused in training.
    pub fn inference_model_path(&self) -> Result<Utf8PathBuf, Refusal> {
        match self.pipeline() {
            PipelineKind::Inference => existing(self.scope.artifacts.model(&self.step.name.base())),
            PipelineKind::Train => Err(Refusal::contract(
                "get_model_path(use_inference_path=True) is for the inference pipeline; in training call get_model_path()",
            )),
        }
    }

    fn no_model(&self, reads: &str, folder: &Utf8Path, what: &str) -> Refusal {
        Refusal::contract(format!(
            "step `{}` has no trained model: {what} `{folder}`; \
             run the train pipeline first, with a step `{reads}` that saves to get_model_path()",
            self.step_name()
        ))
    }
}

fn existing(folder: Utf8PathBuf) -> Result<Utf8PathBuf, Refusal> {
    fs_err::create_dir_all(&folder).map_err(|error| Refusal::contract(error.to_string()))?;
    Ok(folder)
}

fn is_empty(folder: &Utf8Path) -> bool {
    fs_err::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
