//! The set-up without a run, as `alo fetch` and `alo update` do it.

use std::io;

use alo_core::assets::Machine;
use alo_core::{FetchReport, Project, RunFailure, RunOptions, fetch};

use crate::exit_code::Exit;
use crate::format::Format;
use crate::render::{events, failure, json};
use crate::ui::Ui;

/// What is to be set up, and how.
pub(super) struct Wanted {
    pub(super) project: Project,
    pub(super) machine: Machine,
    pub(super) options: RunOptions,
    pub(super) format: Format,
}

/// Makes code and environments ready and shows what they are.
pub(super) fn set_up(wanted: &Wanted, ui: &Ui, show: impl Fn(&FetchReport, &Ui)) -> Exit {
    let Wanted { project, machine, options, format } = wanted;
    let result = match format {
        Format::Json => fetch(machine, project, options, &mut json::Lines::new(io::stdout())),
        Format::Human => fetch(machine, project, options, &mut events::Screen::new(ui)),
    };
    ui.idle();
    match result {
        Ok(report) => {
            if *format == Format::Human {
                show(&report, ui);
            }
            Exit::Success
        }
        Err(error) => failure::show(&RunFailure::new(error), ui),
    }
}
