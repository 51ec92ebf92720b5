//! A run in short: what the closing block of a run shows.

use alo_artifacts::{RunState, StepState, Summary};
use alo_plan::PipelineKind;
use camino::Utf8PathBuf;
use serde::Serialize;

/// A run in short.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RunReport {
    /// Its id, the name of its folders in history.
    pub run: String,
    /// Name of the contents.
    pub name: String,
    /// The project's folder.
    pub project: Utf8PathBuf,
    /// How it ended.
    pub state: RunState,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The pipelines that ran, in order.
    pub pipelines: Vec<PipelineReport>,
}

/// A pipeline of a run in short.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PipelineReport {
    /// Which one.
    pub pipeline: PipelineKind,
    /// How it ended.
    pub state: RunState,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The steps that ran, in order.
    pub steps: Vec<StepReport>,
    /// The environments that they ran in; several where the steps' requirements exclude each other.
    pub environments: Vec<EnvironmentReport>,
    /// Why there are several environments, in a sentence.
    pub split: Option<String>,
    /// The summary that its steps saved.
    pub summary: Option<SummaryReport>,
    /// Where everything lies.
    pub places: Places,
    /// What its steps asked to be shown at the end.
    pub shown: Vec<String>,
    /// What is to be looked at though nothing failed.
    pub warnings: Vec<String>,
}

/// An environment of a run in short.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct EnvironmentReport {
    /// What identifies it in the cache.
    pub key: String,
    /// The version of Python, such as `3.10.14`.
    pub python: String,
    /// The steps that ran in it.
    pub steps: Vec<String>,
    /// How many packages it holds.
    pub packages: usize,
}

/// A step of a run in short.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub state: StepState,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What it took of the machine, if the plan asks for it (`check_resource`).
    pub usage: Option<StepUsage>,
}

/// What a step took of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StepUsage {
    /// Processor time in seconds, ended child processes included.
    pub cpu_seconds: f64,
    /// The largest resident memory in bytes.
    pub peak_memory: u64,
}

/// A summary in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SummaryReport {
    /// The result.
    pub result: String,
    /// From 0 to 1.
    pub score: f64,
    /// The note.
    pub note: String,
}

impl From<&Summary> for SummaryReport {
    fn from(summary: &Summary) -> Self {
        Self { result: summary.result.clone(), score: summary.score, note: summary.note.clone() }
    }
}

/// Where a pipeline left what it made. Only what is there is named.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Places {
    /// The folder of models, when there are any.
    pub models: Option<Utf8PathBuf>,
    /// Files in `report/`.
    pub report: Vec<Utf8PathBuf>,
    /// Files in `output/`.
    pub output: Vec<Utf8PathBuf>,
    /// The summary's file.
    pub summary: Option<Utf8PathBuf>,
    /// The whole log of the pipeline.
    pub log: Option<Utf8PathBuf>,
    /// The run's folder in history.
    pub history: Option<Utf8PathBuf>,
    /// Files exported to the plan's save path.
    pub exported: Vec<Utf8PathBuf>,
}
