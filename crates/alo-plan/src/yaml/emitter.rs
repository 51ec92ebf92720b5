//! Values to YAML text that PyYAML reads back as the same values.
//!
//! `serde_yaml` quotes by the rules of YAML 1.2: it leaves `2022-08-22`, `010`, `1:30` and `=` bare, which PyYAML
//! would read as something else. What is emitted here is checked by the resolver that reads plans.

use std::fmt::Write as _;

use super::resolve::is_text;
use crate::value::{Map, Value};

/// The longest key that needs no `?` before it.
const LONGEST_SIMPLE_KEY: usize = 128;

/// Writes block-style YAML, two spaces a level.
#[derive(Debug, Default)]
pub(crate) struct Emitter {
    out: String,
}

impl Emitter {
    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// Writes a whole document.
    pub(crate) fn document(&mut self, map: &Map) {
        if map.is_empty() {
            self.out.push_str("{}\n");
        }
        self.map(map, 0);
    }

    fn map(&mut self, map: &Map, indent: usize) {
        for (at, (key, value)) in map.iter().enumerate() {
            if at > 0 || indent == 0 {
                self.indent(indent);
            }
            let key = scalar(key);
            if key.len() > LONGEST_SIMPLE_KEY {
                let _ = write!(self.out, "? {key}\n{:indent$}", "");
            } else {
                self.out.push_str(&key);
            }
            self.out.push(':');
            self.value(value, indent + 2);
        }
    }

    fn list(&mut self, items: &[Value], indent: usize) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.indent(indent);
            }
            self.out.push('-');
            match item {
                Value::Map(map) if !map.is_empty() => {
                    self.out.push(' ');
                    self.map(map, indent + 2);
                }
                Value::List(items) if !items.is_empty() => {
                    self.out.push(' ');
                    self.list(items, indent + 2);
                }
                other => self.value(other, indent + 2),
            }
        }
    }

    fn value(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Map(map) if !map.is_empty() => {
                self.out.push('\n');
                self.indent(indent);
                self.map(map, indent);
            }
            Value::List(items) if !items.is_empty() => {
                self.out.push('\n');
                self.indent(indent);
                self.list(items, indent);
            }
            other => {
                let _ = writeln!(self.out, " {}", scalar(other));
            }
        }
    }

    fn indent(&mut self, indent: usize) {
        let _ = write!(self.out, "{:indent$}", "");
    }
}

/// A value on one line.
fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::BigInt(text) | Value::Date(text) | Value::DateTime(text) => text.clone(),
        Value::String(text) => quoted_if_needed(text),
        Value::Bytes(bytes) => format!("!!binary \"{}\"", base64(bytes)),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(scalar).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<_> = map.iter().map(|(k, v)| format!("{}: {}", scalar(k), scalar(v))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// YAML 1.1 wants a dot in every float and a sign in every exponent.
fn float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{number:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let mantissa = if mantissa.contains('.') { mantissa.to_owned() } else { format!("{mantissa}.0") };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}e{sign}{exponent}")
}

fn quoted_if_needed(text: &str) -> String {
    let bare = text.chars().all(|c| c.is_alphanumeric() || " _-./@+=<>~%*()".contains(c))
        && text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/'))
        && !text.ends_with(' ')
        && !text.starts_with("...")
        && is_text(text);
    // A URL or `name: value` has a colon; only the first is safe bare.
    let url = text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.chars().all(|c| c.is_ascii_alphabetic())
            && !scheme.is_empty()
            && rest.chars().all(|c| c.is_ascii_alphanumeric() || "-._~/@%+=".contains(c))
    });
    if bare || url { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            _ if c.is_alphanumeric() => out.push(c),
            _ => {
                let code = u32::from(c);
                let _ =
                    if code > 0xffff { write!(out, "\\U{code:08X}") } else { write!(out, "\\u{code:04X}") };
            }
        }
    }
    out.push('"');
    out
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let six = (word >> (18 - 6 * at)) & 63;
            out.push(if at <= chunk.len() { char::from(ALPHABET[six as usize]) } else { '=' });
        }
    }
    out
}

/// Undoes base64 as Python's `decodebytes` does: characters outside of the alphabet are skipped.
pub(super) fn base64_decoded(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() {
        return None;
    }
    let mut out = Vec::new();
    let (mut word, mut bits, mut sixes, mut padding) = (0_u32, 0, 0_usize, 0_usize);
    for byte in text.bytes() {
        if byte == b'=' {
            padding += 1;
            if sixes % 4 >= 2 && sixes % 4 + padding >= 4 {
                sixes = 0;
                break;
            }
            continue;
        }
        let Some(six) = ALPHABET.iter().position(|letter| *letter == byte) else { continue };
        padding = 0;
        word = word << 6 | u32::try_from(six).unwrap_or(0);
        sixes += 1;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(word >> bits & 0xff).unwrap_or(0));
        }
    }
    (sixes % 4 == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bare_only_where_pyyaml_reads_them_as_texts() {
        for bare in
            ["a", "a b", "1e3", "none", "pandas==1.5.3", "./data/train", "https://host/a.git", "가나", "v1.0"]
        {
            assert_eq!(quoted_if_needed(bare), bare);
        }
        for text in [
            "",
            "yes",
            "010",
            "1.",
            "2022-08-22",
            "1:30",
            "=",
            "a: b",
            "a #b",
            "- a",
            "a ",
            "a\nb",
            "~",
            "@a",
        ] {
            assert!(quoted_if_needed(text).starts_with('"'), "{text:?}");
        }
        assert_eq!(quoted("\u{85}\u{1f600}\"\\\t"), r#""\u0085\U0001F600\"\\\t""#);
    }

    #[test]
    fn floats_have_a_dot_and_a_signed_exponent() {
        assert_eq!(float(1e300), "1.0e+300");
        assert_eq!(float(-1.5e-7), "-1.5e-7");
        assert_eq!(float(3.0), "3.0");
        assert_eq!(float(f64::NEG_INFINITY), "-.inf");
    }

    #[test]
    fn base64_is_undone_as_python_does() {
        assert_eq!(base64(b"hello"), "aGVsbG8=");
        assert_eq!(base64_decoded("aGVs\nbG8="), Some(b"hello".to_vec()));
        assert_eq!(base64_decoded("aGVsbG8"), None);
        assert_eq!(base64_decoded("가"), None);
    }
}
