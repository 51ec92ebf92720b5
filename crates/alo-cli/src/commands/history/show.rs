//! `alo history show`.

use std::collections::BTreeMap;

use alo_core::artifacts::{Damage, History, HistoryEntry, RunRecord, StepRecord};
use serde_json::Value;

use super::place::{ProjectArgs, find_all};
use super::run_object::object;
use super::words::Pipeline;
use crate::exit_code::Exit;
use crate::format::Format;
use crate::render::table::columns;
use crate::render::{failure, quantity};
use crate::ui::Ui;

/// Shows a run: steps, code, data, environment, outcome; compares its files with their digests.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --format json every line is the record of a run with its `folder`, whether it is `pinned`, and
`damaged_files`; with --logs also `logs`, the text of each by its name. A damaged file or record ends it with exit code 1."
)]
pub(super) struct Args {
    /// The run.
    id: String,
    /// Shows its logs, too.
    #[arg(long)]
    logs: bool,
    /// Which pipeline of the command.
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
    let mut exit = Exit::Success;
    for (at, entry) in find_all(&history, &args.id, args.pipeline, ui)?.iter().enumerate() {
        let damages = entry
            .verify()
            .map_err(|error| failure::refused(ui, &failure::chain(&error), error.hint().as_deref()))?;
        if !damages.is_empty() || entry.damaged.is_some() {
            exit = Exit::RunFailed;
        }
        let logs = if args.logs { logs(entry) } else { BTreeMap::new() };
        match args.format {
            Format::Json => {
                let mut object = object(entry);
                object["damaged_files"] = serde_json::to_value(&damages).unwrap_or_default();
                if args.logs {
                    object["logs"] = serde_json::to_value(&logs).unwrap_or_default();
                }
                ui.data(&object.to_string());
            }
            Format::Human => {
                if at > 0 {
                    ui.data("");
                }
                human(entry, &damages, &logs, ui);
            }
        }
    }
    Ok(exit)
}

/// The logs by their names; bytes that are no text are replaced.
fn logs(entry: &HistoryEntry) -> BTreeMap<String, String> {
    let read = |log: &camino::Utf8PathBuf| {
        let text = fs_err::read(log).ok()?;
        Some((log.file_name()?.to_owned(), String::from_utf8_lossy(&text).into_owned()))
    };
    entry.logs().iter().filter_map(read).collect()
}

fn human(entry: &HistoryEntry, damages: &[Damage], logs: &BTreeMap<String, String>, ui: &Ui) {
    for line in columns(&facts(entry, damages)) {
        ui.data(&line);
    }
    if !entry.record.steps.is_empty() {
        ui.data("");
        for line in columns(&steps(&entry.record)) {
            ui.data(&line);
        }
    }
    if let Some(traceback) = entry.record.error.as_ref().and_then(|error| error.traceback.as_ref()) {
        ui.data(&format!("\n{}", traceback.trim_end()));
    }
    for (name, text) in logs {
        ui.data(&format!("\n--- {name}\n{}", text.trim_end()));
    }
}

fn facts(entry: &HistoryEntry, damages: &[Damage]) -> Vec<Vec<String>> {
    let record = &entry.record;
    let whole = if record.whole { " (its artifacts are whole and can be restored)" } else { "" };
    let mut facts: Vec<(&str, String)> = vec![
        ("run", record.id.to_string()),
        ("pipeline", record.kind.to_string()),
        ("state", format!("{}{}{}", record.state, whole, if entry.pinned { " (pinned)" } else { "" })),
        ("started", record.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
    ];
    let time =
        record.ended.map(|ended| (ended - record.started).total(jiff::Unit::Second).unwrap_or_default());
    facts.extend(time.map(|time| ("time", quantity::seconds(time))));
    facts.extend(record.score.map(|score| ("score", score.to_string())));
    facts.extend(record.result.clone().map(|result| ("result", result)));
    facts.extend(Some(record.note.clone()).filter(|note| !note.is_empty()).map(|note| ("note", note)));
    facts.extend(record.error.as_ref().map(|error| ("error", error.message.clone())));
    facts.extend(record.train_id.clone().map(|id| ("model of", id)));
    facts.extend(record.plan.as_ref().map(|plan| ("plan", plan.to_string())));
    for data in &record.data {
        let size = quantity::bytes(data.bytes);
        facts.push((
            "data",
            format!(
                "{}  {}, {size}, {}",
                data.source,
                quantity::count(data.files, "file"),
                short(&data.digest)
            ),
        ));
    }
    for used in &record.environments {
        let of = if used.steps.is_empty() { String::new() } else { format!(" ({})", used.steps.join(", ")) };
        facts.push(("environment", format!("Python {}, {} packages{of}", used.python, used.packages.len())));
    }
    let kept = match (record.artifacts_kept, &entry.damaged) {
        (true, _) => "artifacts kept",
        (false, None) => "artifacts not kept",
        (false, Some(_)) => "whether artifacts were kept is not known",
    };
    facts.push(("files", format!("{}, {kept}", quantity::bytes(record.bytes))));
    facts.extend(
        entry.damaged.iter().map(|why| ("damaged", format!("the record is missing or unreadable: {why}"))),
    );
    facts.extend(damages.iter().map(|damage| ("damaged", damage.to_string())));
    facts.push(("folder", entry.folder.to_string()));
    facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}

fn steps(record: &RunRecord) -> Vec<Vec<String>> {
    let mut rows = vec![["step", "state", "time", "CPU", "memory", "code"].map(str::to_owned).to_vec()];
    rows.extend(record.steps.iter().map(|step| {
        let state = serde_json::to_value(step.state).unwrap_or_default();
        vec![
            step.name.clone(),
            state.as_str().unwrap_or_default().to_owned(),
            step.seconds.map(quantity::seconds).unwrap_or_default(),
            step.cpu_seconds.map(quantity::seconds).unwrap_or_default(),
            step.peak_memory.map(quantity::bytes).unwrap_or_default(),
            code(step),
        ]
    }));
    rows
}

/// Where the code of a step came from, and what identifies it.
fn code(step: &StepRecord) -> String {
    let text = |key: &str| step.code.get(key).and_then(Value::as_str);
    let place = text("url").or_else(|| text("folder")).unwrap_or_default();
    let identity = text("commit").or_else(|| text("digest")).map(short).unwrap_or_default();
    let modified = if step.code.get("modified") == Some(&Value::Bool(true)) { " (modified)" } else { "" };
    format!("{place} {identity}{modified}").trim().to_owned()
}

/// The first 12 digits of a digest.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
