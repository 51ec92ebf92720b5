//! One pipeline of a run: what it starts with, and what is kept however it ends.

use std::time::Instant;

use alo_artifacts::{
    ArtifactLayout, CollectedRun, ExperimentalHistory, Finished, Keep, OpenRun, RunRecord, RunState,
    SaveTarget, StagedArtifacts, StagedModel,
};
use alo_plan::{Pipeline, PipelineKind, Plan};
use camino::Utf8PathBuf;
use jiff::Timestamp;

use super::error::RunError;
use super::head::PipelineHead;
use super::history_run::{collect, finish};
use super::keeping::Keeping;
use super::places;
use super::progress::Progress;
use super::scope::{RunScope, Sources};
use crate::error_chain;
use crate::event::{Event, Level, Observer};
use crate::executor::Executor;
use crate::journal::{Journal, PipelineLog};
use crate::report::PipelineReport;

/// A pipeline about to run.
pub(super) struct PipelineRun<'a> {
    pub(super) scope: RunScope<'a>,
    pub(super) pipeline: &'a Pipeline,
    pub(super) sources: &'a Sources,
    /// Where its results are exported to.
    pub(super) save_path: Option<&'a SaveTarget>,
    /// What the run has exported before.
    pub(super) exported: &'a [Utf8PathBuf],
    /// Whether another pipeline follows.
    pub(super) more: bool,
    /// Its first steps, if they were done before for several runs.
    pub(super) head: Option<&'a PipelineHead>,
}

/// A pipeline that ran.
pub(super) struct PipelineEnd {
    pub(super) report: PipelineReport,
    pub(super) error: Option<RunError>,
    /// The artifacts of a run that keeps them in its own workspace; dropped, they go.
    pub(super) aside: Option<StagedArtifacts>,
    /// How to get at what it has made, if only its way out failed.
    pub(super) kept: Option<String>,
    /// The model from outside that it used. What its steps have left is looked at with it, so it outlasts them.
    pub(super) model: Option<StagedModel>,
    /// Its run, if it goes into the history while the next pipeline runs.
    pub(super) keeping: Option<Keeping>,
}

impl<'a> PipelineRun<'a> {
    pub(super) fn kind(&self) -> PipelineKind {
        self.pipeline.kind
    }

