//! The set-up without a run, as `alo fetch` and `alo update` do it.

use std::io;

use alo_core::{FetchReport, Project, RunFailure, RunOptions, fetch};

use super::setup_args::SetupArgs;
use super::signals::cancel_on_signals;
use crate::cli::Format;
use crate::exit_code::Exit;
use crate::machine::machine;
use crate::render::{events, failure, json};
use crate::ui::Ui;

/// What is to be set up, and how.
pub(super) struct Wanted<'a> {
    pub(super) project: &'a Project,
    pub(super) setup: &'a SetupArgs,
    pub(super) options: RunOptions,
    pub(super) format: Format,
}

/// Makes code and environments ready and shows what they are.
pub(super) fn set_up(wanted: Wanted<'_>, ui: &Ui, show: impl Fn(&FetchReport, &Ui)) -> Exit {
    let mut machine = match machine() {
        Ok(machine) => machine,
        Err(message) => return failure::wrong(ui, &message, None),
    };
    wanted.setup.apply(&mut machine);
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    let options = RunOptions { cancel: cancel_on_signals(ui), command, ..wanted.options };
    let result = match wanted.format {
        Format::Json => fetch(&machine, wanted.project, &options, &mut json::Lines::new(io::stdout())),
        Format::Human => fetch(&machine, wanted.project, &options, &mut events::Screen::new(ui)),
    };
    ui.idle();
    match result {
        Ok(report) => {
            if wanted.format == Format::Human {
                show(&report, ui);
            }
            Exit::Success
        }
        Err(error) => failure::show(&RunFailure { error, report: None, log: None }, ui),
    }
}
