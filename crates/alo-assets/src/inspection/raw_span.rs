//! Places in a file as Python tells them.

use alo_plan::{Position, Span};
use serde::Deserialize;

/// A span as Python tells it.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct RawSpan {
    start: RawPosition,
    end: RawPosition,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct RawPosition {
    line: u32,
    column: u32,
    offset: u32,
}

impl RawSpan {
    /// The span in the text it was told with; `None` should it not be of that text.
    pub(super) fn of(self, text: &str) -> Option<Span> {
        let place = |raw: RawPosition| Position { line: raw.line, column: raw.column, offset: raw.offset };
        let span = Span { start: place(self.start), end: place(self.end) };
        text.get(span.range()).map(|_| span)
    }
}
