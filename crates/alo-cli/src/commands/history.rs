//! `alo history`.

use alo_core::artifacts::{History, HistoryEntry, ProjectLayout};
use camino::Utf8PathBuf;

use super::place;
use crate::cli::Format;
use crate::exit_code::Exit;
use crate::render::table::columns;
use crate::render::{failure, quantity};
use crate::ui::Ui;

/// Shows the runs of a project, the newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo history                             the runs of this project
  alo history --project /work/titanic     of another one
  alo history --format json               a JSON object a line, for programs")]
pub(crate) struct Args {
    /// The project folder [default: the one of the plan here].
    #[arg(long, value_name = "DIR")]
    project: Option<Utf8PathBuf>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Exit {
    let folder = place::project_folder(args.project.as_deref());
    let history = match folder.canonicalize_utf8() {
        Ok(folder) => History::new(&ProjectLayout::new(folder)),
        Err(error) => return failure::wrong(ui, &format!("`{folder}` is no project folder: {error}"), None),
    };
    let entries = match history.list() {
        Ok(entries) => entries,
        Err(error) => return failure::failed(ui, &failure::chain(&error)),
    };
    match args.format {
        Format::Json => {
            for entry in &entries {
                ui.data(&object(entry).to_string());
            }
        }
        Format::Human if entries.is_empty() => ui.progress("no runs yet"),
        Format::Human => {
            for line in columns(&rows(&entries)) {
                ui.data(&line);
            }
        }
    }
    Exit::Success
}

fn rows(entries: &[HistoryEntry]) -> Vec<Vec<String>> {
    let header = ["id", "pipeline", "state", "started (UTC)", "time", "score", "result"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(entries.iter().map(|entry| {
        let record = &entry.record;
        let time =
            record.ended.map(|ended| (ended - record.started).total(jiff::Unit::Second).unwrap_or_default());
        vec![
            record.id.to_string(),
            record.kind.to_string(),
            record.state.to_string(),
            record.started.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            time.map(quantity::seconds).unwrap_or_default(),
            record.score.map(|score| score.to_string()).unwrap_or_default(),
            record.result.clone().unwrap_or_default(),
        ]
    }));
    rows
}

/// The record of a run, with the folder it lies in.
fn object(entry: &HistoryEntry) -> serde_json::Value {
    let mut object = serde_json::to_value(&entry.record).unwrap_or_default();
    object["folder"] = entry.folder.as_str().into();
    object["pinned"] = entry.pinned.into();
    if let Some(damaged) = &entry.damaged {
        object["damaged"] = damaged.as_str().into();
    }
    object
}
