//! The closing block of a run: scores, times, and where everything lies.

use alo_core::{PipelineReport, RunReport, StepReport};

use super::{pipeline_table, quantity};
use crate::ui::{Paint, Ui};

/// So many steps are named; of more, only some.
pub(super) const MOST_STEPS: usize = 20;
const SLOWEST: usize = 5;

/// Shows a run that succeeded.
pub(crate) fn show(report: &RunReport, ui: &Ui) {
    ui.say("");
    let head = format!("{} finished in {}", report.name, quantity::seconds(report.seconds));
    ui.say(&ui.paint(Paint::Good, &head));
    for pipeline in &report.pipelines {
        pipeline_table::show(pipeline.pipeline, &rows(pipeline), ui);
        for shown in &pipeline.shown {
            ui.say(&format!("  {shown}"));
        }
        for warning in &pipeline.warnings {
            ui.say(&format!("  {} {warning}", ui.paint(Paint::Warning, "warning:")));
        }
    }
}

fn rows(pipeline: &PipelineReport) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |label: &str, text: String| rows.push(vec![label.to_owned(), text]);
    if let Some(summary) = &pipeline.summary {
        row("score", summary.score.to_string());
        row("result", summary.result.clone());
        if !summary.note.is_empty() {
            row("note", summary.note.clone());
        }
    }
    row("time", format!("{} ({})", quantity::seconds(pipeline.seconds), times(&pipeline.steps)));
    if pipeline.environments.len() > 1 {
        for used in &pipeline.environments {
            let text = format!(
                "{} (Python {}, {})",
                used.steps.join(", "),
                used.python,
                quantity::count(used.packages, "package")
            );
            row("environment", text);
        }
        if let Some(split) = &pipeline.split {
            row("because", split.clone());
        }
    }
    let places = &pipeline.places;
    for (label, path) in [("model", &places.models), ("summary", &places.summary)] {
        if let Some(path) = path {
            row(label, path.to_string());
        }
    }
    for (label, files) in
        [("report", &places.report), ("output", &places.output), ("exported", &places.exported)]
    {
        for file in files {
            row(label, file.to_string());
        }
    }
    for (label, path) in [("log", &places.log), ("history", &places.history)] {
        if let Some(path) = path {
            row(label, path.to_string());
        }
    }
    rows
}

/// The times of all steps, or of many the slowest.
fn times(steps: &[StepReport]) -> String {
    let list = |steps: &[&StepReport]| steps.iter().map(|step| time(step)).collect::<Vec<_>>().join(", ");
    let mut sorted: Vec<_> = steps.iter().collect();
    if steps.len() <= MOST_STEPS {
        return list(&sorted);
    }
    sorted.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    sorted.truncate(SLOWEST);
    format!("of {} steps the slowest: {}", steps.len(), list(&sorted))
}

/// The time of a step, and what else was measured.
fn time(step: &StepReport) -> String {
    let time = format!("{} {}", step.name, quantity::seconds(step.seconds));
    match step.usage {
        None => time,
        Some(usage) => format!(
            "{time}, {} CPU, {}",
            quantity::seconds(usage.cpu_seconds),
            quantity::bytes(usage.peak_memory)
        ),
    }
}
