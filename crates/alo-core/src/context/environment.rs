//! `load_envs()` and `config['meta']`: what a step may know of its run.

use alo_plan::{HandOffMode, Map, PipelineKind, Value};
use camino::Utf8Path;

use super::step_context::StepContext;

impl StepContext<'_> {
    /// The run's environment (`load_envs`, `self.asset_envs`): project home, pipeline, step, folders, versions.
    ///
    /// Folders end in `/`.
    pub fn envs(&self) -> Map {
        let plan = self.scope.project.plan();
        let kind = self.pipeline();
        let steps = &self.scope.pipeline.steps;
        let previous = self.number.checked_sub(2).and_then(|index| steps.get(index));
        let text = |value: Option<&str>| Value::from(value.unwrap_or_default());
        let mut envs = Map::default();
        envs.insert("project_home", with_slash(self.scope.project.root()));
        envs.insert("pipeline", kind.key());
        envs.insert("step", self.step_name());
        envs.insert("num_step", self.index());
        envs.insert("prev_step", text(previous.map(|step| step.name.as_str())));
        envs.insert("artifacts", self.folders());
        envs.insert(
            "interface_mode",
            match plan.control.interface_mode {
                HandOffMode::Memory => "memory",
                HandOffMode::File => "file",
            },
        );
        envs.insert("save_train_artifacts_path", text(plan.external.save_artifacts(PipelineKind::Train)));
        envs.insert(
            "save_inference_artifacts_path",
            text(plan.external.save_artifacts(PipelineKind::Inference)),
        );
        envs.insert("solution_metadata_version", text(plan.version.as_deref()));
        envs.insert("run_id", self.scope.run.to_string());
        envs.insert("alo_version", env!("CARGO_PKG_VERSION"));
        envs.insert("alolib_version", env!("CARGO_PKG_VERSION"));
        envs
    }

    /// What the engine puts under `config['meta']`.
    pub(crate) fn meta(&self) -> Map {
        let mut meta = Map::default();
        meta.insert("artifacts", self.folders());
        meta.insert("pipeline", self.pipeline().key());
        meta.insert("step", self.index());
        meta.insert("step_number", self.index());
        meta.insert("step_name", self.step_name());
        meta
    }

    /// The step's place from 0, as assets of the original know it.
    fn index(&self) -> i64 {
        i64::try_from(self.number.saturating_sub(1)).unwrap_or(i64::MAX)
    }

    fn folders(&self) -> Map {
        let layout = self.scope.project.layout();
        let kind = self.pipeline();
        let mut folders = Map::default();
        folders.insert("input", with_slash(layout.root().join("input").as_path()));
        for other in PipelineKind::ALL {
            let current = layout.artifacts(other);
            let artifacts = match other {
                other if other == kind => self.scope.artifacts,
                PipelineKind::Train => self.scope.trained,
                PipelineKind::Inference => &current,
            };
            folders.insert(format!("{other}_artifacts"), with_slash(artifacts.root()));
        }
        folders.insert(".asset_interface", with_slash(layout.root().join(".asset_interface").as_path()));
        folders.insert("history", with_slash(layout.root().join("history").as_path()));
        folders
    }
}

/// Assets concatenate file names to folders.
pub(crate) fn with_slash(folder: &Utf8Path) -> String {
    format!("{}/", folder.as_str().trim_end_matches('/'))
}
