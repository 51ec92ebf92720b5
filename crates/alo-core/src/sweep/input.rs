//! What all runs of a sweep have in common, made ready once: code, environments, data, a model from outside.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alo_artifacts::{
    ArtifactLayout, Limits, LoadProgress, ModelSource, ProjectLayout, RunId, S3Access, SweepInput, code_id,
    load_data,
};
use alo_assets::Machine;
use alo_plan::PipelineKind;
use camino::Utf8PathBuf;

use crate::engine::{RunError, RunOptions, Sources, data_sources};
use crate::event::{Event, Level};
use crate::project::Project;
use crate::python::WarmPython;

/// How often it is told how far loading is.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// What all runs of a sweep have in common.
pub(super) struct SharedInput {
    pub(super) python: Arc<WarmPython>,
    pub(super) data: Vec<(PipelineKind, Sources)>,
    pub(super) s3: S3Access,
    /// Where the model to infer with lies, for runs that do not train.
    pub(super) model: ArtifactLayout,
    /// What is compared when the sweep goes on later.
    pub(super) identity: SweepInput,
    _outside: Option<OutsideModel>,
}

/// A folder with the model from outside; it goes with the sweep.
struct OutsideModel(Utf8PathBuf);

impl Drop for OutsideModel {
    fn drop(&mut self) {
        // What stays is removed by the next run.
        let _ = fs_err::remove_dir_all(&self.0);
    }
}

impl SharedInput {
    /// Makes it ready. The project must be locked; `run` names what is made for the sweep alone.
    pub(super) fn prepare(
        machine: &Machine,
        project: &Project,
        options: &RunOptions,
        run: &RunId,
        tell: &mut dyn FnMut(Event),
    ) -> Result<Self, RunError> {
        let mut set_up = |pipeline, detail| tell(Event::Setup { pipeline, detail });
        let mut python = WarmPython::prepare(machine, project, options, &mut set_up)?;
        let mut identity = SweepInput::of_plan(&project.plan().to_yaml());
        for setup in python.setups() {
            let steps = setup.steps.iter().map(|step| (step.name.as_str(), step.code.identity.digest()));
            identity.code.push(code_id(steps));
            identity
                .environments
                .extend(setup.environments.iter().map(|environment| environment.key.clone()));
        }
        let s3 = S3Access::new(options.s3.clone(), &project.plan().permission, project.bases());
        let mut data = Vec::new();
        for pipeline in options.mode.pipelines(project.plan()) {
            let loaded = load(project, pipeline.kind, options, &s3, tell)?;
            identity.data.push(loaded.data_id.clone());
            data.push((pipeline.kind, Sources::Loaded(loaded)));
        }
        let (model, outside) = model(project, options, run, &s3, tell)?;
        let warmed = python.warm_up(project.root(), &options.cancel)?;
        for reason in warmed {
            let message = format!("each run starts Python anew: a worker cannot be copied, {reason}");
            tell(Event::Message { level: Level::Info, step: None, message, show: false });
        }
        Ok(Self { python: Arc::new(python), data, s3, model, identity, _outside: outside })
    }
}

/// Copies the data of a pipeline into `input/`, where all runs read it.
fn load(
    project: &Project,
    pipeline: PipelineKind,
    options: &RunOptions,
    s3: &S3Access,
    tell: &mut dyn FnMut(Event),
) -> Result<alo_artifacts::LoadedData, RunError> {
    let cancelled = || options.cancel.is_cancelled();
    let loaded = match data_sources(project, pipeline, s3, &cancelled)? {
        Sources::Loaded(data) => data,
        Sources::ToLoad(sources) => {
            let mut told = Instant::now();
            let mut progress = |progress: LoadProgress| {
                if told.elapsed() > TELL_EVERY {
                    told = Instant::now();
                    tell(Event::DataProgress { pipeline, progress });
                }
            };
            let policy = project.plan().control.get_external_data;
            load_data(project.layout(), pipeline, &sources, policy, &cancelled, &mut progress)?
        }
    };
    for place in &loaded.set_aside {
        let message = format!("files in the input folder that no plan put there were moved to `{place}`");
        tell(Event::Message { level: Level::Warning, step: None, message, show: false });
    }
    tell(Event::DataLoaded {
        pipeline,
        files: loaded.files,
        bytes: loaded.bytes,
        copied: loaded.copied_files,
        data_id: loaded.data_id.clone(),
    });
    Ok(loaded)
}

/// Where runs that do not train find their model: the project's, or the one that the plan names.
fn model(
    project: &Project,
    options: &RunOptions,
    run: &RunId,
    s3: &S3Access,
    tell: &mut dyn FnMut(Event),
) -> Result<(ArtifactLayout, Option<OutsideModel>), RunError> {
    let infers = options.mode.pipelines(project.plan()).iter().any(|p| p.kind == PipelineKind::Inference);
    let source = project.plan().external.load_model_path.as_ref().filter(|_| infers);
    let Some(source) = source else {
        return Ok((project.layout().artifacts(PipelineKind::Train), None));
    };
    // A project of its own, so that the models of the real one stay.
    let folder = project.layout().staging().join(run.as_str());
    let outside = OutsideModel(folder.clone());
    let layout = ProjectLayout::new(folder);
    let cancelled = || options.cancel.is_cancelled();
    let from = ModelSource { text: source, bases: &project.bases(), s3 };
    from.load(&layout, run, &Limits::default(), &cancelled)?;
    tell(Event::ModelLoaded { source: source.clone() });
    Ok((layout.artifacts(PipelineKind::Train), Some(outside)))
}
