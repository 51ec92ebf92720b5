//! How far a pipeline has come: what its record and its report will say.

use alo_artifacts::{
    ArtifactLayout, EnvironmentRecord, LoadedData, RunRecord, RunState, StagedModel, StepState, code_id,
};

use super::head::PipelineHead;
use crate::context::PipelineState;
use crate::executor::Prepared;
use crate::report::{EnvironmentReport, PipelineReport, Places, StepReport, StepUsage, SummaryReport};

/// How far a pipeline has come.
pub(super) struct Progress<'a> {
    /// Where its artifacts are made.
    pub(super) artifacts: &'a ArtifactLayout,
    /// What passes from step to step.
    pub(super) state: PipelineState,
    /// What history will know.
    pub(super) record: RunRecord,
    /// What the steps run on, once it is loaded.
    pub(super) data: Option<LoadedData>,
    /// The model from outside that they use; it becomes current with what they leave.
    pub(super) model: Option<StagedModel>,
    /// What its steps run with, once it is known.
    pub(super) prepared: Prepared,
    steps: Vec<StepReport>,
    split: Option<String>,
    pub(super) places: Places,
}

impl<'a> Progress<'a> {
    pub(super) fn new(artifacts: &'a ArtifactLayout, record: RunRecord) -> Self {
        let state = PipelineState::default();
        Self {
            artifacts,
            state,
            record,
            data: None,
            model: None,
            prepared: Prepared::default(),
            steps: Vec::new(),
            split: None,
            places: Places::default(),
        }
    }

    /// Begins behind steps that were done before.
    pub(super) fn continue_from(&mut self, head: &PipelineHead) {
        self.state = head.state();
        for (step, done) in self.record.steps.iter_mut().zip(head.step_records()) {
            done.clone_into(step);
        }
        self.steps = head.step_reports().to_vec();
    }

    /// The steps that have ended.
    pub(super) fn steps(&self) -> &[StepReport] {
        &self.steps
    }

    /// Code and environments are ready.
    pub(super) fn prepared(&mut self, prepared: Prepared) {
        self.prepared = prepared.clone();
        let identities: Vec<String> = prepared.code.iter().map(|code| code.identity.clone()).collect();
        let names: Vec<String> = self.record.steps.iter().map(|step| step.name.clone()).collect();
        self.record.code_id =
            code_id(names.iter().map(String::as_str).zip(identities.iter().map(String::as_str)));
        for (step, code) in self.record.steps.iter_mut().zip(prepared.code) {
            step.code = code.description;
        }
        self.split = prepared.split;
        self.record.environments = prepared
            .environments
            .into_iter()
            .map(|used| EnvironmentRecord {
                python: used.python,
                key: used.key,
                steps: used.steps,
                packages: used.packages,
            })
            .collect();
    }

    /// The data is there.
    pub(super) fn loaded(&mut self, data: LoadedData) {
        self.record.data_id.clone_from(&data.data_id);
        self.data = Some(data);
    }

    /// A step has ended.
    pub(super) fn step_ended(
        &mut self,
        index: usize,
        seconds: f64,
        state: StepState,
        usage: Option<StepUsage>,
    ) {
        let Some(step) = self.record.steps.get_mut(index) else { return };
        step.state = state;
        step.seconds = Some(seconds);
        step.cpu_seconds = usage.map(|usage| usage.cpu_seconds);
        step.peak_memory = usage.map(|usage| usage.peak_memory);
        self.steps.push(StepReport { name: step.name.clone(), state, seconds, usage });
    }

    /// What is known at the end.
    pub(super) fn end(mut self) -> (RunRecord, PipelineReport) {
        if let Some(summary) = &self.state.summary {
            let probability = summary.probability.iter().map(|(label, value)| (label.to_string(), *value));
            self.record.probability = probability.collect();
        }
        let summary = self.state.summary.as_ref().map(SummaryReport::from);
        if let Some(summary) = &summary {
            self.record.result = Some(summary.result.clone());
            self.record.score = Some(summary.score);
            self.record.note.clone_from(&summary.note);
        }
        let report = PipelineReport {
            pipeline: self.record.kind,
            state: RunState::Running,
            seconds: 0.0,
            steps: self.steps,
            environments: self
                .record
                .environments
                .iter()
                .map(|used| EnvironmentReport {
                    key: used.key.clone(),
                    python: used.python.clone(),
                    steps: used.steps.clone(),
                    packages: used.packages.len(),
                })
                .collect(),
            split: self.split,
            summary,
            places: self.places,
            shown: Vec::new(),
            warnings: Vec::new(),
        };
        (self.record, report)
    }
}
