//! Runs beside the project's current artifacts: each in its own workspace, recorded, and gone when it has ended.

use std::time::Instant;

use alo_artifacts::{ArtifactLayout, RunId, RunState, S3Access, StagedArtifacts, file_of_run_alone};
use alo_plan::{Pipeline, PipelineKind};
use jiff::Timestamp;

use super::error::{RunError, RunFailure};
use super::head::PipelineHead;
use super::options::RunOptions;
use super::pipeline_run::PipelineRun;
use super::progress::Progress;
use super::scope::{RunScope, Sources};
use crate::error_chain;
use crate::event::{Event, Observer};
use crate::executor::Executor;
use crate::journal::Journal;
use crate::project::Project;
use crate::report::RunReport;

/// A run that leaves the project's current artifacts alone. The project's lock is its caller's.
#[derive(Clone, Copy)]
pub(crate) struct AsideRun<'a> {
    /// What runs.
    pub(crate) project: &'a Project,
    /// How.
    pub(crate) options: &'a RunOptions,
    /// What opens places in S3.
    pub(crate) s3: &'a S3Access,
    /// The sweep that it is a part of.
    pub(crate) sweep: &'a str,
    /// The data of each pipeline, which lies in `input/` already.
    pub(crate) data: &'a [(PipelineKind, Sources)],
    /// Where the model to infer with lies, unless the run's own training makes it.
    pub(crate) model: &'a ArtifactLayout,
}

/// The first steps of a run, done once.
#[derive(Debug)]
pub(crate) struct RunHead {
    pipelines: Vec<(PipelineKind, PipelineHead)>,
}

impl RunHead {
    /// How many steps of all pipelines together are done.
    pub(crate) fn steps(&self) -> usize {
        self.pipelines.iter().map(|(_, head)| head.steps()).sum()
    }

    /// Why what they have left belongs to their run `run` alone, if it does.
    pub(crate) fn belongs_to(&self, run: &RunId) -> Option<String> {
        self.pipelines.iter().find_map(|(_, head)| match file_of_run_alone(head.artifacts(), run) {
            Ok(file) => Some(format!("`{}` belongs to one run alone: it names its folder", file?)),
            Err(error) => {
                Some(format!("what they have left cannot be looked through: {}", error_chain(&error)))
            }
        })
    }

    fn of(&self, kind: PipelineKind) -> Option<&PipelineHead> {
        self.pipelines.iter().find(|(of, _)| *of == kind).map(|(_, head)| head)
    }
}

/// How a run ended.
pub(crate) struct AsideEnd {
    pub(crate) report: RunReport,
    pub(crate) error: Option<RunError>,
}

