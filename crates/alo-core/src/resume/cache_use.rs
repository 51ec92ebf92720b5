//! What becomes of the results of the steps of a run.

use std::cell::RefCell;

use alo_artifacts::{LoadedData, MadeFrom, RecordingError, RunId, StepCache, StepDescription, StepRecording};
use alo_plan::{HandOffMode, PipelineKind, Step, StepName};

use super::decision::StepDecision;
use super::held_steps::{HeldPipeline, HeldSteps};
use super::kept_steps::KeptSteps;
use super::left::{KeptState, Said};
use super::process_state::ProcessStates;
use super::recorder::Recorder;
use super::seen::Seen;
use super::values::KeptValues;
use crate::context::{PipelineScope, PipelineState};
use crate::executor::Prepared;
use crate::journal::Journal;
use crate::project::Project;

/// What becomes of the results of the steps of a run.
///
/// With `resume` each is put back or kept at once. Without, in file mode, they are held, and kept only if the run fails:
/// then the next one can go on after them.
#[derive(Debug, Default)]
pub(crate) struct CacheUse {
    reuses: bool,
    /// How the steps so far have left their processes.
    pub(super) process: RefCell<ProcessStates>,
    /// What is held in case that the run fails.
    pub(super) held: RefCell<Vec<HeldPipeline>>,
    /// The steps that another run need not run, in order.
    pub(super) finished: RefCell<Vec<(PipelineKind, StepName)>>,
}

/// The steps of a pipeline that are recorded.
pub(crate) enum RecordedSteps<'a> {
    /// Unchanged ones are put back, others are kept at once.
    Kept(KeptSteps<'a>),
    /// They are kept if the run fails.
    Held(HeldSteps<'a>),
}

/// How a step is done.
pub(crate) enum Attempt {
    /// Its files are put back; the engine's own part of it is still to be.
    Reused(StepDecision, Box<KeptState>),
    /// It runs and is recorded.
    Recorded(StepDecision, Box<RecordedStep>),
    /// It runs.
    Unrecorded(StepDecision),
}

/// A step that is recorded while it runs.
pub(crate) struct RecordedStep {
    pub(crate) recording: StepRecording,
    /// What it is made from, as far as that is known before the run has ended.
    pub(crate) description: StepDescription,
    /// By which files its values pass.
    pub(crate) values: KeptValues,
}

impl Attempt {
    /// What was decided.
    pub(crate) fn decision(&self) -> StepDecision {
        match self {
            Self::Reused(decision, _) | Self::Recorded(decision, _) | Self::Unrecorded(decision) => {
                decision.clone()
            }
        }
    }
}

impl CacheUse {
    /// Decides for a run of that project; none if nothing is recorded.
    pub(crate) fn of(project: &Project, resume: bool) -> Option<Self> {
        let by_files = project.plan().control.interface_mode == HandOffMode::File;
        (resume || by_files).then(|| Self { reuses: resume, ..Self::default() })
    }

    /// Whether unchanged steps are put back.
    pub(crate) fn reuses(&self) -> bool {
        self.reuses
    }

    /// Begins a pipeline; `None` if the executor cannot tell what its steps leave.
    pub(crate) fn steps<'a>(
        &'a self,
        scope: PipelineScope<'a>,
        prepared: Prepared,
        data: &LoadedData,
    ) -> Result<Option<RecordedSteps<'a>>, RecordingError> {
        let Some(recorder) = Recorder::new(scope, prepared, data, self.reuses) else { return Ok(None) };
        Ok(Some(if self.reuses {
            RecordedSteps::Kept(KeptSteps::new(recorder, data, self)?)
        } else {
            RecordedSteps::Held(HeldSteps::new(recorder, data, self))
        }))
    }

    /// Ends the run: what is held is kept if the run has failed. Gives the steps that another run need not run.
    pub(crate) fn end(
        self,
        project: &Project,
        run: &RunId,
        has_failed: bool,
    ) -> Vec<(PipelineKind, StepName)> {
        if self.reuses {
            return self.finished.into_inner();
        }
        let cache = StepCache::new(project.layout());
        let mut finished = Vec::new();
        if has_failed {
            let mut process = ProcessStates::default();
            for pipeline in self.held.take() {
                // What could not be kept is run again.
                if pipeline.keep(project, &cache, &mut process, &mut finished).is_err() {
                    break;
                }
            }
            let _ = cache.trim(run);
        }
        drop(self.held);
        // What stays is removed by the next run.
        let _ = cache.discard(run);
        finished
    }
}

impl RecordedSteps<'_> {
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