    pub(super) fn plan(&self) -> &'a Plan {
        self.scope.project.plan()
    }

    /// Runs all phases; keeps what is to be kept, after the pipeline `before` was kept.
    pub(super) fn run(
        &self,
        executor: &mut dyn Executor,
        before: Option<&mut Keeping>,
        observer: &mut dyn Observer,
    ) -> PipelineEnd {
        self.recorded(before, observer, |progress, journal| self.all_phases(executor, progress, journal))
    }

    /// Records a pipeline that cannot run.
    pub(super) fn refuse(&self, error: RunError, observer: &mut dyn Observer) -> PipelineEnd {
        self.recorded(None, observer, |_, _| Err(error))
    }

    /// Runs what there is to run between staged artifacts and history.
    fn recorded(
        &self,
        before: Option<&mut Keeping>,
        observer: &mut dyn Observer,
        phases: impl FnOnce(&mut Progress<'_>, &mut Journal<'_>) -> Result<(), RunError>,
    ) -> PipelineEnd {
        let (kind, started) = (self.kind(), Instant::now());
        let steps = self.pipeline.steps.iter().map(|step| step.name.to_string()).collect();
        observer.event(&Event::PipelineStarted { pipeline: kind, steps });
        let (mut log, staged) = match self.stage() {
            Ok(begun) => begun,
            Err(error) => {
                let mut log = PipelineLog::default();
                if let Some(before) = before {
                    let mut journal = Journal::new(&mut log, observer);
                    before.settle(&mut journal);
                    self.scope.trim_history(&mut journal);
                }
                let mut report = places::failed_before_start(kind);
                report.warnings = log.warnings;
                return PipelineEnd {
                    report,
                    error: Some(error),
                    aside: None,
                    model: None,
                    kept: None,
                    keeping: None,
                };
            }
        };
        let mut journal = Journal::new(&mut log, observer);
        let record = self.record();
        let history = self.scope.begin_history(&record, &mut journal);
        let layout = staged.layout().clone();
        let mut progress = Progress::new(&layout, record);
        if let Some(head) = self.head {
            progress.continue_from(head);
        }
        let result = phases(&mut progress, &mut journal);
        // What becomes current now names the run before: that one has to be in the history.
        let is_first = before.is_none();
        if let Some(before) = before {
            before.settle(&mut journal);
        }
        let (mut end, collected) = self.keep(progress, staged, history, result, &mut journal);
        let is_news = !is_first || end.report.places.history.is_some();
        if is_news && collected.is_none() && self.scope.sweep.is_none() {
            self.scope.trim_history(&mut journal);
        }
        let seconds = started.elapsed().as_secs_f64();
        if end.error.is_none() {
            journal.emit(&Event::PipelineFinished { pipeline: kind, seconds });
        }
        end.report.seconds = seconds;
        end.report.shown = std::mem::take(&mut log.shown);
        end.report.warnings = std::mem::take(&mut log.warnings);
        end.keeping = collected.map(|run| Keeping::begin(run, log));
        end
    }

    /// Makes the folders to write to, with what the first steps have left, and starts the log.
    pub(super) fn stage(&self) -> Result<(PipelineLog, StagedArtifacts), RunError> {
        let staged = StagedArtifacts::begin(self.scope.project.layout(), self.kind(), self.scope.run)?;
        if let Some(head) = self.head {
            staged.copy_from(head.artifacts())?;
        }
        let mut log = PipelineLog::open(staged.layout())?;
        if let Some(head) = self.head {
            head.said(&mut log);
        }
        Ok((log, staged))
    }

    /// The record of this run as it begins.
    pub(super) fn record(&self) -> RunRecord {
        let (project, plan) = (self.scope.project, self.plan());
        let mut record = RunRecord::new(self.scope.run.clone(), self.kind(), Timestamp::now());
        project.name().clone_into(&mut record.name);
        record.version.clone_from(&plan.version);
        record.mode =
            self.scope.sweep.map_or_else(|| self.scope.options.mode.to_string(), |_| "sweep".into());
        record.sweep = self.scope.sweep.map(ToOwned::to_owned);
        record.plan = project.plan_file().map(ToOwned::to_owned);
        record.param_id = alo_artifacts::param_id(self.pipeline);
        record.steps = self
            .pipeline
            .steps
            .iter()
            .map(|step| alo_artifacts::StepRecord {
                name: step.name.to_string(),
                args: serde_json::to_value(&step.args).unwrap_or_default(),
                ..Default::default()
            })
            .collect();
        record
    }

    /// Writes ids and times where other programs look for them.
    pub(super) fn write_experimental_history(&self, progress: &mut Progress<'_>) -> Result<(), RunError> {
        let record = &mut progress.record;
        if self.kind() == PipelineKind::Inference {
            let training = ExperimentalHistory::read(&self.scope.trained.experimental_history())
                .map_or_else(|_| "none".to_owned(), |training| training.id);
            record.train_id = Some(training);
        }
        let history = ExperimentalHistory {
            id: record.id.to_string(),
            start_time: record.started,
            end_time: Timestamp::now(),
            data_id: record.data_id.clone(),
            code_id: record.code_id.clone(),
            param_id: record.param_id.clone(),
            train_id: record.train_id.clone(),
            replaced_id: None,
        };
        Ok(history.write(&progress.artifacts.experimental_history())?)
    }

    /// Makes the artifacts current if all went well, and records the run; gives it if that may go on beside what follows.
    pub(super) fn keep(
        &self,
        mut progress: Progress<'_>,
        staged: StagedArtifacts,
        history: Option<OpenRun>,
        result: Result<(), RunError>,
        journal: &mut Journal<'_>,
    ) -> (PipelineEnd, Option<CollectedRun>) {
        let current = self.scope.project.layout().artifacts(self.kind());
        let staged_layout = staged.layout().clone();
        let mut staged = Some(staged);
        let (data, mut model) = (progress.data.take(), progress.model.take());
        let (mut record, mut report) = progress.end();
        if let Err(error) = &result {
            journal.note(&format!("failed: {}", error_chain(error)));
        }
        journal.flush();
        let error = match result {
            Ok(()) if self.scope.sweep.is_some() => None,
            Ok(()) => staged.take().and_then(|staged| self.commit(staged, model.as_mut(), journal).err()),
            Err(error) => Some(error),
        };
        report.state = match &error {
            None => RunState::Succeeded,
            Some(error) if error.is_interruption() => RunState::Interrupted,
            Some(_) => RunState::Failed,
        };
        record.whole &= error.is_some();
        let is_whole = record.whole;
        let control = &self.plan().control;
        let layout = if error.is_none() && staged.is_none() { &current } else { &staged_layout };
        let keep = Keep {
            layout: Some(layout),
            // All the steps have made; it lies nowhere else.
            artifacts: control.backup_artifacts || is_whole,
            logs: control.backup_log || error.is_some(),
        };
        let (mut collected, mut kept) = (None, None);
        if let Some(mut run) = history {
            self.scope.complete_record(&mut run, (record, data), journal);
            let recorded = error.as_ref().map(RunError::recorded);
            if self.more && error.is_none() && self.scope.sweep.is_none() {
                let run = collect(run, report.state, &keep, journal);
                report.places.history = Some(run.folder().to_owned());
                collected = Some(run);
            } else {
                let finished = finish(run, report.state, recorded, &keep, journal);
                kept = (is_whole && finished.record.artifacts_kept).then(|| kept_hint(&finished));
                report.places.history = Some(finished.folder);
            }
        }
        if error.is_none() {
            places::find(&self.lasting(current, &report), self.kind(), &mut report.places);
        } else {
            let log = report.places.history.as_ref().map(|folder| folder.join("log").join("pipeline.log"));
            report.places.log = log.filter(|log| log.is_file());
        }
        let aside = staged.filter(|_| error.is_none());
        (PipelineEnd { report, error, aside, model, kept, keeping: None }, collected)
    }

    /// Makes artifacts current, with the model from outside that they were made with.
    fn commit(
        &self,
        staged: StagedArtifacts,
        model: Option<&mut StagedModel>,
        journal: &mut Journal<'_>,
    ) -> Result<(), RunError> {
        let Some(model) = model else { return Ok(staged.commit()?) };
        let (recorded, run) = (model.commit_with(staged)?, self.scope.run);
        let trains =
            self.scope.options.mode.pipelines(self.plan()).iter().any(|p| p.kind == PipelineKind::Train);
        let replaced = match &recorded {
            Some(recorded) => Some(("a trained model that was not in the history", recorded)),
            None => trains.then_some(("the model that this run has trained", run)),
        };
        if let Some((what, run)) = replaced {
            let back = format!("`alo history restore {run} --pipeline train` brings it back");
            journal.say(Level::Warning, &format!("`load_model_path` has replaced {what}; {back}"));
        }
        Ok(())
    }

    /// Where the artifacts of a run that has succeeded can be found after it.
    fn lasting(&self, current: ArtifactLayout, report: &PipelineReport) -> ArtifactLayout {
        match (self.scope.sweep, &report.places.history) {
            (Some(_), Some(folder)) => ArtifactLayout::new(folder.clone()),
            _ => current,
        }
    }
}

/// How to get at artifacts that are whole and did not become current.
fn kept_hint(Finished { folder, record, .. }: &Finished) -> String {
    let RunRecord { id, kind, .. } = record;
    format!(
        "all steps have succeeded, and what they made is kept in `{folder}`; \
         `alo history restore {id} --pipeline {kind}` makes it current"
    )
}
