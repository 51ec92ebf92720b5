//! Ctrl-C and its like.

use alo_core::CancelToken;

use crate::ui::{Paint, Ui};

/// The first Ctrl-C, SIGTERM or SIGHUP asks what goes on to stop.
pub(super) fn cancel_on_signals(ui: &Ui) -> CancelToken {
    let cancel = CancelToken::new();
    let asked = cancel.clone();
    if let Err(error) = ctrlc::set_handler(move || asked.cancel()) {
        ui.say(&format!("{} signals are not handled: {error}", ui.paint(Paint::Warning, "warning:")));
    }
    cancel
}
