//! `Engine::run`: from a project to a finished run.

use std::time::Instant;

use alo_artifacts::{
    Holder, ProjectLock, Recovery, RunId, RunState, S3Access, StagedModel, StepCache, recover,
};
use alo_plan::{Pipeline, PipelineKind};
use jiff::Timestamp;

use super::error::{RunError, RunFailure};
use super::keeping::Keeping;
use super::options::RunOptions;
use super::pipeline_run::PipelineRun;
use super::scope::{Outside, RunScope, Sources};
use crate::event::{Event, Level, Observer};
use crate::executor::{Ahead, Executor};
use crate::project::Project;
use crate::report::RunReport;
use crate::resume::CacheUse;

/// Runs plans with one executor.
///
/// Every run is whole or leaves the previous artifacts as they were, and every run is in the project's history, with how it
/// ended. Two runs of one project do not mix: the second waits.
pub struct Engine {
    executor: Box<dyn Executor>,
}

/// What outlasts the last pipeline.
#[derive(Default)]
struct Left {
    model: Option<StagedModel>,
    kept: Option<String>,
}

impl Engine {
    /// Makes an engine that runs steps with that executor.
    pub fn new(executor: impl Executor + 'static) -> Self {
        Self { executor: Box::new(executor) }
    }

    /// Runs the pipelines of a project in order; the first failure ends the run.
    ///
    /// Events go to `observer` on this thread, the last one is [`Event::RunFinished`].
    pub fn run(
        &mut self,
        project: &Project,
        options: &RunOptions,
        observer: &mut dyn Observer,
    ) -> Result<RunReport, Box<RunFailure>> {
        let not_begun = |error: RunError| Box::new(RunFailure::new(error));
        let pipelines = options.mode.pipelines(project.plan());
        if pipelines.is_empty() {
            return Err(not_begun(RunError::NothingToRun { mode: options.mode }));
        }
        let _lock = take_lock(project, options, observer).map_err(not_begun)?;
        self.run_alone(project, options, &pipelines, observer)
    }

    /// Runs while nobody else does.
    fn run_alone(
        &mut self,
        project: &Project,
        options: &RunOptions,
        pipelines: &[&Pipeline],
        observer: &mut dyn Observer,
    ) -> Result<RunReport, Box<RunFailure>> {
        let started = Instant::now();
        tidy_up(project, observer);
        let run = RunId::generate(Timestamp::now(), project.name());
        observer.event(&Event::RunStarted {
            run: run.to_string(),
            name: project.name().to_owned(),
            project: project.root().to_owned(),
        });
        let mut report = RunReport {
            run: run.to_string(),
            name: project.name().to_owned(),
            project: project.root().to_owned(),
            state: RunState::Succeeded,
            seconds: 0.0,
            pipelines: Vec::new(),
        };
        let s3 = S3Access::new(options.s3.clone(), &project.plan().permission, project.bases());
        let trained = if project.plan().external.load_model_path.is_some() {
            StagedModel::layout_of(project.layout(), &run)
        } else {
            project.layout().artifacts(PipelineKind::Train)
        };
        let cache = CacheUse::of(project, options.resume);
        let scope = RunScope {
            project,
            options,
            run: &run,
            s3: &s3,
            trained: &trained,
            sweep: None,
            cache: cache.as_ref(),
        };
        let mut left = Left::default();
        let error = self.run_pipelines(scope, pipelines, &mut report, &mut left, observer).err();
        report.seconds = started.elapsed().as_secs_f64();
        if let Some(error) = &error {
            report.state = if error.is_interruption() { RunState::Interrupted } else { RunState::Failed };
        }
        let finished = cache.map(|cache| cache.end(project, &run, error.is_some())).unwrap_or_default();
        drop(left.model);
        observer.event(&Event::RunFinished { report: report.clone() });
        match error {
            None => Ok(report),
            Some(error) => {
                let log = report.pipelines.last().and_then(|pipeline| pipeline.places.log.clone());
                Err(Box::new(RunFailure { error, report: Some(report), log, kept: left.kept, finished }))
            }
        }
    }

