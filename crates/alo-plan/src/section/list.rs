//! Lists of a plan that people write in several ways.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};

use super::reader::{Reader, Shape, Spanned, Text};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::pointer::Pointer;
use crate::span::{Position, Span, narrow};
use crate::value::{KeyIdentity, Value};
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
                let mut known = HashMap::new();
                let before = reader.diagnostics.len();
                for (index, item) in items.iter().enumerate() {
                    let at = at.index(index);
                    match &item.data {
                        Data::Scalar(Value::Null) => {}
                        Data::Map(entries) => {
                            maps.push(item.span);
                            args.merge(entries, &mut known, &at, reader);
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

    /// Takes the entries whose keys are new; `known` says where each key was first given.
    fn merge(
        &mut self,
        entries: &[Entry],
        known: &mut HashMap<KeyIdentity, Span>,
        at: &Pointer<'_>,
        reader: &mut Reader<'_>,
    ) {
        for entry in entries {
            match known.entry(entry.key.to_value().identity()) {
                Vacant(new) => {
                    new.insert(entry.key.span);
                    self.take(std::slice::from_ref(entry), at);
                }
                Occupied(first) => {
                    let name = entry.name();
                    reader.push(
                        Diagnostic::new(
                            Code::ConflictingArgs,
                            format!("the argument `{name}` has two values"),
                        )
                        .at(entry.key.span)
                        .pointing(at.key(&name).to_string())
                        .related(*first.get(), "first given here")
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
    let mut place = node.span.start;
    for piece in written.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let end = Position {
            column: place.column + narrow(word.chars().count()),
            offset: place.offset + narrow(word.len()),
            ..place
        };
        if !word.is_empty() {
            let value = word.trim_matches(|c| matches!(c, '"' | '\'')).to_owned();
            words.push(Spanned { value, span: Span { start: place, end }, pointer: at.to_string() });
        }
        place.offset += narrow(piece.len());
        place.column += narrow(piece.chars().count());
        if piece.ends_with('\n') {
            place.line += 1;
            place.column = 1;
        }
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
