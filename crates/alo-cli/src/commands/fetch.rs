//! `alo fetch`.

use alo_core::Mode;
use alo_core::assets::Update;
use camino::Utf8PathBuf;

use super::set_up::{Wanted, set_up};
use super::work_args::WorkArgs;
use crate::exit_code::Exit;
use crate::format::Format;
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
    /// Which pipelines: all, train, inference.
    #[arg(long, default_value = "all")]
    mode: Mode,
    #[command(flatten)]
    work: WorkArgs,
    /// How to tell what happens.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let wanted = Wanted {
        project: args.work.open(args.plan.as_deref(), ui)?,
        machine: args.work.machine(ui)?,
        options: args.work.options(args.mode, Update::Nothing, ui),
        format: args.format,
    };
    Ok(set_up(&wanted, ui, fetched::show))
}
