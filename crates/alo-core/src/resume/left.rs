//! What the engine itself keeps of a step: keys, summary, messages.

use alo_artifacts::Summary;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::context::PipelineState;
use crate::event::{Event, Level};
use crate::journal::{CallSite, Journal};
use crate::python::{from_json, to_json};
use crate::report::SummaryReport;

/// Something that a step said and that is said again when its result is put back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Said {
    at: CallSite,
    level: Level,
    message: String,
    show: bool,
}

impl Said {
    pub(crate) fn new(at: &CallSite, level: Level, message: &str, show: bool) -> Self {
        Self { at: at.clone(), level, message: message.to_owned(), show }
    }
}

/// What the engine keeps of a step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct KeptState {
    data_keys: Vec<String>,
    config_keys: Vec<String>,
    summary: Option<KeptSummary>,
    said: Vec<Said>,
}

/// A summary, such that its labels keep their types.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct KeptSummary {
    result: String,
    score: f64,
    /// Left out of what later steps can see: they cannot.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    date: String,
    note: String,
    probability: Vec<(Json, f64)>,
    file_path: String,
    version: String,
}

impl KeptState {
    /// What a step that has just ended has left.
    pub(super) fn of(state: &PipelineState, said: Vec<Said>) -> Self {
        let (data_keys, config_keys) = state.hand_off.keys();
        let summary = state.summary.as_ref().map(KeptSummary::from);
        Self { data_keys: data_keys.to_vec(), config_keys: config_keys.to_vec(), summary, said }
    }

    /// What later steps can see of it, as text.
    pub(super) fn visible(&self) -> String {
        let mut visible = Self { said: Vec::new(), ..self.clone() };
        if let Some(summary) = &mut visible.summary {
            summary.date.clear();
        }
        serde_json::to_string(&visible).unwrap_or_default()
    }

    /// Puts it back: the pipeline is where the step left it, and the step's messages are told again.
    ///
    /// `pipeline` is the state before; a summary that the step itself has saved is told, too.
    pub(crate) fn put_back(self, step: &str, pipeline: &mut PipelineState, journal: &mut Journal<'_>) {
        for Said { at, level, message, show } in &self.said {
            journal.asset_says(step, at, *level, message, *show);
        }
        pipeline.hand_off.put_back(self.data_keys, self.config_keys);
        let summary = self.summary.map(Summary::from);
        if let Some(summary) = summary.as_ref().filter(|_| summary != pipeline.summary) {
            let summary = SummaryReport::from(summary);
            journal.emit(&Event::SummarySaved { step: step.to_owned(), summary });
        }
        pipeline.summary = summary;
    }
}

impl From<&Summary> for KeptSummary {
    fn from(summary: &Summary) -> Self {
        let Summary { result, score, date, note, probability, file_path, version } = summary.clone();
        let probability = probability.iter().map(|(label, share)| (to_json(label), *share)).collect();
        Self { result, score, date, note, probability, file_path, version }
    }
}

impl From<KeptSummary> for Summary {
    fn from(kept: KeptSummary) -> Self {
        let KeptSummary { result, score, date, note, probability, file_path, version } = kept;
        let probability = probability.iter().map(|(label, share)| (from_json(label), *share)).collect();
        Self { result, score, date, note, probability, file_path, version }
    }
}
