//! Values with their types as JSON, in the form `record.py` writes them. Shared by the test and by `examples/values.rs`.

use alo_plan::Value;
use serde_json::{Value as Json, json};

/// The value with its type.
pub fn tagged(value: &Value) -> Json {
    match value {
        Value::Null => json!(["null"]),
        Value::Bool(flag) => json!(["bool", flag]),
        Value::Int(number) => json!(["int", number.to_string()]),
        Value::BigInt(digits) => json!(["int", digits]),
        Value::Float(number) if number.is_nan() => json!(["float", "nan"]),
        Value::Float(number) => json!(["float", format!("{:016x}", number.to_bits())]),
        Value::String(text) => json!(["str", text]),
        Value::Bytes(bytes) => json!(["bytes", bytes]),
        Value::Date(text) => json!(["date", text]),
        Value::DateTime(text) => json!(["datetime", text]),
        Value::List(items) => json!(["list", items.iter().map(tagged).collect::<Vec<_>>()]),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| json!([tagged(key), tagged(value)]));
            json!(["map", entries.collect::<Vec<_>>()])
        }
        other => json!(["unknown", format!("{other:?}")]),
    }
}
