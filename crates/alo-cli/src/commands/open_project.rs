//! Opens the project that a command is about, and shows what is wrong with its plan.

use alo_core::plan::Diagnostic;
use alo_core::{Project, ProjectError};
use camino::Utf8Path;

use super::place;
use crate::exit_code::Exit;
use crate::render::failure;
use crate::ui::{Paint, Ui};

/// Loads the plan that was named, else the one that lies where plans lie. What is wrong with it has been said.
pub(super) fn open_project(
    plan: Option<&Utf8Path>,
    folder: Option<&Utf8Path>,
    ui: &Ui,
) -> Result<Project, Exit> {
    let plan = place::plan_file(plan, folder).map_err(|message| {
        failure::wrong(ui, &message, Some("name a plan: `alo run plan.yaml`, or make one: `alo init`"))
    })?;
    match Project::open(&plan, folder) {
        Ok((project, warnings)) => {
            for warning in &warnings {
                ui.progress(&format!("{} {plan}{}", ui.paint(Paint::Warning, "warning:"), one_line(warning)));
            }
            Ok(project)
        }
        Err(ProjectError::InvalidPlan(invalid)) => {
            ui.say(&alo_core::plan::render::render(&invalid.loaded, ui.colour()));
            let hint = "correct the plan; nothing was run";
            Err(failure::wrong(ui, &format!("`{plan}` cannot be run"), Some(hint)))
        }
        Err(error) => Err(failure::wrong(ui, &failure::chain(&error), None)),
    }
}

/// A warning of the plan behind the plan's name; `alo validate` shows the excerpt.
fn one_line(warning: &Diagnostic) -> String {
    let place = warning.span.map(|span| format!(":{}", span.start.line)).unwrap_or_default();
    let help = warning.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    format!("{place}: {}{help}", warning.message)
}
