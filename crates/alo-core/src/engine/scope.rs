//! What holds for a whole run, and the places outside the project that it uses.

use alo_artifacts::{
    DataSource, LoadedData, RunId, S3Access, SaveTarget, check_sources, loaded_once, resolve_save_path,
};
use alo_plan::{Fetch, Pipeline};

use super::error::RunError;
use super::options::RunOptions;
use crate::project::Project;

/// What holds for a whole run.
#[derive(Clone, Copy)]
pub(super) struct RunScope<'a> {
    pub(super) project: &'a Project,
    pub(super) options: &'a RunOptions,
    pub(super) run: &'a RunId,
    /// Opens what the plan names in S3.
    pub(super) s3: &'a S3Access,
}

impl RunScope<'_> {
    /// Checks the places outside the project that a pipeline loads from and saves to.
    pub(super) fn outside(&self, pipeline: &Pipeline) -> Result<Outside, RunError> {
        let (plan, bases, layout) = (self.project.plan(), self.project.bases(), self.project.layout());
        let (external, kind) = (&plan.external, pipeline.kind);
        let save_path = external.save_artifacts(kind);
        // Data that is loaded once may have gone from its source since.
        let once = plan.control.get_external_data == Fetch::Once;
        let already = if once { loaded_once(layout, kind, external.load_data(kind)) } else { None };
        let sources = if let Some(data) = already {
            Sources::Loaded(data)
        } else {
            let cancelled = || self.options.cancel.is_cancelled();
            Sources::ToLoad(check_sources(&bases, external.load_data(kind), self.s3, &cancelled)?)
        };
        Ok(Outside {
            sources,
            save_path: save_path
                .map(|path| resolve_save_path(path, &bases, self.s3, self.project.layout()))
                .transpose()?,
        })
    }
}

/// The data of a pipeline.
pub(super) enum Sources {
    /// It lies in `input/` and is not to be looked at again.
    Loaded(LoadedData),
    /// It is to be copied where it has changed.
    ToLoad(Vec<DataSource>),
}

/// Places outside the project, checked before anything runs.
pub(super) struct Outside {
    pub(super) sources: Sources,
    pub(super) save_path: Option<SaveTarget>,
}
