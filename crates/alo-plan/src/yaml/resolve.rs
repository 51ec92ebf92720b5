//! What a scalar means: implicit types of plain texts, and tags.

use super::number::{float, integer};
use super::timestamp::timestamp;
use crate::code::Code;
use crate::value::Value;

/// Where a scalar stands: `<<` and `=` mean something else as keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Key,
    Value,
}

/// Why a scalar has no meaning.
#[derive(Debug)]
pub(super) struct Meaningless {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: String,
}

const YAML_TAG: &str = "tag:yaml.org,2002:";
const PYTHON_TAG: &str = "tag:yaml.org,2002:python/";

/// The value of a scalar; `None` when it is its text.
pub(super) fn scalar(
    tag: Option<&str>,
    text: &str,
    plain: bool,
    role: Role,
) -> Result<Option<Value>, Meaningless> {
    match tag {
        None if !plain => Ok(None),
        // PyYAML resolves a scalar with the tag `!` as if it were plain.
        None | Some("!") => implicit(text, role),
        Some(tag) => match tag.strip_prefix(YAML_TAG) {
            Some("str") => Ok(None),
            Some(name) => explicit(name, text).unwrap_or_else(|| Err(refused(tag))).map(Some),
            None => Err(refused(tag)),
        },
    }
}

/// Whether the tag fits a list or map; what it says otherwise.
pub(super) fn collection(tag: Option<&str>, list: bool) -> Result<(), Meaningless> {
    let own = if list { "tag:yaml.org,2002:seq" } else { "tag:yaml.org,2002:map" };
    match tag {
        None | Some("!") => Ok(()),
        Some(tag) if tag == own => Ok(()),
        Some(tag) => Err(refused(tag)),
    }
}

/// Whether a plain text is read as text, so that it needs no quotes.
pub(super) fn is_text(text: &str) -> bool {
    matches!(implicit(text, Role::Value), Ok(None))
}

fn implicit(text: &str, role: Role) -> Result<Option<Value>, Meaningless> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Some(Value::Null)),
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(Some(Value::Bool(true)));
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(Some(Value::Bool(false)));
        }
        "<<" | "=" if role == Role::Value => {
            return Err(bad(text, "has a special meaning in YAML and is no value"));
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return Ok(None);
    }
    if let Some(number) = float(text) {
        return Ok(Some(Value::Float(number)));
    }
    if let Some(number) = integer(text) {
        return number.map(Some).map_err(|_| bad(text, "looks like a number and is none"));
    }
    if let Some(time) = timestamp(text, false) {
        return time.map(Some).map_err(|why| bad(text, &format!("looks like a date, but {}", why.0)));
    }
    Ok(None)
}

fn explicit(name: &str, text: &str) -> Option<Result<Value, Meaningless>> {
    Some(match name {
        "null" => Ok(Value::Null),
        "bool" => match text.to_lowercase().as_str() {
            "yes" | "true" | "on" => Ok(Value::Bool(true)),
            "no" | "false" | "off" => Ok(Value::Bool(false)),
            _ => Err(bad(text, "is no boolean")),
        },
        "int" => match integer(text) {
            Some(Ok(number)) => Ok(number),
            _ => Err(bad(text, "is no whole number")),
        },
        "float" => match float(text) {
            Some(number) => Ok(Value::Float(number)),
            // Python's `float` also takes what is no float without the tag, such as `3` and `1e3`.
            None if text.chars().all(|c| c.is_ascii_digit() || "+-_.eE".contains(c)) => {
                text.replace('_', "").parse().map(Value::Float).map_err(|_| bad(text, "is no number"))
            }
            None => Err(bad(text, "is no number")),
        },
        "timestamp" => match timestamp(text, true) {
            Some(Ok(time)) => Ok(time),
            Some(Err(why)) => Err(bad(text, &format!("is no date, {}", why.0))),
            None => Err(bad(text, "is no date")),
        },
        "binary" => {
            super::emitter::base64_decoded(text).map(Value::Bytes).ok_or_else(|| bad(text, "is no base64"))
        }
        _ => return None,
    })
}

fn bad(text: &str, why: &str) -> Meaningless {
    let shown: String = text.chars().take(40).collect();
    Meaningless {
        code: Code::BadScalar,
        message: format!("`{shown}` {why}"),
        help: format!("correct it, or put it in quotes if it is meant as text: \"{shown}\""),
    }
}

fn refused(tag: &str) -> Meaningless {
    if tag.starts_with(PYTHON_TAG) {
        return Meaningless {
            code: Code::PythonTag,
            message: format!("the tag `!!{}` would make Python objects", &tag[YAML_TAG.len()..]),
            help: "remove the tag and write a plain value: reading a plan never runs code".to_owned(),
        };
    }
    let shown = tag.strip_prefix(YAML_TAG).map_or_else(|| tag.to_owned(), |name| format!("!!{name}"));
    Meaningless {
        code: Code::UnknownTag,
        message: format!("the tag `{shown}` has no meaning here"),
        help: "remove the tag, or put the value in quotes if the `!` belongs to it".to_owned(),
    }
}
