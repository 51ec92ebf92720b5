//! Maps with known keys: one declaration gives the Rust type, its reading and its JSON Schema.

use std::collections::HashMap;

use super::old::{Old, old_key};
use super::reader::Reader;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::pointer::Pointer;
use crate::span::Span;
use crate::value::Value;
use crate::yaml::{Data, Entry, Node};

/// A map with known keys.
pub(crate) trait Keyed: Default {
    /// What the map is called in a message, such as "`control`".
    const OWNER: &'static str;
    /// The kind of fault that an unknown key is.
    const UNKNOWN: Code;
    /// The keys to propose for a wrong one.
    const KEYS: &'static [&'static str];

    /// Takes the value of a key; says whether the key is known.
    fn set(&mut self, key: &str, value: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> bool;
}

/// Declares a map with known keys.
macro_rules! keyed {
    (
        $(#[$meta:meta])*
        $name:ident, $owner:literal, $unknown:ident {
            $($(#[$field_meta:meta])* $field:ident = $key:literal: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_meta])* #[schemars(rename = $key)] pub(crate) $field: Option<Spanned<$type>>,)*
        }

        impl Keyed for $name {
            const OWNER: &'static str = $owner;
            const UNKNOWN: Code = Code::$unknown;
            const KEYS: &'static [&'static str] = &[$($key,)*];

            fn set(&mut self, key: &str, value: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> bool {
                match key {
                    $($key => self.$field = Shape::read(value, at, reader),)*
                    _ => return false,
                }
                true
            }
        }

        impl Shape for $name {
            fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
                read_map(node, at, reader)
            }
        }
    };
}
pub(crate) use keyed;

/// Reads a map; anything else is a fault, null is nothing.
pub(super) fn read_map<T: Keyed>(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<T> {
    match &node.data {
        Data::Scalar(Value::Null) => None,
        Data::Map(entries) => {
            let mut keyed = T::default();
            let mut seen = HashMap::new();
            fill(&mut keyed, entries, at, &mut seen, reader);
            Some(keyed)
        }
        _ => {
            wrong_shape::<T>(node, at, reader);
            None
        }
    }
}

/// A section: a list of one-key maps, or a map; several maps mean what one map of all their keys means.
#[derive(Debug, Clone)]
pub(crate) struct Section<T>(pub(crate) T);

impl<T: Keyed> super::reader::Shape for Section<T> {
    fn read(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let Data::List(items) = &node.data else {
            return read_map(node, at, reader).map(Self);
        };
        let mut keyed = T::default();
        let mut seen = HashMap::new();
        for (index, item) in items.iter().enumerate() {
            let at = at.index(index);
            match &item.data {
                Data::Scalar(Value::Null) => {}
                Data::Map(entries) => fill(&mut keyed, entries, &at, &mut seen, reader),
                _ => wrong_shape::<T>(item, &at, reader),
            }
        }
        Some(Self(keyed))
    }
}

fn fill<T: Keyed>(
    keyed: &mut T,
    entries: &[Entry],
    at: &Pointer<'_>,
    seen: &mut HashMap<String, Span>,
    reader: &mut Reader<'_>,
) {
    let mut outside = false;
    for entry in entries {
        let name = entry.name();
        let place = at.key(&name);
        if let Some(first) = seen.get(&name) {
            reader.push(
                Diagnostic::new(
                    Code::DuplicateKey,
                    format!("the key `{name}` is given twice; the last value counts"),
                )
                .at(entry.key.span)
                .pointing(place.to_string())
                .related(*first, "first given here")
                .help("remove one of the two"),
            );
        }
        seen.insert(name.clone(), entry.key.span);
        if let Some(old) = old_key(T::OWNER, &name) {
            note_old(&name, &old, entry, &place, reader);
        }
        if keyed.set(&name, &entry.value, &place, reader) {
            continue;
        }
        match (T::UNKNOWN, name.as_str()) {
            (Code::UnknownPipeline, "step" | "source" | "args") => {
                if !outside {
                    step_outside(entry, &place, T::OWNER, reader);
                }
                outside = true;
            }
            (code, _) => reader.unknown_key(code, entry, at, T::OWNER, current_keys::<T>()),
        }
    }
}

/// The keys that are not old ones.
fn current_keys<T: Keyed>() -> impl Iterator<Item = &'static str> + Clone {
    T::KEYS.iter().copied().filter(|key| old_key(T::OWNER, key).is_none())
}

fn note_old(name: &str, old: &Old, entry: &Entry, place: &Pointer<'_>, reader: &mut Reader<'_>) {
    let diagnostic = match old {
        Old::Renamed(new) => Diagnostic::new(Code::OldKey, format!("`{name}` is the old name of `{new}`"))
            .help(format!("rename it: `{new}`")),
        Old::Useless(why) => {
            Diagnostic::new(Code::UselessKey, format!("`{name}` has no effect: {why}")).help("remove it")
        }
    };
    reader.push(diagnostic.at(entry.key.span).pointing(place.to_string()));
}

fn step_outside(entry: &Entry, place: &Pointer<'_>, owner: &str, reader: &mut Reader<'_>) {
    reader.push(
        Diagnostic::new(
            Code::StepOutsidePipeline,
            format!("the step stands in {owner} itself, not in one of its pipelines"),
        )
        .at(entry.key.span.to(entry.value.span))
        .pointing(place.to_string())
        .help("put it below `- train_pipeline:` or `- inference_pipeline:`, indented"),
    );
}

fn wrong_shape<T: Keyed>(node: &Node, at: &Pointer<'_>, reader: &mut Reader<'_>) {
    let first = current_keys::<T>().next().unwrap_or("key");
    reader.wrong_type(
        node,
        at,
        &format!("a map for {}", T::OWNER),
        format!("write keys with values, such as `{first}: …`"),
    );
}
