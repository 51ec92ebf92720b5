//! `alo validate`.

use alo_core::plan::report::{PlanReport, Reports};
use alo_core::plan::{self, Loaded, Severity, render};
use camino::{Utf8Path, Utf8PathBuf};

use super::place;
use crate::cli::Format;
use crate::exit_code::Exit;
use crate::render::failure;
use crate::ui::{Paint, Ui};

/// Checks plans and shows every fault with its place. Runs nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  alo validate                              the plan of this folder
  alo validate plan.yaml other.yaml         several; all faults of all of them
  alo validate --strict plan.yaml           warnings fail, too
  alo validate --format json plan.yaml      for programs

Exit codes: 0 all plans are valid, 2 not.")]
pub(crate) struct Args {
    /// The plans [default: `experimental_plan.yaml` here, in solution/ or in config/].
    plans: Vec<Utf8PathBuf>,
    /// Lets warnings fail, too.
    #[arg(long)]
    strict: bool,
    /// How to tell what was found.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Exit {
    let mut plans = args.plans.clone();
    if plans.is_empty() {
        match place::plan_file(None, None) {
            Ok(plan) => plans.push(plan),
            Err(message) => {
                return failure::wrong(ui, &message, Some("name a plan: `alo validate plan.yaml`"));
            }
        }
    }
    let loaded: Vec<Loaded> = plans.iter().map(|path| load(path)).collect();
    let good = |loaded: &Loaded| loaded.is_valid() && !(args.strict && loaded.has_warnings());
    match args.format {
        Format::Json => {
            let report = if args.strict { PlanReport::strict } else { PlanReport::new };
            let reports = Reports { plans: loaded.iter().map(report).collect() };
            ui.data(&serde_json::to_string(&reports).unwrap_or_default());
        }
        Format::Human => {
            for loaded in &loaded {
                if !loaded.diagnostics.is_empty() {
                    ui.say(&render::render(loaded, ui.colour()));
                }
            }
            ui.progress(&closing(&loaded, ui));
        }
    }
    if loaded.iter().all(good) { Exit::Success } else { Exit::Wrong }
}

/// Loads a plan and looks for what it names.
fn load(path: &Utf8Path) -> Loaded {
    let mut loaded = plan::load(path);
    let found = plan::check::paths(&loaded, &plan::project_folder(path));
    loaded.add(found);
    loaded
}

fn closing(loaded: &[Loaded], ui: &Ui) -> String {
    let count = |severity: Severity| -> usize {
        loaded
            .iter()
            .flat_map(|loaded| &loaded.diagnostics)
            .filter(|found| found.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let paint = if errors > 0 { Paint::Error } else { Paint::Good };
    let verdict = if errors > 0 { "not valid" } else { "valid" };
    format!(
        "{} {}, {}, {}",
        ui.paint(paint, &format!("{verdict}:")),
        counted(loaded.len(), "plan"),
        counted(errors, "error"),
        counted(warnings, "warning")
    )
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
