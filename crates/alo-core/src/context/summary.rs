//! `save_summary` and `load_summary`: a pipeline's result in a few fixed fields.

use alo_artifacts::{Given, Summary};
use alo_plan::{Map, PipelineKind, Value};
use jiff::Timestamp;

use super::refusal::Refusal;
use super::step_context::StepContext;
use crate::event::{Event, Level};
use crate::report::SummaryReport;

/// A summary as a native step gives it.
///
/// ```
/// let draft = alo_core::SummaryDraft::new("OK", 0.93).note("82 of 88 parts").probability([("OK", 0.93), ("NG", 0.07)]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryDraft {
    result: Value,
    score: Value,
    note: Value,
    probability: Map,
}

impl SummaryDraft {
    /// A result of at most 32 characters and a score from 0 to 1.
    pub fn new(result: impl Into<String>, score: f64) -> Self {
        Self {
            result: Value::String(result.into()),
            score: score.into(),
            note: "".into(),
            probability: Map::default(),
        }
    }

    /// Adds a note of at most 128 characters.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Value::String(note.into());
        self
    }

    /// Adds the probability of each label; together they make 1.
    #[must_use]
    pub fn probability<L: Into<String>>(mut self, labels: impl IntoIterator<Item = (L, f64)>) -> Self {
        self.probability = labels.into_iter().map(|(label, number)| (label.into(), number)).collect();
        self
    }
}

/// The four arguments of `save_summary`, as far as they could be read.
#[derive(Debug, Clone)]
pub(crate) struct GivenSummary {
    pub(crate) result: Given,
    pub(crate) score: Given,
    pub(crate) note: Given,
    pub(crate) probability: Given,
}

impl StepContext<'_> {
    /// Saves the pipeline's summary (`save_summary`); a later one replaces it. Refuses values that are out of bounds.
    pub fn save_summary(&mut self, draft: SummaryDraft) -> Result<(), Refusal> {
        self.accept_summary(GivenSummary {
            result: Given::from(draft.result),
            score: Given::from(draft.score),
            note: Given::from(draft.note),
            probability: Given::from(Value::Map(draft.probability)),
        })
    }

    /// The summary saved earlier in this pipeline (`load_summary`): result, score, note and probability.
    pub fn load_summary(&self) -> Result<Map, Refusal> {
        let summary = self.state.summary.as_ref().ok_or_else(|| {
            Refusal::contract(
                "no step of this pipeline has saved a summary yet; call save_summary in an earlier step",
            )
        })?;
        Ok(summary.for_asset())
    }

    pub(crate) fn accept_summary(&mut self, given: GivenSummary) -> Result<(), Refusal> {
        let plan = self.scope.project.plan();
        let kind: PipelineKind = self.pipeline();
        let (summary, warnings) = Summary::check(
            given.result,
            given.score,
            given.note,
            given.probability,
            plan.external.save_artifacts(kind).unwrap_or_default(),
            plan.version.as_deref().unwrap_or_default(),
            Timestamp::now(),
        )
        .map_err(|error| Refusal::value(error.to_string()))?;
        for warning in warnings {
            self.say(Level::Warning, &warning, false);
        }
        let path = self.scope.artifacts.summary(kind);
        summary.write(&path).map_err(|error| Refusal::contract(error.to_string()))?;
        let event =
            Event::SummarySaved { step: self.step_name().to_owned(), summary: SummaryReport::from(&summary) };
        self.journal.emit(&event);
        self.state.summary = Some(summary);
        Ok(())
    }
}
