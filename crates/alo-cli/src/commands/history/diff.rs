//! `alo history diff`.

use alo_core::artifacts::{Difference, History, HistoryEntry, RunDiff};
use serde_json::Value;

use super::place::{ProjectArgs, find_all};
use super::words::Pipeline;
use crate::exit_code::Exit;
use crate::format::Format;
use crate::render::table::columns;
use crate::ui::Ui;

/// Shows in what two runs differ: arguments, code, packages, data, outcome.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --format json every line compares one pipeline: `a`, `b` (ids), `a_kind`, `b_kind` and `differences`, a list of
`area` (outcome, step, args, code, python, package, data, model, version), `name`, and the values `a` and `b`,
null where a run has none."
)]
pub(super) struct Args {
    /// The first run.
    a: String,
    /// The second run.
    b: String,
    /// Which pipeline of the commands [default: those that both have].
    #[arg(long)]
    pipeline: Option<Pipeline>,
    #[command(flatten)]
    project: ProjectArgs,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let history = History::new(&args.project.layout(ui)?);
    let a = find_all(&history, &args.a, args.pipeline, ui)?;
    let b = find_all(&history, &args.b, args.pipeline, ui)?;
    for (at, diff) in pairs(&a, &b).map(|(a, b)| RunDiff::new(a, b)).enumerate() {
        match args.format {
            Format::Json => ui.data(&serde_json::to_string(&diff).unwrap_or_default()),
            Format::Human => {
                if at > 0 {
                    ui.data("");
                }
                human(&diff, ui);
            }
        }
    }
    Ok(Exit::Success)
}

/// The pipelines that both commands ran; where they have none in common, what each of them ran first.
fn pairs<'a>(
    a: &'a [HistoryEntry],
    b: &'a [HistoryEntry],
) -> impl Iterator<Item = (&'a HistoryEntry, &'a HistoryEntry)> {
    let mut pairs: Vec<_> = a
        .iter()
        .filter_map(|one| Some((one, b.iter().find(|other| other.record.kind == one.record.kind)?)))
        .collect();
    if pairs.is_empty() {
        pairs.extend(a.first().zip(b.first()));
    }
    pairs.into_iter()
}

fn human(diff: &RunDiff, ui: &Ui) {
    let title = format!("{} ({}) and {} ({})", diff.a, diff.a_kind, diff.b, diff.b_kind);
    if diff.differences.is_empty() {
        ui.data(&format!("{title}: no difference"));
        return;
    }
    ui.data(&title);
    let mut rows = vec![vec!["what".to_owned(), String::new(), diff.a.to_string(), diff.b.to_string()]];
    rows.extend(diff.differences.iter().map(|difference: &Difference| {
        let area = difference.area.as_str().to_owned();
        vec![area, difference.name.clone(), shown(&difference.a), shown(&difference.b)]
    }));
    for line in columns(&rows) {
        ui.data(&line);
    }
}

/// A value in a table: texts bare, digests cut, nothing as `-`.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            text.chars().take(12).collect()
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
