//! `alo update`.

use alo_core::assets::Update;
use alo_core::{Mode, StepName};
use camino::Utf8PathBuf;

use super::set_up::{Wanted, set_up};
use super::work_args::WorkArgs;
use crate::exit_code::Exit;
use crate::format::Format;
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
    #[command(flatten)]
    work: WorkArgs,
    /// How to tell what happens.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let project = args.work.open(args.plan.as_deref(), ui)?;
    let update = if args.steps.is_empty() {
        Update::All
    } else {
        Update::Steps(args.steps.iter().map(StepName::new).collect())
    };
    let machine = args.work.machine(ui)?;
    let options = args.work.options(Mode::All, update, ui);
    let wanted = Wanted { project, machine, options, format: args.format };
    Ok(set_up(&wanted, ui, fetched::show_changes))
}
