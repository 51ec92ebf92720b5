//! What is held of a pipeline whose steps run, and how it is kept when the run has failed.

use std::collections::BTreeMap;

use alo_artifacts::{
    HeldStep, LoadedData, MadeFrom, NotKept, RecordingError, StepCache, StepDescription, StepRecording,
    digest_folder, stamp_folder,
};
use alo_plan::{PipelineKind, StepName};
use camino::Utf8PathBuf;

use super::describe;
use super::process_state::ProcessStates;
use crate::executor::Prepared;
use crate::project::Project;

/// What is held of a pipeline.
#[derive(Debug)]
pub(super) struct HeldPipeline {
    pub(super) kind: PipelineKind,
    pub(super) prepared: Prepared,
    pub(super) common: StepDescription,
    pub(super) data: LoadedData,
    /// The models that an inference began with: their folder, and what tells whether they are still the same.
    pub(super) models: Option<(Utf8PathBuf, Option<String>)>,
    /// By number.
    pub(super) steps: Vec<(usize, HeldStep)>,
    pub(super) failed: Option<(usize, StepRecording)>,
}

impl HeldPipeline {
    /// Keeps the steps, and adds those to `finished` that need not run again.
    ///
    /// An error means that nothing is known of what follows.
    pub(super) fn keep(
        self,
        project: &Project,
        cache: &StepCache,
        process: &mut ProcessStates,
        finished: &mut Vec<(PipelineKind, StepName)>,
    ) -> Result<(), RecordingError> {
        let Self { kind, prepared, mut common, data, models, steps, failed } = self;
        let Some(pipeline) = project.plan().pipeline(kind) else { return Ok(()) };
        if let Some((folder, then)) = models {
            common.models = digest_folder(&folder)?;
            // A step has changed them: what those before it began with is gone.
            if then.is_none() || stamp_folder(&folder).ok() != then {
                return Ok(());
            }
        }
        cache.keep_data_list(kind, &data)?;
        let mut earlier: Option<(String, String)> = None;
        let describe = |number: usize, process: &ProcessStates, earlier: &Option<(String, String)>| {
            let step = pipeline.steps.get(number - 1)?;
            let mut description = describe::of_step(&common, step, number, &prepared);
            description.process = process.digest(&description.environment);
            description.earlier.clone_from(earlier);
            Some((step.name.clone(), description))
        };
        for (number, mut held) in steps {
            let Some((name, description)) = describe(number, process, &earlier) else { return Ok(()) };
            if describe::code_has_changed(&prepared, number) {
                held.refuse(NotKept::CodeChanged);
            }
            let environment = description.environment.clone();
            let code_files = describe::code_files(&prepared, number, project.root());
            let recorded = held.keep(MadeFrom { description, code_files, data_id: data.data_id.clone() })?;
            if let Some((_, digest)) = recorded.process() {
                process.left(&environment, digest);
            }
            if recorded.not_kept.is_none() {
                finished.push((kind, name.clone()));
            }
            earlier = Some((name.to_string(), recorded.result.clone()));
        }
        if let Some((number, recording)) = failed
            && let Some((_, description)) = describe(number, process, &earlier)
        {
            let code_files = BTreeMap::new();
            recording.failed(MadeFrom { description, code_files, data_id: String::new() })?;
        }
        Ok(())
    }
}
