//! YAML as PyYAML reads it: nodes with the place of every key and value, and scalars by the rules of YAML 1.1.
//!
//! Every existing plan was written for PyYAML's `FullLoader`. No published parser with positions reads what that
//! loader reads (`docs/design/plan-parsing.md` has the measurements), so the scanner here follows its rules:
//! `cursor` → `scanner` (with `scalar` and `property`) → `composer` → `Node`; `resolve` gives scalars
//! their meaning. Reading never runs code, and its memory and time are bounded.

mod collection;
mod composer;
mod cursor;
mod emitter;
mod misplaced;
mod node;
mod number;
mod path;
mod property;
mod resolve;
mod scalar;
mod scanner;
mod timestamp;
mod token;

pub(crate) use composer::compose;
pub(crate) use emitter::Emitter;
pub(crate) use node::{Data, Entry, Node};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::value::Value;

/// The largest text that is read, in bytes: 16 MiB.
pub const LARGEST_TEXT: usize = 16 << 20;

/// The deepest nesting of lists and maps that is read.
pub const DEEPEST_NESTING: usize = 100;

/// A breach of the syntax; boxed because it is rare and large.
type Fault = Box<Diagnostic>;

fn fault(code: Code, message: impl Into<String>, span: Span) -> FaultBuilder {
    FaultBuilder(Box::new(Diagnostic::new(code, message).at(span)))
}

/// Builds a boxed fault; every fault of the syntax has a help.
struct FaultBuilder(Fault);

impl FaultBuilder {
    fn help(mut self, help: impl Into<String>) -> Fault {
        self.0.help = Some(help.into());
        self.0
    }

    fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.0.related = Some((span, label.into()));
        self
    }
}

/// Reads any YAML text into a value, with the meaning PyYAML's `FullLoader` gives it. An empty text is null.
///
/// Duplicate keys keep their last value, as in PyYAML.
///
/// # Errors
///
/// All faults of the text, in order, when there is any that PyYAML would refuse too (or a limit is exceeded).
///
/// ```
/// use alo_plan::Value;
///
/// let value = alo_plan::yaml::parse_value("on: 010").unwrap();
/// let Value::Map(map) = value else { panic!("a map") };
/// assert_eq!(map.iter().next(), Some((&Value::Bool(true), &Value::Int(8))));
/// ```
pub fn parse_value(text: &str) -> Result<Value, Vec<Diagnostic>> {
    let composed = compose(text);
    let mut errors: Vec<_> = composed.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    if errors.is_empty() {
        return Ok(composed.root.map_or(Value::Null, |root| root.to_value()));
    }
    crate::diagnostic::in_order(&mut errors);
    Err(errors)
}
