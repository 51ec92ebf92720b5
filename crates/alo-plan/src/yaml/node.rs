//! The tree of a document: values with their places.

use std::rc::Rc;

use crate::span::Span;
use crate::value::{Map, Value};

/// A value and its place. Copies are cheap: an alias shares what its anchor names.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) data: Data,
}

#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Anything but a list or a map.
    Scalar(Value),
    List(Rc<[Node]>),
    /// Without merge keys and duplicates.
    Map(Rc<[Entry]>),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Node,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.data, Data::Scalar(Value::Null))
    }

    /// What kind of value it is, as a message names it.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Scalar(value) => value.kind(),
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => Value::List(items.iter().map(Self::to_value).collect()),
            Data::Map(entries) => Value::Map(Map::from_distinct(
                entries.iter().map(|entry| (entry.key.to_value(), entry.value.to_value())).collect(),
            )),
        }
    }
}

impl Entry {
    /// The key as text.
    pub(crate) fn name(&self) -> String {
        match &self.key.data {
            Data::Scalar(value) => value.to_string(),
            _ => String::new(),
        }
    }
}
