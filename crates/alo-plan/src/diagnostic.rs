//! Faults of a plan: what is wrong, where, and what to write instead. They need no terminal.

use serde::Serialize;

use crate::code::Code;
use crate::severity::Severity;
use crate::span::Span;

/// One fault of one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The stable name of the kind of fault; `docs/diagnostics.md` explains each.
    pub code: Code,
    /// What is wrong: one line, lower case, literals in backticks.
    pub message: String,
    /// What to write or to do.
    pub help: Option<String>,
    /// Where in the document: a JSON pointer (RFC 6901) into the document as YAML has it. Empty is the root, or unknown.
    pub pointer: String,
    /// Where in the text; `None` when the fault is not of the text (the file does not exist).
    pub span: Option<Span>,
    /// A second place that explains the fault, such as the first of two equal names, and what it is.
    #[serde(skip)]
    pub related: Option<(Span, String)>,
}

impl Diagnostic {
    /// Starts a fault of that kind with the severity of its kind.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            message: message.into(),
            help: None,
            pointer: String::new(),
            span: None,
            related: None,
        }
    }

    /// Says where in the text it is.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Says where in the document it is.
    #[must_use]
    pub fn pointing(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// Adds what to write or to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a second place that explains the fault.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related = Some((span, label.into()));
        self
    }

    /// Whether it makes the plan invalid.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Puts faults in the order of the text; those without a place come first, and each is said once.
pub(crate) fn in_order(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by_key(|fault| fault.span.map(|span| (span.start.offset, span.end.offset)));
    let mut seen = std::collections::HashSet::new();
    diagnostics.retain(|fault| seen.insert((fault.span, fault.code, fault.message.clone())));
}
