//! `alo history restore`.

use alo_core::artifacts::History;

use super::place::{ChangeArgs, find_one};
use super::words::Pipeline;
use crate::exit_code::Exit;
use crate::render::{failure, quantity};
use crate::ui::Ui;

/// Makes the artifacts of a past run the current ones, in one step. Every file is compared with its digest before. What is
/// current now stays in the history; if it is not there, it is recorded first.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run.
    id: String,
    /// Which pipeline of the command [default: train, if it has one].
    #[arg(long)]
    pipeline: Option<Pipeline>,
    #[command(flatten)]
    project: ChangeArgs,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let layout = args.project.layout(ui)?;
    let history = History::new(&layout);
    find_one(&history, &args.id, args.pipeline, ui)?;
    let _lock = args.project.lock(&layout, ui)?;
    let entry = find_one(&history, &args.id, args.pipeline, ui)?;
    let restored = history
        .restore(&entry)
        .map_err(|error| failure::refused(ui, &failure::chain(&error), error.hint().as_deref()))?;
    if let Some(id) = &restored.recorded {
        ui.say(&format!("what was current until now is recorded as {id}"));
    }
    let (kind, run, files) = (restored.kind, &restored.run, quantity::count(restored.files, "file"));
    let (artifacts, size) = (layout.artifacts(kind), quantity::bytes(restored.bytes));
    ui.progress(&format!("restored {run} ({kind}): {files}, {size}, in {}", artifacts.root()));
    Ok(Exit::Success)
}
