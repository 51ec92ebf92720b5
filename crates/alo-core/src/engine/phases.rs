//! The phases of a pipeline: setup, load, run, save.

use std::time::{Duration, Instant};

use alo_artifacts::{
    ExportForm, Limits, LoadProgress, ModelSource, NotKept, StepState, check_output, export_as, load_data,
};
use alo_plan::PipelineKind;

use super::error::RunError;
use super::head::PipelineHead;
use super::pipeline_run::PipelineRun;
use super::progress::Progress;
use super::scope::Sources;
use crate::context::{PipelineScope, StepContext};
use crate::event::{Event, Level, Phase};
use crate::executor::{Executor, Preparation, Prepared, WarmUp};
use crate::journal::Journal;
use crate::resume::{Attempt, CacheUse, RecordedStep, RecordedSteps, StepDecision, Why};

/// How often it is told how far loading is.
const TELL_EVERY: Duration = Duration::from_millis(200);

impl PipelineRun<'_> {
    /// Runs all phases up to the moment where the artifacts may become current.
    pub(super) fn all_phases(
        &self,
        executor: &mut dyn Executor,
        progress: &mut Progress<'_>,
        journal: &mut Journal<'_>,
    ) -> Result<(), RunError> {
        let result = self.steps_until(self.pipeline.steps.len(), executor, progress, journal);
        executor.finish(self.more && result.is_ok(), journal);
        result?;
        self.phase(Phase::Save, journal, |journal| self.save(progress, journal))
    }

    /// Makes ready what the steps need, and runs them up to that number.
    pub(super) fn steps_until(
        &self,
        last: usize,
        executor: &mut dyn Executor,
        progress: &mut Progress<'_>,
        journal: &mut Journal<'_>,
    ) -> Result<(), RunError> {
        let prepared = self.phase(Phase::Setup, journal, |journal| self.set_up(executor, journal))?;
        if !self.scope.cache.is_some_and(CacheUse::reuses) {
            // Otherwise it may be that no step runs at all.
            executor.warm_up(WarmUp::new(self.scope.project, &self.scope.options.cancel))?;
        }
        progress.prepared(prepared);
        self.phase(Phase::Load, journal, |journal| self.load(progress, journal))?;
        self.phase(Phase::Run, journal, |journal| self.run_steps(last, executor, progress, journal))
    }

    /// Tells that a phase begins and ends, and looks before it whether to go on.
    fn phase<T>(
        &self,
        phase: Phase,
        journal: &mut Journal<'_>,
        run: impl FnOnce(&mut Journal<'_>) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let cancelled = || self.scope.options.cancel.is_cancelled();
        if cancelled() {
            return Err(RunError::Interrupted);
        }
        let (pipeline, started) = (self.kind(), Instant::now());
        journal.emit(&Event::PhaseStarted { pipeline, phase });
        let result = run(journal);
        let seconds = started.elapsed().as_secs_f64();
        journal.note(&format!("{} {} time: {seconds:.3}s", pipeline.key(), phase.as_str()));
        journal.emit(&Event::PhaseFinished { pipeline, phase, seconds });
        // What fails because it was stopped is an interruption, whatever it calls itself.
        result.map_err(|error| if cancelled() { RunError::Interrupted } else { error })
    }

    fn set_up(&self, executor: &mut dyn Executor, journal: &mut Journal<'_>) -> Result<Prepared, RunError> {
        let prepared = executor.prepare(Preparation {
            project: self.scope.project,
            pipeline: self.pipeline,
            policy: &self.scope.options.setup,
            cancel: &self.scope.options.cancel,
            journal: journal.reborrow(),
        })?;
        Ok(prepared)
    }

    fn load(&self, progress: &mut Progress<'_>, journal: &mut Journal<'_>) -> Result<(), RunError> {
        let (project, kind, cancel) = (self.scope.project, self.kind(), &self.scope.options.cancel);
        let cancelled = || cancel.is_cancelled();
        let from_outside =
            self.plan().external.load_model_path.as_ref().filter(|_| self.scope.sweep.is_none());
        if let (PipelineKind::Inference, Some(source)) = (kind, from_outside) {
            let (bases, run) = (project.bases(), self.scope.run);
            let limits = Limits::default();
            let from = ModelSource { text: source, bases: &bases, s3: self.scope.s3 };
            let model = from.stage(project.layout(), run, &limits, &cancelled)?;
            progress.model = Some(model);
            journal.emit(&Event::ModelLoaded { source: source.clone() });
        }
        let policy = self.plan().control.get_external_data;
        let data = match self.sources {
            Sources::Loaded(data) => data.clone(),
            Sources::ToLoad(sources) => {
                let mut told = Instant::now();
                let mut tell = |progress: LoadProgress| {
                    if told.elapsed() > TELL_EVERY {
                        told = Instant::now();
                        journal.emit(&Event::DataProgress { pipeline: kind, progress });
                    }
                };
                load_data(project.layout(), kind, sources, policy, &cancelled, &mut tell)?
            }
        };
        for place in &data.set_aside {
            journal.say(
                Level::Warning,
                &format!("files in the input folder that no plan put there were moved to `{place}`"),
            );
        }
        journal.emit(&Event::DataLoaded {
            pipeline: kind,
            files: data.files,
            bytes: data.bytes,
            copied: data.copied_files,
            data_id: data.data_id.clone(),
        });
        progress.loaded(data);
        Ok(())
    }

    /// Runs the steps up to that number, but those of the head.
    fn run_steps(
        &self,
        last: usize,
        executor: &mut dyn Executor,
        progress: &mut Progress<'_>,
        journal: &mut Journal<'_>,
    ) -> Result<(), RunError> {
        let (pipeline, total) = (self.kind(), self.pipeline.steps.len());
        let scope = PipelineScope {
            project: self.scope.project,
            pipeline: self.pipeline,
            run: self.scope.run,
            artifacts: progress.artifacts,
            trained: self.scope.trained,
            cancel: &self.scope.options.cancel,
        };
        let _old_values = scope.asset_interface().map(|interface| interface.begin());
        let done = self.head.map_or(0, PipelineHead::steps);
        let mut recorded = self.recorded_steps(scope, progress)?;
        for (index, step) in self.pipeline.steps.iter().enumerate().take(last).skip(done) {
            if scope.cancel.is_cancelled() {
                return Err(RunError::Interrupted);
            }
            let (number, name) = (index + 1, step.name.to_string());
            journal.note(&format!("{name} asset start"));
            journal.emit(&Event::StepStarted { pipeline, step: name.clone(), number, total });
            let started = Instant::now();
            let attempt = match &mut recorded {
                Some(recorded) => recorded.attempt(step, number, journal)?,
                None => Attempt::Unrecorded(self.without_recording()),
            };
            let decision = attempt.decision();
            journal.emit(&Event::StepDecided { pipeline, step: name.clone(), decision });
            let recording = match attempt {
                Attempt::Reused(_, kept) => {
                    kept.put_back(&name, &mut progress.state, journal);
                    let seconds = started.elapsed().as_secs_f64();
                    progress.step_ended(index, seconds, StepState::Succeeded, None);
                    journal.emit(&Event::StepFinished { pipeline, step: name, seconds });
                    continue;
                }
                Attempt::Recorded(_, step) => Some(*step),
                Attempt::Unrecorded(_) => None,
            };
            let mut context = StepContext::new(scope, step, number, &mut progress.state, journal.reborrow());
            let recording = recording.map(|RecordedStep { recording, description, values }| {
                context.keep(values);
                (recording, description)
            });
            let result = executor.run_step(&mut context);
            let usage = context.usage();
            let outcome = context.into_outcome();
            if let (Some(recorded), Some(recording)) = (&mut recorded, recording) {
                if result.is_ok() {
                    recorded.ended((step, number), recording, (&progress.state, outcome), journal)?;
                } else {
                    recorded.failed((step, number), recording)?;
                }
            }
            let seconds = started.elapsed().as_secs_f64();
            let state = if result.is_ok() { StepState::Succeeded } else { StepState::Failed };
            progress.step_ended(index, seconds, state, usage);
            if let Err(failure) = result {
                if let Some(traceback) = &failure.traceback {
                    journal.note(traceback);
                }
                journal.emit(&Event::StepFailed { pipeline, failure: failure.clone(), seconds });
                return Err(RunError::of_step(failure, pipeline));
            }
            journal.note(&format!("{name} asset finish: {seconds:.3}s"));
            journal.emit(&Event::StepFinished { pipeline, step: name, seconds });
        }
        executor.settle(journal)?;
        if scope.cancel.is_cancelled() {
            return Err(RunError::Interrupted);
        }
        recorded.map_or(Ok(()), |recorded| Ok(recorded.end()?))
    }

    /// What is put back and recorded, if the run is to do so and the executor can.
    fn recorded_steps<'s>(
        &self,
        scope: PipelineScope<'s>,
        progress: &Progress<'_>,
    ) -> Result<Option<RecordedSteps<'s>>, RunError>
    where
        Self: 's,
    {
        let Some((data, cache)) = progress.data.as_ref().zip(self.scope.cache) else { return Ok(None) };
        Ok(RecordedSteps::begin(cache, scope, progress.prepared.clone(), data)?)
    }

    /// Why a step runs that is not recorded.
    fn without_recording(&self) -> StepDecision {
        let why = if self.scope.cache.is_some_and(CacheUse::reuses) {
            Why::NotKept { reason: NotKept::NotWatched }
        } else {
            Why::NotAsked
        };
        StepDecision::Runs { why }
    }

    fn save(&self, progress: &mut Progress<'_>, journal: &mut Journal<'_>) -> Result<(), RunError> {
        let kind = self.kind();
        if kind == PipelineKind::Inference {
            let output = check_output(progress.artifacts)?;
            for warning in &output.warnings {
                journal.say(Level::Warning, warning);
            }
        }
        self.write_experimental_history(progress)?;
        progress.record.whole = true;
        if let Some(target) = self.save_path {
            journal.flush();
            let form = ExportForm {
                inference: self.plan().control.save_inference_format,
                time: self.scope.options.archive_time,
                before: self.exported,
            };
            let cancelled = || self.scope.options.cancel.is_cancelled();
            let exports = export_as(&form, kind, progress.artifacts, target, &cancelled)?;
            for warning in &exports.warnings {
                journal.say(Level::Warning, warning);
            }
            for exported in exports.files {
                journal.emit(&Event::Exported { pipeline: kind, file: exported.path.clone() });
                progress.places.exported.push(exported.path);
            }
        }
        Ok(())
    }
}
