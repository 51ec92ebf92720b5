//! `alo run`.

use std::io;

use alo_core::plan::Diagnostic;
use alo_core::{CancelToken, Engine, Mode, Project, ProjectError, PythonExecutor, RunOptions};
use camino::Utf8PathBuf;

use super::place;
use super::python_args::PythonArgs;
use crate::cli::Format;
use crate::exit_code::Exit;
use crate::machine::machine;
use crate::render::{closing, events, failure, json};
use crate::ui::{Paint, Ui};

/// Runs a plan: fetches the code, builds the environment, loads the data, runs the steps.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo run                              experimental_plan.yaml, solution/… or config/experimental_plan.yaml
  alo run plan.yaml --mode inference   inference only, with the model of the last training
  alo run --python 3.11                another Python than 3.10
  alo run --format json | jq .event    one event a line, for programs")]
pub(crate) struct Args {
    /// The plan [default: `experimental_plan.yaml` here, in solution/ or in config/].
    plan: Option<Utf8PathBuf>,
    /// The plan, as ALO called it.
    #[arg(long, value_name = "PLAN", conflicts_with = "plan")]
    config: Option<Utf8PathBuf>,
    /// The project folder [default: the plan's own, or the parent of solution/ or config/].
    #[arg(long, value_name = "DIR")]
    project: Option<Utf8PathBuf>,
    /// Which pipelines run: all, train, inference.
    #[arg(long, default_value = "all")]
    mode: Mode,
    #[command(flatten)]
    python: PythonArgs,
    /// Fails at once when another run holds the project, instead of waiting.
    #[arg(long)]
    no_wait: bool,
    /// How to tell what happens.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Exit {
    let plan =
        match place::plan_file(args.plan.as_deref().or(args.config.as_deref()), args.project.as_deref()) {
            Ok(plan) => plan,
            Err(message) => {
                return failure::wrong(
                    ui,
                    &message,
                    Some("name a plan: `alo run plan.yaml`, or make one: `alo init`"),
                );
            }
        };
    let project = match Project::open(&plan, args.project.as_deref()) {
        Ok((project, warnings)) => {
            for warning in &warnings {
                ui.progress(&format!("{} {plan}{}", ui.paint(Paint::Warning, "warning:"), one_line(warning)));
            }
            project
        }
        Err(ProjectError::InvalidPlan(invalid)) => {
            ui.say(&alo_core::plan::render::render(&invalid.loaded, ui.colour()));
            return failure::wrong(
                ui,
                &format!("`{plan}` cannot be run"),
                Some("correct the plan; nothing was run"),
            );
        }
        Err(error) => return failure::wrong(ui, &failure::chain(&error), None),
    };
    let mut machine = match machine() {
        Ok(machine) => machine,
        Err(message) => return failure::wrong(ui, &message, None),
    };
    args.python.apply(&mut machine);
    let options = RunOptions {
        mode: args.mode,
        wait: !args.no_wait,
        cancel: cancel_on_signals(ui),
        command: std::env::args().collect::<Vec<_>>().join(" "),
        ..RunOptions::default()
    };
    let mut engine = Engine::new(PythonExecutor::new(machine));
    let result = match args.format {
        Format::Json => engine.run(&project, &options, &mut json::Lines::new(io::stdout())),
        Format::Human => engine.run(&project, &options, &mut events::Screen::new(ui)),
    };
    ui.idle();
    match result {
        Ok(report) => {
            if args.format == Format::Human {
                closing::show(&report, ui);
            }
            Exit::Success
        }
        Err(failed) => failure::show(&failed, ui),
    }
}

/// The first Ctrl-C, SIGTERM or SIGHUP asks the run to stop.
fn cancel_on_signals(ui: &Ui) -> CancelToken {
    let cancel = CancelToken::new();
    let asked = cancel.clone();
    if let Err(error) = ctrlc::set_handler(move || asked.cancel()) {
        ui.say(&format!("{} signals are not handled: {error}", ui.paint(Paint::Warning, "warning:")));
    }
    cancel
}

/// A warning of the plan behind the plan's name; `alo validate` shows the excerpt.
fn one_line(warning: &Diagnostic) -> String {
    let place = warning.span.map(|span| format!(":{}", span.start.line)).unwrap_or_default();
    let help = warning.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    format!("{place}: {}{help}", warning.message)
}
