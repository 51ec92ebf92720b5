//! `alo history pin` and `alo history unpin`.

use alo_core::artifacts::History;

use super::place::{ProjectArgs, find_all};
use super::words::Pipeline;
use crate::exit_code::Exit;
use crate::render::failure;
use crate::ui::Ui;

/// The runs to pin or unpin. A run in progress may be pinned, too.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The runs.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Which pipeline of the command [default: both].
    #[arg(long)]
    pipeline: Option<Pipeline>,
    #[command(flatten)]
    project: ProjectArgs,
}

pub(super) fn run(args: &Args, pin: bool, ui: &Ui) -> Result<Exit, Exit> {
    let history = History::new(&args.project.layout(ui)?);
    let mut runs = Vec::new();
    // All are found before one is changed.
    for id in &args.ids {
        runs.extend(find_all(&history, id, args.pipeline, ui)?);
    }
    for entry in runs {
        let done = if pin { history.pin(&entry) } else { history.unpin(&entry) };
        done.map_err(|error| failure::refused(ui, &failure::chain(&error), error.hint().as_deref()))?;
        let word = if pin { "pinned" } else { "unpinned" };
        ui.progress(&format!("{word} {} ({})", entry.record.id, entry.record.kind));
    }
    Ok(Exit::Success)
}
