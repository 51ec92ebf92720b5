//! Plain values as JSON: tagged where JSON has no word for them (see `docs/design/worker-protocol.md`).

use alo_artifacts::Given;
use alo_plan::{Map, Value};
use serde_json::{Map as JsonMap, Value as Json, json};

/// Says a value in JSON.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => json!(number),
        Value::BigInt(digits) => json!({ "$int": digits }),
        Value::Float(number) if number.is_finite() => json!(number),
        Value::Float(number) if number.is_nan() => json!({ "$float": "nan" }),
        Value::Float(number) => json!({ "$float": if *number > 0.0 { "inf" } else { "-inf" } }),
        Value::String(text) => json!(text),
        Value::Bytes(bytes) => json!({ "$bytes": base64(bytes) }),
        Value::Date(text) => json!({ "$date": text }),
        Value::DateTime(text) => json!({ "$datetime": text }),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => map_to_json(map),
        // `Null`, and what later versions of the plan language may add.
        _ => Json::Null,
    }
}

/// Says a map in JSON.
pub(super) fn map_to_json(map: &Map) -> Json {
    let text_keys: Option<Vec<(&str, &Value)>> = map
        .iter()
        .map(|(key, value)| match key {
            Value::String(key) => Some((key.as_str(), value)),
            _ => None,
        })
        .collect();
    match text_keys {
        Some(entries) if !(entries.len() == 1 && entries[0].0.starts_with('$')) => {
            Json::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), to_json(value))).collect())
        }
        _ => {
            let pairs: Vec<Json> =
                map.iter().map(|(key, value)| json!([to_json(key), to_json(value)])).collect();
            json!({ "$map": pairs })
        }
    }
}

/// Reads a value that an asset gave; an object that is no plain value keeps its type and text.
pub(super) fn given(json: &Json) -> Given {
    if let Some((type_name, text)) = opaque(json) {
        return Given { value: None, type_name: type_name.to_owned(), text: text.to_owned() };
    }
    Given::from(from_json(json))
}

/// Reads a value. An object inside it that is no plain value becomes its text.
pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(float)) if number.is_f64() => Value::Float(float),
            _ => Value::BigInt(number.to_string()),
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(map) => tagged(map).unwrap_or_else(|| {
            Value::Map(map.iter().map(|(key, value)| (key.as_str(), from_json(value))).collect())
        }),
    }
}

fn opaque(json: &Json) -> Option<(&str, &str)> {
    Some((json.get("$opaque")?.as_str()?, json.get("str").and_then(Json::as_str).unwrap_or_default()))
}

fn tagged(map: &JsonMap<String, Json>) -> Option<Value> {
    if let Some(text) = map.get("$opaque").and(map.get("str")) {
        return text.as_str().map(Value::from);
    }
    if map.len() != 1 {
        return None;
    }
    let (tag, content) = map.iter().next()?;
    match (tag.as_str(), content) {
        ("$date", Json::String(text)) => Some(Value::Date(text.clone())),
        ("$datetime", Json::String(text)) => Some(Value::DateTime(text.clone())),
        ("$int", Json::String(digits)) => {
            Some(digits.parse().map_or_else(|_| Value::BigInt(digits.clone()), Value::Int))
        }
        ("$float", Json::String(text)) => text.parse().ok().map(Value::Float),
        ("$map", Json::Array(pairs)) => Some(Value::Map(
            pairs
                .iter()
                .filter_map(Json::as_array)
                .filter(|pair| pair.len() == 2)
                .map(|pair| (from_json(&pair[0]), from_json(&pair[1])))
                .collect(),
        )),
        _ => None,
    }
}

/// RFC 4648 base 64, for the rare `!!binary` argument.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { digit as char } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back() {
        let map: Map = [
            (Value::Int(1), Value::Int(25)),
            (Value::from("건물"), Value::Date("2022-08-22".into())),
            (Value::Null, Value::Float(f64::INFINITY)),
            (Value::from("big"), Value::BigInt("123456789012345678901234567890".into())),
            (Value::from("nested"), Value::Map([("$map", 1i64)].into_iter().collect())),
            (Value::from("list"), Value::from(vec![1.5, 2.0])),
        ]
        .into_iter()
        .collect();
        let value = Value::Map(map);
        let line = to_json(&value).to_string();
        assert_eq!(from_json(&serde_json::from_str(&line).unwrap()), value);
    }

    #[test]
    fn an_object_that_is_no_plain_value_keeps_its_type() {
        let given = given(&json!({ "$opaque": "DataFrame", "str": "a b" }));
        assert_eq!((given.value, given.type_name.as_str(), given.text.as_str()), (None, "DataFrame", "a b"));
    }

    #[test]
    fn base64_has_its_padding() {
        let encoded: Vec<_> =
            ["", "f", "fo", "foo", "foob"].iter().map(|text| base64(text.as_bytes())).collect();
        assert_eq!(encoded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }
}
