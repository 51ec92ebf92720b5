//! The set-up alone: code and environments are made ready, nothing is run.

use std::time::Instant;

use alo_assets::{Lockfile, LockfileError, Machine, Update};
use alo_plan::{StepName, similar};

use crate::engine::{RunError, RunOptions, take_lock};
use crate::event::{Event, Observer, Phase};
use crate::fetch_report::{FetchReport, FetchedPipeline, code_changes, group_changes, package_changes};
use crate::project::Project;
use crate::python::{all_is_there, complete, prepare_pipeline};

/// Makes code and environments of a project ready, so that its runs need no network, and writes `alo.lock`.
///
/// [`SetupPolicy::update`](alo_assets::SetupPolicy::update) in the options says what is looked up again. No data is loaded, no
/// artifact is touched and nothing is recorded in the history. As for a run, another run of the project is waited for.
///
/// Events go to `observer` on this thread, the last one is [`Event::Fetched`].
///
/// # Errors
/// A [`RunError`] as a run would give it before its first step; its [`hint`](RunError::hint) says what to do.
pub fn fetch(
    machine: &Machine,
    project: &Project,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<FetchReport, RunError> {
    let started = Instant::now();
    let pipelines = options.mode.pipelines(project.plan());
    if pipelines.is_empty() {
        return Err(RunError::NothingToRun { mode: options.mode });
    }
    if options.setup.offline && options.setup.update != Update::Nothing {
        return Err(RunError::OfflineUpdate);
    }
    if let Update::Steps(steps) = &options.setup.update {
        steps.iter().try_for_each(|step| known_step(project, step))?;
    }
    let _lock = take_lock(project, options, observer)?;
    let before = Lockfile::read(project.root())?;
    let mut report = FetchReport {
        name: project.name().to_owned(),
        project: project.root().to_owned(),
        ..FetchReport::default()
    };
    let mut tell = |pipeline, detail| observer.event(&Event::Setup { pipeline, detail });
    all_is_there(machine, project, &pipelines, &options.setup, &options.cancel, &mut tell)
        .map_err(|error| if options.cancel.is_cancelled() { RunError::Interrupted } else { error.into() })?;
    for pipeline in pipelines {
        let (kind, began) = (pipeline.kind, Instant::now());
        let steps = pipeline.steps.iter().map(|step| step.name.to_string()).collect();
        observer.event(&Event::PipelineStarted { pipeline: kind, steps });
        observer.event(&Event::PhaseStarted { pipeline: kind, phase: Phase::Setup });
        let mut tell = |detail| observer.event(&Event::Setup { pipeline: kind, detail });
        let prepared = prepare_pipeline(machine, project, kind, &options.setup, &options.cancel, &mut tell)
            .and_then(|prepared| complete(prepared, kind, &options.cancel, &mut tell));
        let seconds = began.elapsed().as_secs_f64();
        observer.event(&Event::PhaseFinished { pipeline: kind, phase: Phase::Setup, seconds });
        let prepared = prepared.map_err(|error| {
            if options.cancel.is_cancelled() { RunError::Interrupted } else { error.into() }
        })?;
        report.pipelines.push(FetchedPipeline::new(kind, &prepared));
    }
    let after = Lockfile::read(project.root())?;
    report.code_changes = code_changes(project.plan(), &before, &after);
    report.package_changes = package_changes(&before, &after);
    report.group_changes = group_changes(project.plan(), &before, &after);
    report.lock_changed = !before.says_the_same(&after);
    report.seconds = started.elapsed().as_secs_f64();
    observer.event(&Event::Fetched { report: report.clone() });
    Ok(report)
}

/// Refuses a step that the plan does not have.
pub(crate) fn known_step(project: &Project, wanted: &StepName) -> Result<(), RunError> {
    let steps = project.plan().pipelines.iter().flat_map(|pipeline| &pipeline.steps);
    let mut names: Vec<&str> = steps.map(|step| step.name.as_str()).collect();
    if names.contains(&wanted.as_str()) {
        return Ok(());
    }
    names.sort_unstable();
    names.dedup();
    let near = similar(wanted.as_str(), names.iter().copied());
    let known = if near.is_empty() { names } else { near };
    let known = known.into_iter().map(str::to_owned).collect();
    Err(RunError::UnknownStep { step: wanted.to_string(), known })
}

impl From<LockfileError> for RunError {
    fn from(error: LockfileError) -> Self {
        Self::Lockfile(Box::new(error))
    }
}
