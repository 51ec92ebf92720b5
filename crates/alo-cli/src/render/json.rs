//! The events of a run as JSON, one a line, for programs.

use std::io::Write;

use alo_core::{Event, Observer};
use serde::Serialize;

/// Writes each event as a line.
pub(crate) struct Lines<W> {
    out: W,
}

impl<W: Write> Lines<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Lines<W> {
    /// Writes anything as a line.
    pub(crate) fn line(&mut self, event: &impl Serialize) {
        if let Ok(line) = serde_json::to_string(event) {
            // A reader that has gone must not stop the run.
            let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
        }
    }
}

impl<W: Write> Observer for Lines<W> {
    fn event(&mut self, event: &Event) {
        self.line(event);
    }
}
