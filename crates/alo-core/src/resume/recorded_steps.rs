//! The steps of a pipeline that are recorded, and what becomes of their results.

use alo_artifacts::{LoadedData, MadeFrom, RecordingError, StepDescription, StepRecording};
use alo_plan::Step;

use super::attempt::Attempt;
use super::cache_use::CacheUse;
use super::held_steps::HeldSteps;
use super::kept_steps::KeptSteps;
use super::left::{KeptState, Said};
use super::recorder::Recorder;
use super::seen::Seen;
use crate::context::{PipelineScope, PipelineState};
use crate::executor::Prepared;
use crate::journal::Journal;

/// The steps of a pipeline that are recorded.
pub(crate) enum RecordedSteps<'a> {
    /// Unchanged ones are put back, others are kept at once.
    Kept(KeptSteps<'a>),
    /// They are kept if the run fails.
    Held(HeldSteps<'a>),
}

impl<'a> RecordedSteps<'a> {
    /// Begins a pipeline; `None` if the executor cannot tell what its steps leave.
    pub(crate) fn begin(
        cache_use: &'a CacheUse,
        scope: PipelineScope<'a>,
        prepared: Prepared,
        data: &LoadedData,
    ) -> Result<Option<Self>, RecordingError> {
        let reuses = cache_use.reuses();
        let Some(recorder) = Recorder::new(scope, prepared, data, reuses) else { return Ok(None) };
        Ok(Some(if reuses {
            Self::Kept(KeptSteps::new(recorder, data, cache_use)?)
        } else {
            Self::Held(HeldSteps::new(recorder, data, cache_use))
        }))
    }

    /// Decides on a step, and starts to record it if it runs.
    pub(crate) fn attempt(
        &mut self,
        step: &Step,
        number: usize,
        journal: &mut Journal<'_>,
    ) -> Result<Attempt, RecordingError> {
        match self {
            Self::Kept(steps) => steps.attempt(step, number, journal),
            Self::Held(steps) => Ok(steps.attempt(step, journal)),
        }
    }

    /// Takes what a step has left that has just succeeded.
    pub(crate) fn ended(
        &mut self,
        (step, number): (&Step, usize),
        (recording, description): (StepRecording, StepDescription),
        (state, (seen, said)): (&PipelineState, (Option<Seen>, Vec<Said>)),
        journal: &mut Journal<'_>,
    ) -> Result<(), RecordingError> {
        let kept = KeptState::of(state, said);
        match self {
            Self::Kept(steps) => steps.ended((step, number), recording, description, (kept, seen)),
            Self::Held(steps) => {
                steps.ended((step, number), recording, (kept, seen), journal);
                Ok(())
            }
        }
    }

    /// Notes that a step has failed.
    pub(crate) fn failed(
        &mut self,
        (step, number): (&Step, usize),
        (recording, description): (StepRecording, StepDescription),
    ) -> Result<(), RecordingError> {
        match self {
            Self::Kept(_) => Ok(recording.failed(MadeFrom { description, ..MadeFrom::default() })?),
            Self::Held(steps) => {
                steps.failed((step, number), recording);
                Ok(())
            }
        }
    }

    /// Ends the pipeline, all of whose steps have succeeded.
    pub(crate) fn end(&self) -> Result<(), RecordingError> {
        match self {
            Self::Kept(steps) => steps.trim(),
            Self::Held(_) => Ok(()),
        }
    }
}
