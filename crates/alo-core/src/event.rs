//! What happens in a run, as it happens: one stream for the terminal, JSON logs and whoever embeds the engine.

use alo_artifacts::{Holder, LoadProgress};
use alo_assets::SetupEvent;
use alo_plan::PipelineKind;
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::failure::StepFailure;
use crate::fetch_report::FetchReport;
use crate::report::{RunReport, SummaryReport};
use crate::resume::StepDecision;

/// Receives the events of a run, in order, on the thread that called [`Engine::run`](crate::Engine::run).
///
/// Every `FnMut(&Event)` is one.
///
/// ```
/// use alo_core::{Event, Observer};
///
/// let mut steps = 0;
/// let mut count = |event: &Event| {
///     if matches!(event, Event::StepFinished { .. }) {
///         steps += 1;
///     }
/// };
/// fn takes(_: &mut dyn Observer) {}
/// takes(&mut count);
/// ```
pub trait Observer {
    /// Takes notice of an event.
    fn event(&mut self, event: &Event);
}

impl<F: FnMut(&Event)> Observer for F {
    fn event(&mut self, event: &Event) {
        self(event);
    }
}

/// Something that happened. As JSON: an object whose `event` field names it in `snake_case`. Times are in seconds.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another run holds the project; this one waits for it.
    Waiting {
        /// Who holds it.
        holder: Holder,
    },
    /// The run has begun.
    RunStarted {
        /// Its id, the name of its folders in history.
        run: String,
        /// Name of the contents.
        name: String,
        /// The project's folder.
        project: Utf8PathBuf,
    },
    /// A pipeline has begun.
    PipelineStarted {
        /// Which one.
        pipeline: PipelineKind,
        /// Its steps in order.
        steps: Vec<String>,
    },
    /// A phase of a pipeline has begun.
    PhaseStarted {
        /// Which pipeline.
        pipeline: PipelineKind,
        /// Which phase.
        phase: Phase,
    },
    /// A phase of a pipeline is done.
    PhaseFinished {
        /// Which pipeline.
        pipeline: PipelineKind,
        /// Which phase.
        phase: Phase,
        /// How long it took.
        seconds: f64,
    },
    /// Code is fetched, an environment is built.
    Setup {
        /// For which pipeline.
        pipeline: PipelineKind,
        /// What happened.
        detail: SetupEvent,
    },
    /// External data is being copied to `input/`; told a few times a second while it lasts.
    DataProgress {
        /// For which pipeline.
        pipeline: PipelineKind,
        /// How far it is.
        #[serde(flatten)]
        progress: LoadProgress,
    },
    /// The external data is in `input/`.
    DataLoaded {
        /// For which pipeline.
        pipeline: PipelineKind,
        /// Files of all sources.
        files: u64,
        /// Bytes of all sources.
        bytes: u64,
        /// Files that had changed and were copied.
        copied: u64,
        /// Fingerprint of the data, 12 hexadecimal digits.
        data_id: String,
    },
    /// A model from outside is in `train_artifacts/models/`.
    ModelLoaded {
        /// Where it came from.
        source: String,
    },
    /// A step has begun.
    StepStarted {
        /// Its pipeline.
        pipeline: PipelineKind,
        /// Its name.
        step: String,
        /// Its place in the pipeline, from 1.
        number: usize,
        /// How many steps the pipeline has.
        total: usize,
    },
    /// Whether a step runs, and why; right after it has begun.
    StepDecided {
        /// Its pipeline.
        pipeline: PipelineKind,
        /// Its name.
        step: String,
        /// What was decided.
        #[serde(flatten)]
        decision: StepDecision,
    },
    /// A step printed a line.
    StepOutput {
        /// Its name.
        step: String,
        /// Where to.
        stream: Stream,
        /// The line, without its end; bytes that are not UTF-8 are replaced.
        line: String,
    },
    /// The engine or an asset says something.
    Message {
        /// How serious it is.
        level: Level,
        /// The step that says it; none if it is the engine.
        step: Option<String>,
        /// What it says.
        message: String,
        /// Whether the closing summary is to repeat it.
        show: bool,
    },
    /// A step has saved its summary.
    SummarySaved {
        /// Its name.
        step: String,
        /// What it says.
        summary: SummaryReport,
    },
    /// A step is done.
    StepFinished {
        /// Its pipeline.
        pipeline: PipelineKind,
        /// Its name.
        step: String,
        /// How long it took.
        seconds: f64,
    },
    /// A step has failed.
    StepFailed {
        /// Its pipeline.
        pipeline: PipelineKind,
        /// How.
        failure: StepFailure,
        /// How long it took.
        seconds: f64,
    },
    /// A file was exported to the plan's save path.
    Exported {
        /// Of which pipeline.
        pipeline: PipelineKind,
        /// The file.
        file: Utf8PathBuf,
    },
    /// A pipeline is done and its artifacts are current.
    PipelineFinished {
        /// Which one.
        pipeline: PipelineKind,
        /// How long it took.
        seconds: f64,
    },
    /// Code and environments are ready; nothing was to be run.
    Fetched {
        /// All of it, in short.
        report: FetchReport,
    },
    /// The run is over.
    RunFinished {
        /// All of it, in short.
        report: RunReport,
    },
}

/// The phases of a pipeline, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Code and environments.
    Setup,
    /// External data and models.
    Load,
    /// The steps.
    Run,
    /// Artifacts, export and history.
    Save,
}

impl Phase {
    /// Its name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Load => "load",
            Self::Run => "run",
            Self::Save => "save",
        }
    }
}

/// Where a step printed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Its name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// How serious a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// To be looked at.
    Warning,
    /// Wrong.
    Error,
}

impl Level {
    /// Its name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}
