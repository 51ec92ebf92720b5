//! `alo update`.

use alo_core::assets::Update;
use alo_core::{Mode, RunOptions, StepName};
use camino::Utf8PathBuf;

use super::open_project::open_project;
use super::set_up::{Wanted, set_up};
use super::setup_args::SetupArgs;
use crate::cli::Format;
use crate::exit_code::Exit;
use crate::render::fetched;
use crate::ui::Ui;

/// Looks branches and packages up again and writes what they are now to alo.lock. Runs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo update                 all steps: the newest commits and packages that the plan allows
  alo update train           the commit of one step, and the packages of its environment
  alo update --as-of 2024-05-01")]
pub(crate) struct Args {
    /// The steps [default: all].
    steps: Vec<String>,
    /// The plan [default: `experimental_plan.yaml` here, in solution/ or in config/].
    #[arg(long, value_name = "PLAN")]
    plan: Option<Utf8PathBuf>,
    /// The project folder [default: the plan's own, or the parent of solution/ or config/].
    #[arg(long, value_name = "DIR")]
    project: Option<Utf8PathBuf>,
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
    let update = if args.steps.is_empty() {
        Update::All
    } else {
        Update::Steps(args.steps.iter().map(StepName::new).collect())
    };
    let options = RunOptions {
        mode: Mode::All,
        wait: !args.no_wait,
        setup: args.setup.policy(update),
        ..RunOptions::default()
    };
    let wanted = Wanted { project: &project, setup: &args.setup, options, format: args.format };
    set_up(wanted, ui, fetched::show_changes)
}
