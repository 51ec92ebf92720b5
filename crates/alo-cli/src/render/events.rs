//! The events of a run as lines for people; on a terminal with a spinner.

use std::time::Instant;

use alo_core::{Event, FailureKind, Level, Observer, Phase, StepDecision};

use super::{closing::MOST_STEPS, quantity, setup};
use crate::ui::{Paint, Ui};

/// Shows a run on the screen.
pub(crate) struct Screen<'a> {
    ui: &'a Ui,
    /// When the present phase began.
    phase_began: Instant,
    /// Whether it is told why each step runs.
    explains: bool,
    /// Whether the present step was put back.
    is_reused: bool,
}

impl<'a> Screen<'a> {
    pub(crate) fn new(ui: &'a Ui) -> Self {
        Self { ui, phase_began: Instant::now(), explains: false, is_reused: false }
    }

    /// Whether to tell why each step runs. Default: no.
    pub(crate) fn explaining(self, explains: bool) -> Self {
        Self { explains, ..self }
    }

    fn line(&self, line: &str) {
        self.ui.progress(&format!("  {line}"));
    }
}

impl Observer for Screen<'_> {
    fn event(&mut self, event: &Event) {
        let ui = self.ui;
        match event {
            Event::Waiting { holder } => {
                ui.say(&format!(
                    "{} another run holds the project: {holder}",
                    ui.paint(Paint::Warning, "waiting:")
                ));
                ui.busy("waiting for the project");
            }
            Event::RunStarted { name, project, .. } => {
                ui.progress(&format!("{} in {project}", ui.paint(Paint::Strong, name)));
            }
            Event::PipelineStarted { pipeline, steps } => {
                let steps = match steps.as_slice() {
                    [first, .., last] if steps.len() > MOST_STEPS => {
                        format!("{first} > … > {last}, {} steps", steps.len())
                    }
                    all => all.join(" > "),
                };
                ui.progress(&format!("{}: {steps}", ui.paint(Paint::Strong, pipeline.as_str())));
            }
            Event::PhaseStarted { phase, .. } => {
                self.phase_began = Instant::now();
                match phase {
                    Phase::Setup => ui.busy("setting up code and environment"),
                    Phase::Load => ui.busy("loading data"),
                    Phase::Save => ui.busy("saving"),
                    Phase::Run => {}
                }
            }
            Event::DataProgress { progress, .. } => {
                ui.doing(&quantity::progress(progress, self.phase_began.elapsed()));
            }
            Event::Setup { detail, .. } => {
                if let Some(line) = setup::line(detail) {
                    self.line(&line);
                }
                ui.doing(&detail.to_string());
            }
            Event::DataLoaded { files, bytes, copied, .. } if *files > 0 => self.line(&format!(
                "data: {}, {}, {copied} copied",
                quantity::count(*files, "file"),
                quantity::bytes(*bytes)
            )),
            Event::ModelLoaded { source } => self.line(&format!("model: {source}")),
            Event::StepStarted { step, number, total, .. } => {
                self.line(&format!("[{number}/{total}] {step}"));
                ui.busy(&format!("[{number}/{total}] {step}"));
            }
            Event::StepDecided { decision, .. } => {
                self.is_reused = matches!(decision, StepDecision::Reused { .. });
                if self.explains {
                    self.line(&ui.paint(Paint::Faint, &decision.to_string()));
                }
            }
            Event::StepOutput { step, line, .. } => {
                self.line(&format!("{} {line}", ui.paint(Paint::Faint, &format!("{step} |"))));
            }
            Event::Message { level, step, message, .. } => {
                let speaker = step.as_ref().map(|step| ui.paint(Paint::Faint, &format!("{step} | ")));
                let speaker = speaker.unwrap_or_default();
                match level {
                    Level::Info => self.line(&format!("{speaker}{message}")),
                    Level::Warning => {
                        self.line(&format!("{speaker}{} {message}", ui.paint(Paint::Warning, "warning:")));
                    }
                    Level::Error => {
                        self.line(&format!("{speaker}{} {message}", ui.paint(Paint::Error, "error:")));
                    }
                }
            }
            Event::SummarySaved { step, summary } => self.line(&format!(
                "{} result {}, score {}",
                ui.paint(Paint::Faint, &format!("{step} |")),
                summary.result,
                summary.score
            )),
            // The spinner stays: most often another step follows at once.
            Event::StepFinished { step, seconds, .. } => {
                let word = if self.is_reused { "unchanged" } else { "done" };
                self.line(&format!(
                    "{} {step} in {}",
                    ui.paint(Paint::Good, word),
                    quantity::seconds(*seconds)
                ));
            }
            Event::StepFailed { failure, seconds, .. } => {
                ui.idle();
                let is_stopped = matches!(failure.kind, FailureKind::Interrupted | FailureKind::Environment);
                let word = if is_stopped { "stopped" } else { "failed" };
                let what = format!("{} after {}", failure.step, quantity::seconds(*seconds));
                self.line(&format!("{} {what}", ui.paint(Paint::Error, word)));
            }
            Event::Exported { file, .. } => self.line(&format!("exported {file}")),
            Event::PhaseFinished { .. } | Event::RunFinished { .. } => ui.idle(),
            _ => {}
        }
    }
}
