//! A value of a plan, as PyYAML's loader makes it: what an asset gets as an argument.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

/// A plain value. Serialises for people and records: dates and other values YAML has and JSON has not become text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Empty, `~` or `null`.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number outside `i64`, in decimal digits with an optional `-`.
    BigInt(String),
    /// A number with a fraction, infinity or not-a-number.
    Float(f64),
    /// Text.
    String(String),
    /// `!!binary`: bytes.
    Bytes(Vec<u8>),
    /// A calendar date, `YYYY-MM-DD`.
    Date(String),
    /// A date and time in ISO 8601, with an offset if the plan has one.
    DateTime(String),
    /// A list.
    List(Vec<Value>),
    /// A map.
    Map(Map),
}

/// A map that keeps the order of the plan. Keys may be any plain value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map(Vec<(Value, Value)>);

impl Map {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Value, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The value of a text key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|(k, _)| matches!(k, Value::String(k) if k == key)).map(|(_, value)| value)
    }

    /// Sets a key; an existing key keeps its place and gets the new value, which is returned replaced.
    pub fn insert(&mut self, key: impl Into<Value>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        if let Some((_, old)) = self.0.iter_mut().find(|(k, _)| *k == key) {
            return Some(std::mem::replace(old, value));
        }
        self.0.push((key, value));
        None
    }
}

impl Map {
    /// Takes entries whose keys are known to differ.
    pub(crate) fn from_distinct(entries: Vec<(Value, Value)>) -> Self {
        Self(entries)
    }
}

/// What makes a key the same key for Python: `1`, `1.0` and `True` are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum KeyIdentity {
    Null,
    Int(i64),
    BigInt(String),
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    Time(String),
    /// Lists and maps are no keys in Python.
    Collection,
}

impl Value {
    /// What kind of value it is, as a message names it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::BigInt(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::String(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Date(_) => "a date",
            Self::DateTime(_) => "a date and time",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    pub(crate) fn identity(&self) -> KeyIdentity {
        match self {
            Self::Null => KeyIdentity::Null,
            Self::Bool(flag) => KeyIdentity::Int(i64::from(*flag)),
            Self::Int(number) => KeyIdentity::Int(*number),
            Self::Float(number) => {
                whole(*number).map_or(KeyIdentity::Float(number.to_bits()), KeyIdentity::Int)
            }
            Self::BigInt(text) => KeyIdentity::BigInt(text.clone()),
            Self::String(text) => KeyIdentity::Text(text.clone()),
            Self::Bytes(bytes) => KeyIdentity::Bytes(bytes.clone()),
            Self::Date(text) | Self::DateTime(text) => KeyIdentity::Time(text.clone()),
            Self::List(_) | Self::Map(_) => KeyIdentity::Collection,
        }
    }
}

/// The number as a whole number when it is one that a float holds exactly.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() != 0.0 || number.abs() > EXACT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above: it is whole and far inside i64")]
    Some(number as i64)
}

impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Float(number) => serializer.serialize_str(&non_finite(*number)),
            Self::BigInt(text) | Self::String(text) | Self::Date(text) | Self::DateTime(text) => {
                serializer.serialize_str(text)
            }
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Map(map) => map.serialize(serializer),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(&key.to_string(), value)?;
        }
        map.end()
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) if number.is_finite() => write!(f, "{number:?}"),
            Self::Float(number) => f.write_str(&non_finite(*number)),
            Self::BigInt(text) | Self::String(text) | Self::Date(text) | Self::DateTime(text) => {
                f.write_str(text)
            }
            other => f.write_str(&serde_json::to_string(other).map_err(|_| std::fmt::Error)?),
        }
    }
}

fn non_finite(number: f64) -> String {
    if number.is_nan() {
        "nan".into()
    } else if number > 0.0 {
        "inf".into()
    } else {
        "-inf".into()
    }
}
