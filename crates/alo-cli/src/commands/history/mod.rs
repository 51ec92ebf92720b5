//! `alo history`: the runs of a project.

mod diff;
mod export;
mod list;
mod pin;
mod place;
mod prune;
mod restore;
mod rm;
mod run_object;
mod show;
mod words;

use clap::Subcommand;

use crate::exit_code::Exit;
use crate::ui::Ui;

/// Shows the runs of a project, and what there is to do with them.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "An ID may be cut short as long as it means one run: its first characters, or its eight digits; `latest`,
`latest-train` and `latest-inference` are words for the newest. Train and inference of one command have one id:
`show`, `diff`, `pin`, `unpin` and `rm` mean both, `restore` and `export` the training; --pipeline chooses.

Examples:
  alo history                             the runs of this project, the newest first
  alo history --project /work/titanic     of another one
  alo history list --state failed         only those that failed
  alo history show latest --logs          all of the newest run, with its logs
  alo history diff 01234567 latest        what made the difference
  alo history restore 01234567            its model is the current one again"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: list::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists runs, the newest first.
    List(list::Args),
    /// Shows a run: steps, code, data, environment, outcome; compares its files with their digests.
    Show(show::Args),
    /// Shows in what two runs differ: arguments, code, packages, data, outcome.
    Diff(diff::Args),
    /// Keeps runs from being removed.
    Pin(pin::Args),
    /// Takes the pin from runs.
    Unpin(pin::Args),
    /// Removes runs.
    Rm(rm::Args),
    /// Removes runs until the history is small enough: failed before good, the oldest first.
    Prune(prune::Args),
    /// Makes the artifacts of a past run the current ones.
    Restore(restore::Args),
    /// Copies a run to a folder or an archive.
    Export(export::Args),
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Exit {
    let done = match &args.command {
        None => list::run(&args.list, ui),
        Some(Command::List(args)) => list::run(args, ui),
        Some(Command::Show(args)) => show::run(args, ui),
        Some(Command::Diff(args)) => diff::run(args, ui),
        Some(Command::Pin(args)) => pin::run(args, true, ui),
        Some(Command::Unpin(args)) => pin::run(args, false, ui),
        Some(Command::Rm(args)) => rm::run(args, ui),
        Some(Command::Prune(args)) => prune::run(args, ui),
        Some(Command::Restore(args)) => restore::run(args, ui),
        Some(Command::Export(args)) => export::run(args, ui),
    };
    // What went wrong has been said where it was found.
    done.unwrap_or_else(|exit| exit)
}
