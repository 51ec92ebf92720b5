//! `str()` and `repr()` of plain values, as Python gives them: what `check_args(chng_type="str")` hands to an asset.

use alo_plan::Value;

/// Python's `str(value)`.
pub(crate) fn python_str(value: &Value) -> String {
    match value {
        Value::String(text) | Value::Date(text) => text.clone(),
        Value::DateTime(text) => text.replacen('T', " ", 1),
        other => python_repr(other),
    }
}

/// Python's `repr(value)`; dates show as their text.
fn python_repr(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(flag) => if *flag { "True" } else { "False" }.into(),
        Value::Int(number) => number.to_string(),
        Value::BigInt(digits) => digits.clone(),
        Value::Float(number) => python_float(*number),
        Value::String(text) | Value::Date(text) | Value::DateTime(text) => quoted(text),
        Value::Bytes(bytes) => {
            let escaped: String =
                bytes.iter().map(|byte| std::ascii::escape_default(*byte).to_string()).collect();
            format!("b'{escaped}'")
        }
        Value::List(items) => {
            format!("[{}]", items.iter().map(python_repr).collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<_> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", python_repr(key), python_repr(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Python's `repr(float)`: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e16 on.
pub(crate) fn python_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.into();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if number != 0.0 && !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{number:?}"),
    }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_ascii_control() => out.push_str(&hex_escape(c)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn hex_escape(c: char) -> String {
    format!("\\x{:02x}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use alo_plan::Map;

    use super::*;

    #[test]
    fn numbers_read_as_python_writes_them() {
        for (number, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (-0.0, "-0.0"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(python_float(number), text);
        }
    }

    #[test]
    fn collections_read_as_python_writes_them() {
        let map: Map = [("a", Value::from(vec![Value::Null, Value::from("it's")])), ("b", Value::from(true))]
            .into_iter()
            .collect();
        assert_eq!(python_str(&Value::Map(map)), r#"{'a': [None, "it's"], 'b': True}"#);
        assert_eq!(python_str(&Value::from("plain")), "plain");
    }
}
