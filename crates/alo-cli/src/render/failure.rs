//! What went wrong: what, where, what to do.

use std::error::Error;

pub(crate) use alo_core::error_chain as chain;
use alo_core::{RunError, RunFailure, StepFailure};

use crate::exit_code::Exit;
use crate::ui::{Paint, Ui};

/// Says that the command line or the plan is wrong.
pub(crate) fn wrong(ui: &Ui, message: &str, hint: Option<&str>) -> Exit {
    ui.say(&format!("{} {message}", ui.paint(Paint::Error, "error:")));
    if let Some(hint) = hint {
        ui.say(&format!("{} {hint}", ui.paint(Paint::Hint, "hint:")));
    }
    Exit::Wrong
}

/// Says that something could not be done.
pub(crate) fn failed(ui: &Ui, message: &str) -> Exit {
    ui.say(&format!("{} {message}", ui.paint(Paint::Error, "error:")));
    Exit::RunFailed
}

/// Says that something could not be done, and what to do about it.
pub(crate) fn refused(ui: &Ui, message: &str, hint: Option<&str>) -> Exit {
    let exit = failed(ui, message);
    if let Some(hint) = hint {
        ui.say(&format!("{} {hint}", ui.paint(Paint::Hint, "hint:")));
    }
    exit
}

/// Shows a run that did not succeed; it is the last thing on the screen.
pub(crate) fn show(failed: &RunFailure, ui: &Ui) -> Exit {
    let error = &failed.error;
    ui.say("");
    match error {
        RunError::Step(step) if !error.is_interruption() => show_step(step, ui),
        _ => {
            ui.say(&format!("{} {error}", ui.paint(Paint::Error, "error:")));
            let mut source = error.source();
            while let Some(cause) = source {
                ui.say(&format!("  {} {cause}", ui.paint(Paint::Strong, "caused by:")));
                source = cause.source();
            }
        }
    }
    if let Some(excerpt) = error.excerpt() {
        ui.say(excerpt);
    }
    for hint in error.hint().into_iter().chain(failed.kept.clone()).chain(failed.resume_hint()) {
        ui.say(&format!("{} {hint}", ui.paint(Paint::Hint, "hint:")));
    }
    if let Some(log) = &failed.log {
        ui.say(&format!("{} {log}", ui.paint(Paint::Strong, "log:")));
    }
    exit(error)
}

fn show_step(step: &StepFailure, ui: &Ui) {
    ui.say(&format!("{} step `{}` failed", ui.paint(Paint::Error, "error:"), step.step));
    if let Some(traceback) = &step.traceback {
        ui.say("");
        ui.say(traceback.trim_end());
        ui.say("");
    }
    ui.say(&format!("{} {}", ui.paint(Paint::Strong, "cause:"), step.cause));
}

fn exit(error: &RunError) -> Exit {
    match error {
        _ if error.is_interruption() => Exit::Interrupted,
        RunError::NothingToRun { .. } | RunError::UnknownStep { .. } | RunError::OfflineUpdate => Exit::Wrong,
        _ => Exit::RunFailed,
    }
}
