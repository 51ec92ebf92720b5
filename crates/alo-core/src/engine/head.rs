//! The first steps of a pipeline, done once for several runs that continue from there.

use alo_artifacts::{ArtifactLayout, StagedArtifacts, StepRecord};

use crate::context::{PipelineState, WorkerState};
use crate::journal::PipelineLog;
use crate::report::StepReport;

/// The first steps of a pipeline: what they have left, and what is known of them.
#[derive(Debug)]
pub(crate) struct PipelineHead {
    pub(super) staged: StagedArtifacts,
    pub(super) state: WorkerState,
    pub(super) records: Vec<StepRecord>,
    pub(super) reports: Vec<StepReport>,
    pub(super) shown: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl PipelineHead {
    /// How many steps are done.
    pub(crate) fn steps(&self) -> usize {
        self.reports.len()
    }

    /// What they have left.
    pub(crate) fn artifacts(&self) -> &ArtifactLayout {
        self.staged.layout()
    }

    /// What passes on from them.
    pub(super) fn state(&self) -> PipelineState {
        self.state.clone().into()
    }

    /// The records of all steps of the pipeline; those that are not done say so.
    pub(super) fn step_records(&self) -> &[StepRecord] {
        self.records.get(..self.steps()).unwrap_or_default()
    }

    pub(super) fn step_reports(&self) -> &[StepReport] {
        &self.reports
    }

    /// Tells a log what the closing summary is to repeat of them.
    pub(super) fn said(&self, log: &mut PipelineLog) {
        log.shown.clone_from(&self.shown);
        log.warnings.clone_from(&self.warnings);
    }
}