impl AsideRun<'_> {
    /// Runs and records all pipelines, from behind the steps of `head` on; the first failure ends the run.
    pub(crate) fn run(
        &self,
        head: Option<&RunHead>,
        executor: &mut dyn Executor,
        observer: &mut dyn Observer,
    ) -> AsideEnd {
        let started = Instant::now();
        let run = RunId::generate(Timestamp::now(), self.project.name());
        let mut report = RunReport {
            run: run.to_string(),
            name: self.project.name().to_owned(),
            project: self.project.root().to_owned(),
            state: RunState::Succeeded,
            seconds: 0.0,
            pipelines: Vec::new(),
        };
        let trained = self.trained(&run);
        let scope = self.scope(&run, &trained);
        let pipelines = self.options.mode.pipelines(self.project.plan());
        // The workspace of each pipeline is there until the run has ended: inference reads what training has left.
        let mut workspace: Vec<StagedArtifacts> = Vec::new();
        let mut error = None;
        for (index, pipeline) in pipelines.iter().enumerate() {
            let more = index + 1 < pipelines.len();
            let head = head.and_then(|head| head.of(pipeline.kind));
            let end = self.pipeline(scope, pipeline, more, head).run(executor, None, observer);
            report.pipelines.push(end.report);
            workspace.extend(end.aside);
            error = end.error;
            if error.is_some() {
                break;
            }
        }
        if let Some(error) = &error {
            report.state = if error.is_interruption() { RunState::Interrupted } else { RunState::Failed };
        }
        report.seconds = started.elapsed().as_secs_f64();
        observer.event(&Event::RunFinished { report: report.clone() });
        AsideEnd { report, error }
    }

    /// Runs the first `steps` steps of all pipelines together, for runs that continue from there. Only a failure is
    /// recorded: all of them would come to it.
    pub(crate) fn head(
        &self,
        mut steps: usize,
        run: &RunId,
        executor: &mut dyn Executor,
        observer: &mut dyn Observer,
    ) -> Result<RunHead, Box<RunFailure>> {
        let trained = self.trained(run);
        let scope = self.scope(run, &trained);
        let mut heads = Vec::new();
        for pipeline in self.options.mode.pipelines(self.project.plan()) {
            let last = steps.min(pipeline.steps.len());
            if last == 0 {
                break;
            }
            steps -= last;
            heads.push((
                pipeline.kind,
                self.pipeline(scope, pipeline, true, None).head(last, executor, observer)?,
            ));
        }
        Ok(RunHead { pipelines: heads })
    }

    fn scope<'s>(&'s self, run: &'s RunId, trained: &'s ArtifactLayout) -> RunScope<'s> {
        let Self { project, options, s3, sweep, .. } = self;
        RunScope { project, options, run, s3, trained, sweep: Some(sweep), cache: None }
    }

    /// Where inference finds the artifacts of training: the run's own, if it trains.
    fn trained(&self, run: &RunId) -> ArtifactLayout {
        let trains =
            self.options.mode.pipelines(self.project.plan()).iter().any(|p| p.kind == PipelineKind::Train);
        if trains && self.project.plan().external.load_model_path.is_none() {
            StagedArtifacts::layout_of(self.project.layout(), PipelineKind::Train, run)
        } else {
            self.model.clone()
        }
    }

    fn pipeline<'s>(
        &'s self,
        scope: RunScope<'s>,
        pipeline: &'s Pipeline,
        more: bool,
        head: Option<&'s PipelineHead>,
    ) -> PipelineRun<'s> {
        let found = self.data.iter().find(|(kind, _)| *kind == pipeline.kind);
        let sources = found.map_or(Sources::none(), |(_, sources)| sources);
        PipelineRun { scope, pipeline, sources, save_path: None, exported: &[], more, head }
    }
}

impl PipelineRun<'_> {
    /// Runs the first steps and keeps what they leave.
    fn head(
        &self,
        last: usize,
        executor: &mut dyn Executor,
        observer: &mut dyn Observer,
    ) -> Result<PipelineHead, Box<RunFailure>> {
        let (mut log, staged) = self.stage().map_err(|error| Box::new(RunFailure::new(error)))?;
        let mut journal = Journal::new(&mut log, observer);
        let layout = staged.layout().clone();
        let mut progress = Progress::new(&layout, self.record());
        let result = self.steps_until(last, executor, &mut progress, &mut journal);
        if last == self.pipeline.steps.len() || result.is_err() {
            executor.finish(result.is_ok(), &mut journal);
        }
        if let Err(error) = result {
            let history = self.scope.begin_history(&progress.record, &mut journal);
            let (end, _) = self.keep(progress, staged, history, Err(error), &mut journal);
            // It is the error that was given.
            let error = end.error.unwrap_or(RunError::Interrupted);
            return Err(Box::new(RunFailure { log: end.report.places.log, ..RunFailure::new(error) }));
        }
        journal.flush();
        let (state, records) =
            (std::mem::take(&mut progress.state), std::mem::take(&mut progress.record.steps));
        let reports = progress.steps().to_vec();
        let (shown, warnings) = (std::mem::take(&mut log.shown), std::mem::take(&mut log.warnings));
        Ok(PipelineHead { staged, state: state.into(), records, reports, shown, warnings })
    }
}
