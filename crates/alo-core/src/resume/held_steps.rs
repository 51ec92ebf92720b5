//! The steps of a run that puts nothing back: what they leave is held, and kept if the run fails.

use alo_artifacts::{LoadedData, RecordingError, Snapshot, StepDescription, StepRecording, stamp_folder};
use alo_plan::{PipelineKind, Step};

use super::attempt::Attempt;
use super::cache_use::CacheUse;
use super::decision::{StepDecision, Why};
use super::held_pipeline::HeldPipeline;
use super::left::KeptState;
use super::recorder::{Recorder, Values};
use super::seen::Seen;
use crate::journal::Journal;

/// The steps of a pipeline whose results are held.
pub(crate) struct HeldSteps<'a> {
    recorder: Recorder<'a>,
    cache_use: &'a CacheUse,
    /// What the step before has left; none if that could not be held, and nothing after it is.
    earlier: Option<Values>,
    /// What lies in the artifacts after the step before.
    artifacts: Option<Box<Snapshot>>,
}

impl<'a> HeldSteps<'a> {
    pub(super) fn new(recorder: Recorder<'a>, data: &LoadedData, cache_use: &'a CacheUse) -> Self {
        let kind = recorder.kind();
        let models = (kind == PipelineKind::Inference).then(|| recorder.scope.trained.models());
        cache_use.held.borrow_mut().push(HeldPipeline {
            kind,
            prepared: recorder.prepared.clone(),
            common: recorder.common.clone(),
            data: data.clone(),
            models: models.map(|folder| (folder.clone(), stamp_folder(&folder).ok())),
            steps: Vec::new(),
            failed: None,
        });
        Self { recorder, cache_use, earlier: Some(Values::default()), artifacts: None }
    }

    /// Starts to record a step. One that cannot be recorded runs all the same.
    pub(super) fn attempt(&mut self, step: &Step, journal: &mut Journal<'_>) -> Attempt {
        let decision = StepDecision::Runs { why: Why::NotAsked };
        let Some(earlier) = self.earlier.clone() else { return Attempt::Unrecorded(decision) };
        let artifacts = self.artifacts.take().map(|artifacts| *artifacts);
        match self.recorder.begin(step, StepDescription::default(), earlier, None, artifacts) {
            Ok(begun) => Attempt::Recorded(decision, Box::new(begun)),
            Err(error) => {
                self.give_up(step, &error, journal);
                Attempt::Unrecorded(decision)
            }
        }
    }

    /// Takes hold of what a step has left.
    pub(super) fn ended(
        &mut self,
        (step, number): (&Step, usize),
        recording: StepRecording,
        (kept, seen): (KeptState, Option<Seen>),
        journal: &mut Journal<'_>,
    ) {
        match self.recorder.hold(step, recording, &kept, seen) {
            Ok((held, artifacts)) => {
                self.artifacts = Some(Box::new(artifacts));
                self.earlier = Some(Values { data: held.data(), config: held.config() });
                self.last(|pipeline| pipeline.steps.push((number, held)));
            }
            Err(error) => self.give_up(step, &error, journal),
        }
    }

    /// Notes that a step has failed.
    pub(super) fn failed(&mut self, (step, number): (&Step, usize), recording: StepRecording) {
        self.recorder.show(step.name.as_str(), Some(&recording.data()), Some(&recording.config()));
        self.last(|pipeline| pipeline.failed = Some((number, recording)));
    }

    fn last(&self, change: impl FnOnce(&mut HeldPipeline)) {
        if let Some(pipeline) = self.cache_use.held.borrow_mut().last_mut() {
            change(pipeline);
        }
    }

    /// From now on the values pass as in a run that records nothing: they lie in the project, too.
    fn give_up(&mut self, step: &Step, error: &RecordingError, journal: &mut Journal<'_>) {
        let fault = crate::error_chain(error);
        journal.note(&format!("{} and what follows will not be there for --resume: {fault}", step.name));
        self.earlier = None;
    }
}
