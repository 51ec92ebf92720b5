//! `alo history rm`.

use alo_core::artifacts::{History, HistoryEntry, RemoveError};

use super::place::{ChangeArgs, find_all};
use super::words::Pipeline;
use crate::exit_code::Exit;
use crate::render::failure;
use crate::ui::Ui;

/// Removes runs for good. The current artifacts are not touched.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The runs.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Removes pinned runs and the one whose model is current, too; never one in progress.
    #[arg(long)]
    force: bool,
    /// Which pipeline of the command [default: both].
    #[arg(long)]
    pipeline: Option<Pipeline>,
    #[command(flatten)]
    project: ChangeArgs,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let layout = args.project.layout(ui)?;
    let history = History::new(&layout);
    // Refused before it waits for anybody, and before one is removed.
    let refused = |error: RemoveError| failure::refused(ui, &failure::chain(&error), error.hint().as_deref());
    let mut runs: Vec<HistoryEntry> = Vec::new();
    for id in &args.ids {
        for run in find_all(&history, id, args.pipeline, ui)? {
            history.check_removal(&run, args.force).map_err(refused)?;
            if runs.iter().all(|known| known.folder != run.folder) {
                runs.push(run);
            }
        }
    }
    let _lock = args.project.lock(&layout, ui)?;
    for run in runs {
        // Found again: it may have been marked or removed while we waited.
        let kind = run.record.kind;
        let Ok(run) = history.find(run.record.id.as_str(), Some(kind)) else { continue };
        history.remove(&run, args.force).map_err(refused)?;
        ui.progress(&format!("removed {} ({kind})", run.record.id));
    }
    Ok(Exit::Success)
}
