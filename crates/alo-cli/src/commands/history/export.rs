//! `alo history export`.

use alo_core::artifacts::{History, RunExportError};
use camino::Utf8PathBuf;

use super::place::{ProjectArgs, find_one};
use super::words::Pipeline;
use crate::commands::signals::cancel_on_signals;
use crate::exit_code::Exit;
use crate::machine::archive_time;
use crate::render::{failure, quantity};
use crate::ui::Ui;

/// Copies a run with its record, plan, lock, artifacts and logs. Every file is compared with its digest before.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run.
    id: String,
    /// Where to: an archive when it ends in .tar.gz, .tgz or .zip, else a folder. It must not exist.
    path: Utf8PathBuf,
    /// Which pipeline of the command [default: train, if it has one].
    #[arg(long)]
    pipeline: Option<Pipeline>,
    #[command(flatten)]
    project: ProjectArgs,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    if args.path.as_str().starts_with("s3://") {
        let message = format!("`{}` is no path of this machine", args.path);
        return Err(failure::wrong(ui, &message, Some("export to a file, and upload that")));
    }
    let history = History::new(&args.project.layout(ui)?);
    let entry = find_one(&history, &args.id, args.pipeline, ui)?;
    let to = camino::absolute_utf8(&args.path)
        .map_err(|error| failure::wrong(ui, &format!("`{}` is no path: {error}", args.path), None))?;
    let time = archive_time().map_err(|message| failure::wrong(ui, &message, None))?;
    let cancel = cancel_on_signals(ui);
    let exported = history.export(&entry, &to, time, &|| cancel.is_cancelled()).map_err(|error| {
        let exit = failure::refused(ui, &failure::chain(&error), error.hint().as_deref());
        if matches!(error, RunExportError::Cancelled) { Exit::Interrupted } else { exit }
    })?;
    ui.progress(&format!(
        "{}, {}, in `{}`",
        quantity::count(exported.files, "file"),
        quantity::bytes(exported.bytes),
        exported.path
    ));
    Ok(Exit::Success)
}
