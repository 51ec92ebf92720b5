//! `alo asset eject`.

use alo_core::assets::{Ejected, Update};
use alo_core::{Mode, RunFailure, StepName, eject};
use camino::Utf8PathBuf;

use super::work_args::WorkArgs;
use crate::exit_code::Exit;
use crate::render::{events, failure};
use crate::ui::{Paint, Ui};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo asset eject train                    assets/train/: the code that the step runs now
  alo asset eject input --mode inference   that of the inference pipeline, where it is another")]
pub(super) struct Args {
    /// The step, as in the plan.
    step: String,
    /// The plan [default: `experimental_plan.yaml` here, in solution/ or in config/].
    plan: Option<Utf8PathBuf>,
    /// Whose step it is: train, inference; `all` is the first that has it.
    #[arg(long, default_value = "all")]
    mode: Mode,
    #[command(flatten)]
    work: WorkArgs,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Result<Exit, Exit> {
    let project = args.work.open(args.plan.as_deref(), ui)?;
    let machine = args.work.machine(ui)?;
    let options = args.work.options(args.mode, Update::Nothing, ui);
    let step = StepName::new(&args.step);
    let result = eject(&machine, &project, &step, &options, &mut events::Screen::new(ui));
    ui.idle();
    match result {
        Ok(ejected) => {
            show(&ejected, project.plan_file().map_or("the plan", |plan| plan.as_str()), ui);
            Ok(Exit::Success)
        }
        Err(error) => Err(failure::show(&RunFailure::new(error), ui)),
    }
}

fn show(ejected: &Ejected, plan: &str, ui: &Ui) {
    ui.progress(&format!("  {} {}", ui.paint(Paint::Good, "made"), ejected.folder));
    for change in &ejected.changes {
        let place = change.line.map(|line| format!(":{line}")).unwrap_or_default();
        ui.say(&format!(
            "change {plan}{place}: `code: {}` of step `{}` ({}) becomes `code: {}`",
            change.was, change.step, change.kind, change.becomes
        ));
    }
}
