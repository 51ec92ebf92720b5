//! `alo asset eject`.

use alo_core::assets::{Ejected, Update};
use alo_core::{Mode, RunFailure, RunOptions, StepName, eject};
use camino::Utf8PathBuf;

use super::open_project::open_project;
use super::setup_args::SetupArgs;
use super::signals::cancel_on_signals;
use crate::exit_code::Exit;
use crate::machine::machine;
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
    /// The project folder [default: the plan's own, or the parent of solution/ or config/].
    #[arg(long, value_name = "DIR")]
    project: Option<Utf8PathBuf>,
    /// Whose step it is: train, inference; `all` is the first that has it.
    #[arg(long, default_value = "all")]
    mode: Mode,
    #[command(flatten)]
    setup: SetupArgs,
    /// Fails at once when another run holds the project, instead of waiting.
    #[arg(long)]
    no_wait: bool,
}

pub(super) fn run(args: &Args, ui: &Ui) -> Exit {
    let project = match open_project(args.plan.as_deref(), args.project.as_deref(), ui) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let machine = match machine() {
        Ok(machine) => machine,
        Err(message) => return failure::wrong(ui, &message, None),
    };
    let options = RunOptions {
        mode: args.mode,
        wait: !args.no_wait,
        setup: args.setup.policy(Update::Nothing),
        cancel: cancel_on_signals(ui),
        command: std::env::args().collect::<Vec<_>>().join(" "),
        ..RunOptions::default()
    };
    let step = StepName::new(&args.step);
    let result = eject(&machine, &project, &step, &options, &mut events::Screen::new(ui));
    ui.idle();
    match result {
        Ok(ejected) => {
            show(&ejected, project.plan_file().map_or("the plan", |plan| plan.as_str()), ui);
            Exit::Success
        }
        Err(error) => failure::show(&RunFailure { error, report: None, log: None }, ui),
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
