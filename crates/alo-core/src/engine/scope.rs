//! What holds for a whole run, and the places outside the project that it uses.

use alo_artifacts::{
    ArtifactLayout, DataSource, LoadedData, Location, ModelSource, RunId, S3Access, SaveTarget,
    StagedArtifacts, check_sources, loaded_once, resolve_save_path,
};
use alo_plan::{Fetch, Pipeline, PipelineKind};
use camino::Utf8PathBuf;

use super::error::RunError;
use super::options::RunOptions;
use crate::project::Project;
use crate::resume::CacheUse;

/// What holds for a whole run.
#[derive(Clone, Copy)]
pub(super) struct RunScope<'a> {
    pub(super) project: &'a Project,
    pub(super) options: &'a RunOptions,
    pub(super) run: &'a RunId,
    /// Opens what the plan names in S3.
    pub(super) s3: &'a S3Access,
    /// Where the artifacts of the training lie that an inference uses.
    pub(super) trained: &'a ArtifactLayout,
    /// The sweep that the run is a part of; then its artifacts stay in its own workspace.
    pub(super) sweep: Option<&'a str>,
    /// What becomes of the results of steps, if they are recorded.
    pub(super) cache: Option<&'a CacheUse>,
}

impl RunScope<'_> {
    /// Checks the places outside the project that a pipeline loads from and saves to.
    pub(super) fn outside(&self, pipeline: &Pipeline) -> Result<Outside, RunError> {
        let (external, bases, layout) =
            (&self.project.plan().external, self.project.bases(), self.project.layout());
        StagedArtifacts::check(layout, pipeline.kind)?;
        let save_path = external.save_artifacts(pipeline.kind);
        let cancelled = || self.options.cancel.is_cancelled();
        let sources = data_sources(self.project, pipeline.kind, self.s3, &cancelled)?;
        let model = external.load_model_path.as_ref().filter(|_| pipeline.kind == PipelineKind::Inference);
        if let Some(model) = model.filter(|model| !self.is_made_here(model, &bases)) {
            ModelSource { text: model, bases: &bases, s3: self.s3 }.check(&cancelled)?;
        }
        Ok(Outside {
            sources,
            save_path: save_path.map(|path| resolve_save_path(path, &bases, self.s3, layout)).transpose()?,
        })
    }
}

impl RunScope<'_> {
    /// Whether the training of this very run exports to where the model is to come from.
    fn is_made_here(&self, model: &str, bases: &[Utf8PathBuf]) -> bool {
        let plan = self.project.plan();
        let trains = self.options.mode.pipelines(plan).iter().any(|p| p.kind == PipelineKind::Train);
        let save = plan.external.save_artifacts(PipelineKind::Train).filter(|_| trains);
        let place = |text: &str| Location::parse(text, bases).ok();
        match (place(model), save.and_then(place)) {
            (Some(Location::Path(model)), Some(Location::Path(save))) => model.starts_with(save),
            (
                Some(Location::S3 { bucket, key }),
                Some(Location::S3 { bucket: save_bucket, key: save_key }),
            ) => bucket == save_bucket && key.starts_with(save_key.trim_end_matches('/')),
            _ => false,
        }
    }
}

/// Checks that the data of a pipeline is there.
pub(crate) fn data_sources(
    project: &Project,
    kind: PipelineKind,
    s3: &S3Access,
    cancelled: &dyn Fn() -> bool,
) -> Result<Sources, RunError> {
    let (plan, layout) = (project.plan(), project.layout());
    let named = plan.external.load_data(kind);
    // Data that is loaded once may have gone from its source since.
    let once = plan.control.get_external_data == Fetch::Once;
    let already = if once { loaded_once(layout, kind, named) } else { None };
    Ok(match already {
        Some(data) => Sources::Loaded(data),
        None => Sources::ToLoad(check_sources(&project.bases(), named, s3, cancelled)?),
    })
}

/// The data of a pipeline.
#[derive(Debug)]
pub(crate) enum Sources {
    /// It lies in `input/` and is not to be looked at again.
    Loaded(LoadedData),
    /// It is to be copied where it has changed.
    ToLoad(Vec<DataSource>),
}

impl Sources {
    /// No data.
    pub(super) fn none() -> &'static Self {
        static NONE: Sources = Sources::ToLoad(Vec::new());
        &NONE
    }
}

/// Places outside the project, checked before anything runs.
pub(super) struct Outside {
    pub(super) sources: Sources,
    pub(super) save_path: Option<SaveTarget>,
}
