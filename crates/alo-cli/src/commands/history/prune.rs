//! `alo history prune`.

use alo_core::artifacts::{History, Pruned, Retention};
use serde_json::json;

use super::place::ChangeArgs;
use crate::exit_code::Exit;
use crate::format::Format;
use crate::render::{failure, quantity};
use crate::ui::Ui;

/// Removes runs until the history is small enough: failed before good, the oldest first. Pinned runs, runs in progress
/// and the training whose model is current stay.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --format json: `removed`, a list of `id` and `kind` in the order of going, `bytes` that are set free, and
`left`, the bytes that stay; files that several runs share count once."
)]
#[group(id = "limit", required = true, multiple = true, args = ["max_size", "keep"])]
pub(super) struct Args {
    /// So many megabytes (of 1,000,000 bytes) may be left; 0 leaves only what is protected.
    #[arg(long, value_name = "MB")]
    max_size: Option<u64>,
    /// So many runs may be left.
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Only tells what would be removed.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    project: ChangeArgs,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let layout = args.project.layout(ui)?;
    let history = History::new(&layout);
    let limit =
        Retention { bytes: args.max_size.map(|size| size.saturating_mul(1_000_000)), runs: args.keep };
    let pruned = if args.dry_run {
        history.plan_prune(limit)
    } else {
        let _lock = args.project.lock(&layout, ui)?;
        history.prune(limit, None)
    };
    let pruned =
        pruned.map_err(|error| failure::refused(ui, &failure::chain(&error), error.hint().as_deref()))?;
    match args.format {
        Format::Json => ui.data(&object(&pruned).to_string()),
        Format::Human => human(&pruned, args.dry_run, ui),
    }
    Ok(Exit::Success)
}

fn object(pruned: &Pruned) -> serde_json::Value {
    let removed: Vec<_> =
        pruned.runs.iter().map(|(kind, id)| json!({"id": id.as_str(), "kind": kind.as_str()})).collect();
    json!({"removed": removed, "bytes": pruned.bytes, "left": pruned.left})
}

fn human(pruned: &Pruned, dry_run: bool, ui: &Ui) {
    let (removed, freed) = if dry_run { ("would remove", "would be freed") } else { ("removed", "freed") };
    for (kind, id) in &pruned.runs {
        ui.data(&format!("{removed} {id} ({kind})"));
    }
    let (bytes, left) = (quantity::bytes(pruned.bytes), quantity::bytes(pruned.left));
    ui.progress(&format!("{} runs, {bytes} {freed}, {left} left", pruned.runs.len()));
}