    fn run_pipelines(
        &mut self,
        scope: RunScope<'_>,
        pipelines: &[&Pipeline],
        report: &mut RunReport,
        left: &mut Left,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let mut outside = Vec::new();
        for pipeline in pipelines {
            match scope.outside(pipeline) {
                Ok(places) => outside.push(places),
                Err(error) => return refuse(scope, pipeline, error, report, observer),
            }
        }
        let ahead = Ahead {
            project: scope.project,
            pipelines,
            policy: &scope.options.setup,
            cancel: &scope.options.cancel,
            observer: &mut *observer,
        };
        if let (Err(error), Some(first)) = (self.executor.look_ahead(ahead), pipelines.first()) {
            let is_cancelled = scope.options.cancel.is_cancelled();
            let error = if is_cancelled { RunError::Interrupted } else { error.into() };
            return refuse(scope, first, error, report, observer);
        }
        // The run of the pipeline before, as long as it is on its way into the history.
        let mut before: Option<Keeping> = None;
        for (index, (pipeline, Outside { sources, save_path })) in pipelines.iter().zip(&outside).enumerate()
        {
            let more = index + 1 < pipelines.len();
            let save_path = save_path.as_ref();
            let exported: Vec<_> =
                report.pipelines.iter().flat_map(|before| before.places.exported.clone()).collect();
            let pipeline_run =
                PipelineRun { scope, pipeline, sources, save_path, exported: &exported, more, head: None };
            let end = pipeline_run.run(self.executor.as_mut(), before.as_mut(), observer);
            if let (Some(before), Some(report)) = (before.take(), report.pipelines.last_mut()) {
                report.warnings.extend(before.into_warnings());
            }
            report.pipelines.push(end.report);
            before = end.keeping;
            *left = Left { model: end.model, kept: end.kept };
            if let Some(error) = end.error {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Records a pipeline that cannot run, and the run with it.
fn refuse(
    scope: RunScope<'_>,
    pipeline: &Pipeline,
    error: RunError,
    report: &mut RunReport,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let sources = Sources::none();
    let refused =
        PipelineRun { scope, pipeline, sources, save_path: None, exported: &[], more: false, head: None };
    let end = refused.refuse(error, observer);
    report.pipelines.push(end.report);
    end.error.map_or(Ok(()), Err)
}

/// Waits for the project, or not, as the options say.
pub(crate) fn take_lock(
    project: &Project,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<ProjectLock, RunError> {
    let holder = Holder::current(&options.command, Timestamp::now());
    let mut waits = |holder: &Holder| observer.event(&Event::Waiting { holder: holder.clone() });
    let cancelled = || options.cancel.is_cancelled();
    let lock = ProjectLock::acquire(project.layout(), &holder, options.wait, &mut waits, &cancelled);
    lock.map_err(|error| if options.cancel.is_cancelled() { RunError::Interrupted } else { error.into() })
}

/// Finishes or rolls back what killed runs have left.
pub(crate) fn tidy_up(project: &Project, observer: &mut dyn Observer) {
    StepCache::new(project.layout()).tidy_up();
    let message = match recover(project.layout()) {
        Ok(recovery) if recovery.is_empty() => return,
        Ok(recovery) => told(&recovery),
        Err(error) => format!("what a killed run left could not be tidied up: {error}"),
    };
    observer.event(&Event::Message { level: Level::Warning, step: None, message, show: false });
}

/// One line about what had to be tidied up.
fn told(recovery: &Recovery) -> String {
    let runs: Vec<_> = recovery.interrupted.iter().map(|run| format!("{} ({})", run.id, run.kind)).collect();
    match runs.as_slice() {
        [] => "unfinished files of a killed run were removed".to_owned(),
        runs => format!("killed before it ended, now recorded as interrupted: {}", runs.join(", ")),
    }
}
