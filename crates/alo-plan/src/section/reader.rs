//! What reading the sections shares: the text, the faults found so far, and the words for common faults.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::pointer::Pointer;
use crate::similar;
use crate::span::Span;
use crate::value::Value;
use crate::yaml::{Data, Entry, Node};

/// A value and the place it was read from.
#[derive(Debug, Clone)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
    pub(crate) pointer: String,
}

/// Collects faults while sections are read.
pub(crate) struct Reader<'a> {
    pub(crate) source: &'a str,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A shape that a node can have.
pub(crate) trait Shape: Sized {
    /// Reads the node; `None` when it is null or wrong, and then the fault is reported.
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self>;
}

impl<T: Shape> Shape for Spanned<T> {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let value = T::read(node, at, reader)?;
        Some(Self { value, span: node.span, pointer: at.to_string() })
    }
}

/// With more faults than that, names are not proposed any more: the plan is hostile or another language.
const MOST_PROPOSED: usize = 1000;

impl Reader<'_> {
    /// At most two names that are close to the wrong one, the closest first.
    pub(crate) fn similar<'k>(&self, wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
        if self.diagnostics.len() > MOST_PROPOSED { Vec::new() } else { similar(wrong, known) }
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The text of a node as written, cut to a length fit for a message.
    pub(crate) fn shown(&self, node: &Node) -> String {
        let written = node.span.text(self.source);
        let line = written.lines().next().unwrap_or_default();
        let mut shown: String = line.chars().take(40).collect();
        if shown.len() < written.len() {
            shown.push('…');
        }
        shown
    }

    /// A value of the wrong type.
    pub(crate) fn wrong_type(
        &mut self,
        node: &Node,
        at: &Pointer<'_>,
        wanted: &str,
        help: impl Into<String>,
    ) {
        let found = node.kind();
        self.push(
            Diagnostic::new(Code::WrongType, format!("{wanted} is expected here, not {found}"))
                .at(node.span)
                .pointing(at.to_string())
                .help(help),
        );
    }

    /// A value that is none of those allowed; one that is close is proposed.
    pub(crate) fn wrong_value(&mut self, node: &Node, at: &Pointer<'_>, allowed: &[&str]) {
        let shown = self.shown(node);
        let list = allowed.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" or ");
        let help = match self.similar(&shown, allowed.iter().copied()).first() {
            Some(close) => format!("did you mean `{close}`? Allowed: {list}"),
            None => format!("write {list}"),
        };
        let name = at.last_key().unwrap_or("value");
        self.push(
            Diagnostic::new(Code::WrongValue, format!("`{shown}` is no value of `{name}`"))
                .at(node.span)
                .pointing(at.to_string())
                .help(help),
        );
    }

    /// A key that nobody knows.
    pub(crate) fn unknown_key<'k>(
        &mut self,
        code: Code,
        entry: &Entry,
        at: &Pointer<'_>,
        owner: &str,
        known: impl IntoIterator<Item = &'k str> + Clone,
    ) {
        let name = entry.name();
        let close = self.similar(&name, known.clone());
        let help = if close.is_empty() {
            let known: Vec<_> = known.into_iter().map(|key| format!("`{key}`")).collect();
            format!("known here: {}", known.join(", "))
        } else {
            let close: Vec<_> = close.iter().map(|key| format!("`{key}`")).collect();
            format!("did you mean {}?", close.join(" or "))
        };
        self.push(
            Diagnostic::new(code, format!("`{name}` is no key of {owner} and is ignored"))
                .at(entry.key.span)
                .pointing(at.key(&name).to_string())
                .help(help),
        );
    }
}

/// Text: a string, or the text of a number, date or boolean as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Shape for Text {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(Value::Null) => None,
            Data::Scalar(Value::String(text)) => Some(Self(text.clone())),
            Data::Scalar(value) if !matches!(value, Value::Bytes(_)) => {
                let written = reader.shown(node);
                reader.push(
                    Diagnostic::new(
                        Code::UnquotedText,
                        format!("`{written}` is {} to YAML; it is taken as text", value.kind()),
                    )
                    .at(node.span)
                    .pointing(at.to_string())
                    .help(format!("put it in quotes: \"{written}\"")),
                );
                Some(Self(node.span.text(reader.source).to_owned()))
            }
            _ => {
                reader.wrong_type(
                    node,
                    at,
                    "text",
                    "write one text, in quotes if it holds `:`, `#` or brackets",
                );
                None
            }
        }
    }
}

/// `True` or `False`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

impl Shape for Flag {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(Value::Null) => None,
            Data::Scalar(Value::Bool(flag)) => Some(Self(*flag)),
            _ => {
                reader.wrong_type(node, at, "a boolean", "write `True` or `False`, without quotes");
                None
            }
        }
    }
}

/// A whole number of megabytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Megabytes(pub(crate) u64);

impl Shape for Megabytes {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(Value::Null) => None,
            Data::Scalar(Value::Int(number)) => {
                if let Ok(number) = u64::try_from(*number) {
                    return Some(Self(number));
                }
                let shown = reader.shown(node);
                reader.push(
                    Diagnostic::new(Code::WrongValue, format!("`{shown}` MB is no size of the history"))
                        .at(node.span)
                        .pointing(at.to_string())
                        .help("write a whole number of megabytes, such as `1000`; `0` keeps only what is needed"),
                );
                None
            }
            _ => {
                let help = "write a whole number of megabytes without a unit, such as `1000`";
                reader.wrong_type(node, at, "a whole number", help);
                None
            }
        }
    }
}

/// Any value, kept as it is.
#[derive(Debug, Clone)]
pub(crate) struct Anything(pub(crate) Node);

impl Shape for Anything {
    fn read(node: &Node, _: &Pointer<'_>, _: &mut Reader<'_>) -> Option<Self> {
        Some(Self(node.clone()))
    }
}

/// A list of items; null is an empty list.
#[derive(Debug, Clone)]
pub(crate) struct Items<T>(pub(crate) Vec<Spanned<T>>);

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Shape> Shape for Items<T> {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(Value::Null) => None,
            Data::List(items) => {
                let items = items.iter().enumerate();
                let read = items.filter_map(|(index, item)| Spanned::read(item, &at.index(index), reader));
                Some(Self(read.collect()))
            }
            _ => {
                reader.wrong_type(node, at, "a list", "start each entry on a line of its own with `- `");
                None
            }
        }
    }
}
