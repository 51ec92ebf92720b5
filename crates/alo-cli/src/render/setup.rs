//! Which news of a set-up people want to see, and how.

use alo_core::assets::SetupEvent;

/// A line for the screen; nothing for what only the log needs.
pub(super) fn line(event: &SetupEvent) -> Option<String> {
    match event {
        SetupEvent::InstallerOutput { .. } | SetupEvent::CodeReady { cached: true, .. } => None,
        SetupEvent::Warning { message } => Some(format!("warning: {message}")),
        other => Some(other.to_string()),
    }
}
