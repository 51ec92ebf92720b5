//! A sweep on the screen: a line for each run, and the table of all.

use alo_core::artifacts::RunState;
use alo_core::{Observer, SweepError, SweepEvent, SweepReport, SweepRun};

use super::events;
use super::failure;
use super::quantity;
use super::table::columns;
use crate::exit_code::Exit;
use crate::ui::{Paint, Ui};

/// Longer values are cut in the table.
const WIDEST_VALUE: usize = 40;

/// Shows a sweep while it lasts.
pub(crate) struct Screen<'a> {
    ui: &'a Ui,
    shared: events::Screen<'a>,
}

impl<'a> Screen<'a> {
    pub(crate) fn new(ui: &'a Ui) -> Self {
        Self { ui, shared: events::Screen::new(ui) }
    }

    /// Takes notice of an event.
    pub(crate) fn event(&mut self, event: &SweepEvent) {
        let ui = self.ui;
        match event {
            SweepEvent::Shared { detail } => self.shared.event(detail),
            SweepEvent::Warning { message } => {
                ui.say(&format!("{} {message}", ui.paint(Paint::Warning, "warning:")));
            }
            SweepEvent::SweepStarted { sweep, combinations, done, jobs, .. } => {
                let before = if *done > 0 { format!(", {done} of them done before") } else { String::new() };
                let line = format!("{combinations} combinations{before}, {jobs} at a time");
                ui.progress(&format!("{}: {line}", ui.paint(Paint::Strong, &format!("sweep {sweep}"))));
                ui.busy(&line);
            }
            SweepEvent::SweepRunFinished { run, done, combinations, .. } => {
                ui.progress(&format!("  [{done}/{combinations}] {}", line(run, ui)));
                ui.doing(&format!("{done} of {combinations}"));
            }
            SweepEvent::SweepFinished { .. } => ui.idle(),
            _ => {}
        }
    }
}

fn line(run: &SweepRun, ui: &Ui) -> String {
    let values: Vec<_> = run.values.iter().map(value).collect();
    let outcome = match (run.state, &run.error) {
        (RunState::Succeeded, _) => score(run),
        (state, None) => ui.paint(Paint::Error, state.as_str()),
        (state, Some(error)) => format!("{}: {error}", ui.paint(Paint::Error, state.as_str())),
    };
    format!("{}  {outcome}  {}", values.join(" "), quantity::seconds(run.seconds))
}

/// Shows the table of a sweep: the last thing on the screen.
pub(crate) fn show(report: &SweepReport, ui: &Ui) {
    ui.say("");
    let head = ["rank"].into_iter().map(str::to_owned);
    let head = head.chain(report.settings.iter().cloned());
    let mut rows =
        vec![head.chain(["score", "result", "time", "run"].map(str::to_owned)).collect::<Vec<_>>()];
    rows.extend(report.runs.iter().map(row));
    for (place, line) in columns(&rows).into_iter().enumerate() {
        ui.say(&if place == 0 { ui.paint(Paint::Strong, &line) } else { line });
    }
    ui.say("");
    let count = |wanted| report.runs.iter().filter(|run| run.state == wanted).count();
    let (good, failed) = (count(RunState::Succeeded), report.runs.len() - count(RunState::Succeeded));
    let mut words = vec![format!("{good} succeeded")];
    if failed > 0 {
        words.push(format!("{failed} failed"));
    }
    if report.left > 0 {
        words.push(format!("{} left", report.left));
    }
    let seconds = quantity::seconds(report.seconds);
    let line = format!("{}: {} in {seconds}", report.name, words.join(", "));
    ui.say(&ui.paint(if failed == 0 && report.left == 0 { Paint::Good } else { Paint::Warning }, &line));
    if let Some(run) = &report.promoted {
        ui.say(&format!("the artifacts of {run} are the current ones now"));
    }
    if report.left > 0 {
        ui.say(&format!("{} go on with `alo sweep --resume`", ui.paint(Paint::Hint, "hint:")));
    }
}

fn row(run: &SweepRun) -> Vec<String> {
    let mut row = vec![run.rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string())];
    row.extend(run.values.iter().map(value));
    let result = match (run.state, &run.error) {
        (RunState::Succeeded, _) => run.result.clone().unwrap_or_default(),
        (state, Some(error)) => format!("{state}: {}", cut(error, 60)),
        (state, None) => state.to_string(),
    };
    row.extend([score(run), result, quantity::seconds(run.seconds), run.run.clone()]);
    row
}

fn score(run: &SweepRun) -> String {
    run.score.map_or_else(|| "-".to_owned(), |score| score.to_string())
}

/// A value as short as it can be told.
fn value(value: &serde_json::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    cut(&text, WIDEST_VALUE)
}

fn cut(text: &str, width: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(width).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Shows why a sweep could not be done.
pub(crate) fn failed(error: &SweepError, ui: &Ui) -> Exit {
    if let SweepError::NoBest { report } = error {
        show(report, ui);
    }
    match error {
        SweepError::SharedSteps(failed) => failure::show(failed, ui),
        SweepError::Grid(_)
        | SweepError::NothingToResume
        | SweepError::NothingKept
        | SweepError::Changed { .. } => failure::wrong(ui, &failure::chain(error), error.hint().as_deref()),
        _ => {
            let exit = failure::refused(ui, &failure::chain(error), error.hint().as_deref());
            if error.is_interruption() { Exit::Interrupted } else { exit }
        }
    }
}
