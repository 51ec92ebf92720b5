//! `alo fetch`.

use alo_core::assets::Update;
use alo_core::{Mode, RunOptions};
use camino::Utf8PathBuf;

use super::open_project::open_project;
use super::set_up::{Wanted, set_up};
use super::setup_args::SetupArgs;
use crate::cli::Format;
use crate::exit_code::Exit;
use crate::render::fetched;
use crate::ui::Ui;

/// Fetches code and builds environments, so that runs need no network. Runs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo fetch                        code and environments of all pipelines; writes alo.lock
  alo fetch && alo run --offline   a machine that is unplugged in between
  alo fetch --locked               exactly what alo.lock says, or an error
  alo fetch --format json          events, the last one with all that is ready

No data is loaded, no artifact is touched, nothing is recorded in the history.")]
pub(crate) struct Args {
    /// The plan [default: `experimental_plan.yaml` here, in solution/ or in config/].
    plan: Option<Utf8PathBuf>,
    /// The project folder [default: the plan's own, or the parent of solution/ or config/].
    #[arg(long, value_name = "DIR")]
    project: Option<Utf8PathBuf>,
    /// Which pipelines: all, train, inference.
    #[arg(long, default_value = "all")]
    mode: Mode,
    #[command(flatten)]
    setup: SetupArgs,
    /// Fails at once when another run holds the project, instead of waiting.
    #[arg(long)]
    no_wait: bool,
    /// How to tell what happens.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Exit {
    let project = match open_project(args.plan.as_deref(), args.project.as_deref(), ui) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let options = RunOptions {
        mode: args.mode,
        wait: !args.no_wait,
        setup: args.setup.policy(Update::Nothing),
        ..RunOptions::default()
    };
    let wanted = Wanted { project: &project, setup: &args.setup, options, format: args.format };
    set_up(wanted, ui, fetched::show)
}
