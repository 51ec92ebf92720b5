//! Lists of a plan that people write in several ways.

use super::reader::{Reader, Shape, Spanned, Text};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::pointer::Pointer;
use crate::span::{Position, Span};
use crate::value::Value;
use crate::yaml::{Data, Entry, Node};

/// The values for a step: a list holding one map, the map itself, or several maps by mistake.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args(pub(crate) Vec<Arg>);

/// One value for a step.
#[derive(Debug, Clone)]
pub(crate) struct Arg {
    pub(crate) entry: Entry,
    pub(crate) pointer: String,
}

impl Shape for Args {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let mut args = Self::default();
        match &node.data {
            Data::Scalar(Value::Null) => return None,
            Data::Map(entries) => args.take(entries, at),
            Data::List(items) => {
                let mut maps: Vec<Span> = Vec::new();
                let before = reader.diagnostics.len();
                for (index, item) in items.iter().enumerate() {
                    let at = at.index(index);
                    match &item.data {
                        Data::Scalar(Value::Null) => {}
                        Data::Map(entries) => {
                            maps.push(item.span);
                            args.merge(entries, &at, reader);
                        }
                        _ => {
                            let help = "write `name: value`; the first argument has the dash, the others stand below it";
                            reader.wrong_type(item, &at, "an argument with its value", help);
                        }
                    }
                }
                let conflict =
                    reader.diagnostics.iter().skip(before).any(|fault| fault.code == Code::ConflictingArgs);
                if let [first, .., last] = maps.as_slice()
                    && !conflict
                {
                    reader.push(
                        Diagnostic::new(
                            Code::SplitArgs,
                            format!("`args` holds {} maps; they are taken as one", maps.len()),
                        )
                        .at(first.to(*last))
                        .pointing(at.to_string())
                        .help("put a dash before the first argument only, and align the others below it"),
                    );
                }
            }
            Data::Scalar(_) => {
                reader.wrong_type(
                    node,
                    at,
                    "a map of arguments",
                    "write each argument as `name: value` on its own line",
                );
                return None;
            }
        }
        Some(args)
    }
}

impl Args {
    fn take(&mut self, entries: &[Entry], at: &Pointer<'_>) {
        self.0.extend(
            entries
                .iter()
                .map(|entry| Arg { pointer: at.key(&entry.name()).to_string(), entry: entry.clone() }),
        );
    }

    fn merge(&mut self, entries: &[Entry], at: &Pointer<'_>, reader: &mut Reader<'_>) {
        if self.0.is_empty() {
            return self.take(entries, at);
        }
        let known: std::collections::HashMap<_, _> =
            self.0.iter().map(|arg| (arg.entry.key.to_value().identity(), arg.entry.key.span)).collect();
        for entry in entries {
            match known.get(&entry.key.to_value().identity()) {
                None => self.take(std::slice::from_ref(entry), at),
                Some(first) => {
                    let name = entry.name();
                    reader.push(
                        Diagnostic::new(
                            Code::ConflictingArgs,
                            format!("the argument `{name}` has two values"),
                        )
                        .at(entry.key.span)
                        .pointing(at.key(&name).to_string())
                        .related(*first, "first given here")
                        .help("remove one of the two"),
                    );
                }
            }
        }
    }
}

/// A list of names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(pub(crate) Vec<Spanned<String>>);

impl Shape for Names {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let name = |value: String, span, at: &Pointer<'_>| Spanned { value, span, pointer: at.to_string() };
        match &node.data {
            Data::Scalar(Value::Null) => None,
            Data::Scalar(Value::String(text)) => {
                folded(node, at, text.split_whitespace().count(), reader);
                Some(Self(each_word(node, at, reader)))
            }
            Data::List(items) => {
                let mut names = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let at = at.index(index);
                    if let Data::Map(entries) = &item.data {
                        surplus_colon(item, &at, reader);
                        names.extend(entries.iter().map(|entry| name(entry.name(), entry.key.span, &at)));
                    } else if let Some(Text(text)) = Text::read(item, &at, reader) {
                        let lines = item.span.end.line > item.span.start.line;
                        let words = text.split_whitespace().count();
                        if lines && words > 1 {
                            folded(item, &at, words, reader);
                            names.extend(each_word(item, &at, reader));
                        } else {
                            names.push(name(text, item.span, &at));
                        }
                    }
                }
                Some(Self(names))
            }
            _ => {
                reader.wrong_type(node, at, "a list of names", "write each name on its own line after `- `");
                None
            }
        }
    }
}

fn folded(node: &Node, at: &Pointer<'_>, words: usize, reader: &mut Reader<'_>) {
    let message = if words > 1 {
        format!("a list is meant, but this is one text of {words} words")
    } else {
        "a list is meant, but this is one text".to_owned()
    };
    reader.push(
        Diagnostic::new(Code::FoldedList, message)
            .at(node.span)
            .pointing(at.to_string())
            .help("put each entry on a line of its own, after `- `"),
    );
}

/// The words of a text, each with its own place.
fn each_word(node: &Node, at: &Pointer<'_>, reader: &Reader<'_>) -> Vec<Spanned<String>> {
    let written = node.span.text(reader.source);
    let mut words = Vec::new();
    for word in written.split_whitespace() {
        let start = word.as_ptr().addr() - written.as_ptr().addr() + node.span.start.offset as usize;
        let span = Span {
            start: Position::of(reader.source, start),
            end: Position::of(reader.source, start + word.len()),
        };
        let value = word.trim_matches(|c| matches!(c, '"' | '\'')).to_owned();
        words.push(Spanned { value, span, pointer: at.to_string() });
    }
    words
}

fn surplus_colon(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) {
    reader.push(
        Diagnostic::new(
            Code::SurplusColon,
            "a name is meant, but with its `:` this is a map; its key is taken",
        )
        .at(node.span)
        .pointing(at.to_string())
        .help("remove the `:`"),
    );
}

/// What a step requires: a list, or one text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requirements(pub(crate) Vec<Spanned<String>>);

impl Shape for Requirements {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(Value::Null) => None,
            Data::Scalar(Value::String(text)) => {
                folded(node, at, 1, reader);
                let spanned = Spanned { value: text.clone(), span: node.span, pointer: at.to_string() };
                Some(Self(vec![spanned]))
            }
            Data::List(items) => Some(Self(texts(items, at, reader))),
            _ => {
                reader.wrong_type(
                    node,
                    at,
                    "a list of requirements",
                    "write each one on its own line, as `- name==1.0`",
                );
                None
            }
        }
    }
}

/// Where data is: a path, or a list of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paths(pub(crate) Vec<Spanned<String>>);

impl Shape for Paths {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.data {
            Data::Scalar(Value::Null) => None,
            Data::List(items) => Some(Self(texts(items, at, reader))),
            Data::Map(_) => {
                reader.wrong_type(
                    node,
                    at,
                    "a path or a list of paths",
                    "write one path, or each path after `- `",
                );
                None
            }
            Data::Scalar(_) => {
                let Text(value) = Text::read(node, at, reader)?;
                Some(Self(vec![Spanned { value, span: node.span, pointer: at.to_string() }]))
            }
        }
    }
}

fn texts(items: &[Node], at: &Pointer<'_>, reader: &mut Reader<'_>) -> Vec<Spanned<String>> {
    let items = items.iter().enumerate();
    items
        .filter_map(|(index, item)| {
            let at = at.index(index);
            let Text(value) = Text::read(item, &at, reader)?;
            Some(Spanned { value, span: item.span, pointer: at.to_string() })
        })
        .collect()
}
