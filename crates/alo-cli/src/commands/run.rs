//! `alo run`.

use std::io;

use alo_core::artifacts::S3Environment;
use alo_core::assets::Update;
use alo_core::{Engine, Mode, PythonExecutor, RunOptions};
use camino::Utf8PathBuf;

use super::work_args::WorkArgs;
use crate::exit_code::Exit;
use crate::format::Format;
use crate::machine::archive_time;
use crate::render::{closing, events, failure, json};
use crate::ui::Ui;

/// Runs a plan: fetches the code, builds the environment, loads the data, runs the steps.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo run                              experimental_plan.yaml, solution/… or config/experimental_plan.yaml
  alo run plan.yaml --mode inference   inference only, with the model of the last training
  alo run --python 3.11                another Python than 3.10
  alo run --locked                     with exactly the commits and packages of alo.lock
  alo run --offline                    without network, after `alo fetch`
  alo run --resume                     steps that have not changed are not run again
  alo run --resume --explain           … and why each of the others runs
  alo run --format json | jq .event    one event a line, for programs")]
pub(crate) struct Args {
    /// The plan [default: `experimental_plan.yaml` here, in solution/ or in config/].
    plan: Option<Utf8PathBuf>,
    /// The plan, as ALO called it.
    #[arg(long, value_name = "PLAN", conflicts_with = "plan")]
    config: Option<Utf8PathBuf>,
    /// Which pipelines run: all, train, inference.
    #[arg(long, default_value = "all")]
    mode: Mode,
    #[command(flatten)]
    work: WorkArgs,
    /// Puts back what unchanged steps have left before instead of running them, and keeps all results for the next time.
    #[arg(long)]
    resume: bool,
    /// Says for every step why it runs, or why not.
    #[arg(long)]
    explain: bool,
    /// How to tell what happens.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let plan = args.plan.as_deref().or(args.config.as_deref());
    let project = args.work.open(plan, ui)?;
    let machine = args.work.machine(ui)?;
    let archive_time = archive_time().map_err(|message| failure::wrong(ui, &message, None))?;
    let options = RunOptions {
        archive_time,
        resume: args.resume,
        s3: S3Environment::new(std::env::vars_os()),
        ..args.work.options(args.mode, Update::Nothing, ui)
    };
    let mut engine = Engine::new(PythonExecutor::new(machine));
    let result = match args.format {
        Format::Json => engine.run(&project, &options, &mut json::Lines::new(io::stdout())),
        Format::Human => {
            engine.run(&project, &options, &mut events::Screen::new(ui).explaining(args.explain))
        }
    };
    ui.idle();
    match result {
        Ok(report) => {
            if args.format == Format::Human {
                closing::show(&report, ui);
            }
            Ok(Exit::Success)
        }
        Err(failed) => Err(failure::show(&failed, ui)),
    }
}
