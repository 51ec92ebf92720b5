//! `alo validate`.

use alo_core::assets::PythonRequest;
use alo_core::plan::Severity;
use camino::Utf8PathBuf;
use clap::ValueEnum;
use serde_json::json;

use super::checked_plan::CheckedPlan;
use super::place;
use super::python_args;
use crate::exit_code::Exit;
use crate::machine::machine;
use crate::render::failure;
use crate::ui::{Paint, Ui};

/// Checks plans and shows every fault with its place. Runs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo validate                              the plan of this folder
  alo validate plan.yaml other.yaml         several; all faults of all of them
  alo validate --strict plan.yaml           warnings fail, too
  alo validate --assets                     also the code of the steps, which is read, not run
  alo validate --format json plan.yaml      for programs
  alo validate --format github plan.yaml    annotations in a pull request

JSON: {\"plans\": [{\"path\", \"valid\", \"dialect\", \"diagnostics\": [{\"severity\", \"code\", \"message\", \"help\", \"pointer\",
\"span\"}], \"plan\"}]}. With --assets each plan also has \"assets\": [{\"path\", \"steps\": [{\"pipeline\", \"step\"}],
\"generation\": \"1.0\"|\"2.x\"|null, \"valid\", \"diagnostics\"}], one for each file; \"path\" is null where there is none.

docs/diagnostics.md explains every code. Exit codes: 0 all plans are valid, 2 not; 1 the assets could not be looked at.")]
pub(crate) struct Args {
    /// The plans [default: `experimental_plan.yaml` here, in solution/ or in config/].
    plans: Vec<Utf8PathBuf>,
    /// Lets warnings fail, too.
    #[arg(long)]
    strict: bool,
    /// Looks at the code of local and already fetched assets, too. It is read by Python's parser and not run.
    #[arg(long)]
    assets: bool,
    /// The Python that reads the assets, by version or by path [default: the one that would run them].
    #[arg(long, value_name = "X.Y|PATH", requires = "assets", value_parser = python_args::python)]
    python: Option<PythonRequest>,
    /// How to tell what was found.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How faults are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people, on stderr.
    #[default]
    Human,
    /// For programs, on stdout.
    Json,
    /// Annotations of a GitHub workflow, on stdout.
    Github,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Exit {
    let mut paths = args.plans.clone();
    if paths.is_empty() {
        match place::plan_file(None, None) {
            Ok(plan) => paths.push(plan),
            Err(message) => {
                return failure::wrong(ui, &message, Some("name a plan: `alo validate plan.yaml`"));
            }
        }
    }
    let mut plans: Vec<CheckedPlan> = paths.iter().map(|path| CheckedPlan::load(path)).collect();
    let looked = if args.assets { look_at_assets(args, &mut plans, ui) } else { Exit::Success };
    match args.format {
        Format::Json => {
            let plans: Vec<_> = plans.iter().map(|plan| plan.json(args.strict)).collect();
            ui.data(&json!({ "plans": plans }).to_string());
        }
        Format::Github => {
            let lines: String = plans.iter().map(CheckedPlan::github).collect();
            if !lines.is_empty() {
                ui.data(lines.trim_end());
            }
        }
        Format::Human => {
            for text in plans.iter().map(|plan| plan.human(ui.colour())).filter(|text| !text.is_empty()) {
                ui.say(&text);
            }
            ui.progress(&closing(&plans, args.strict, ui));
        }
    }
    if plans.iter().all(|plan| plan.is_valid(args.strict)) { looked } else { Exit::Wrong }
}

/// Looks at the assets of all plans; says why, should it not be possible.
fn look_at_assets(args: &Args, plans: &mut [CheckedPlan], ui: &Ui) -> Exit {
    let mut machine = match machine() {
        Ok(machine) => machine,
        Err(message) => return failure::failed(ui, &message),
    };
    machine.python.clone_from(&args.python);
    let mut exit = Exit::Success;
    for plan in plans {
        if let Err(error) = plan.look_at_assets(&machine) {
            exit = failure::failed(ui, &failure::chain(&error));
            if let Some(hint) = error.hint() {
                ui.say(&format!("{} {hint}", ui.paint(Paint::Hint, "hint:")));
            }
        }
    }
    exit
}

fn closing(plans: &[CheckedPlan], strict: bool, ui: &Ui) -> String {
    let count = |severity| plans.iter().map(|plan| plan.count(severity)).sum::<usize>();
    let (paint, verdict) = if plans.iter().all(|plan| plan.is_valid(strict)) {
        (Paint::Good, "valid")
    } else {
        (Paint::Error, "not valid")
    };
    format!(
        "{} {}, {}, {}",
        ui.paint(paint, &format!("{verdict}:")),
        counted(plans.len(), "plan"),
        counted(count(Severity::Error), "error"),
        counted(count(Severity::Warning), "warning")
    )
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
