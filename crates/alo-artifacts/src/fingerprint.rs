//! The short ids that a run is compared by: code and parameters (the data's id is made where it is loaded).

use alo_plan::{Map, Pipeline, Value};
use sha2::Sha256;

use crate::digest::{Fields, short};

/// The id of no data: what the original wrote for a plan without external data.
pub const NO_DATA_ID: &str = "000000000000";

/// Makes the id of the code that ran: 12 hexadecimal digits over each step's name and what identifies its code,
/// a commit or a digest.
///
/// ```
/// let id = alo_artifacts::code_id([("input", "commit 1f2e"), ("train", "digest ab12")]);
/// assert_eq!(id.len(), 12);
/// assert_ne!(id, alo_artifacts::code_id([("input", "commit 1f2e"), ("train", "digest ab13")]));
/// ```
pub fn code_id<'a>(steps: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut fields = Fields::<Sha256>::default();
    for (step, identity) in steps {
        fields.add(step.as_bytes());
        fields.add(identity.as_bytes());
    }
    short(&fields.finish())
}

/// Makes the id of a pipeline's parameters: 12 hexadecimal digits over the steps' names, order and arguments.
///
/// Values of different types that print alike (`1` and `"1"`, a date and its text) give different ids; the order
/// of the keys of a map does not count.
pub fn param_id(pipeline: &Pipeline) -> String {
    let mut fields = Fields::<Sha256>::default();
    for step in &pipeline.steps {
        fields.add(step.name.as_str().as_bytes());
        fields.add(&encoded_map(&step.args));
    }
    short(&fields.finish())
}

/// A value as unambiguous bytes: a letter for its type, then its content.
fn encoded(value: &Value) -> Vec<u8> {
    let tagged = |tag: u8, content: &[u8]| [&[tag], content].concat();
    match value {
        Value::Null => tagged(b'n', b""),
        Value::Bool(flag) => tagged(b'b', &[u8::from(*flag)]),
        Value::Int(number) => tagged(b'i', number.to_string().as_bytes()),
        Value::BigInt(digits) => tagged(b'i', digits.as_bytes()),
        // Plus zero makes no difference between the two zeros, which print and compare alike.
        Value::Float(number) => tagged(b'f', &(number + 0.0).to_bits().to_le_bytes()),
        Value::String(text) => tagged(b's', text.as_bytes()),
        Value::Bytes(bytes) => tagged(b'x', bytes),
        Value::Date(text) => tagged(b'd', text.as_bytes()),
        Value::DateTime(text) => tagged(b't', text.as_bytes()),
        Value::List(items) => tagged(b'l', &framed(items.iter().map(encoded))),
        Value::Map(map) => encoded_map(map),
        // A kind of value that this version does not know is still told by what it prints.
        other => tagged(b'?', other.to_string().as_bytes()),
    }
}

fn encoded_map(map: &Map) -> Vec<u8> {
    let mut entries: Vec<_> =
        map.iter().map(|(key, value)| framed([encoded(key), encoded(value)].into_iter())).collect();
    entries.sort_unstable();
    [b"m".as_slice(), &framed(entries.into_iter())].concat()
}

fn framed(parts: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use alo_plan::{PipelineKind, Step};

    use super::*;

    fn id(args: impl IntoIterator<Item = (&'static str, Value)>) -> String {
        let mut step = Step::new("train");
        step.args = args.into_iter().collect();
        param_id(&Pipeline::new(PipelineKind::Train, [step]))
    }

    #[test]
    fn parameters_are_told_apart_by_type_and_value() {
        let values = [
            Value::Null,
            Value::Int(1),
            Value::Float(1.0),
            Value::Bool(true),
            "1".into(),
            Value::Date("2022-08-22".into()),
            "2022-08-22".into(),
            Value::List(vec!["a".into(), "b".into()]),
            Value::List(vec!["ab".into()]),
            Value::List(vec![]),
            Value::Map(Map::default()),
        ];
        let ids: std::collections::BTreeSet<_> =
            values.iter().map(|value| id([("x", value.clone())])).collect();
        assert_eq!(ids.len(), values.len());
    }

    #[test]
    fn the_order_of_keys_does_not_count_and_that_of_steps_does() {
        let one = id([("a", 1.into()), ("b", 2.into())]);
        assert_eq!(one, id([("b", 2.into()), ("a", 1.into())]));
        let steps = |names: [&str; 2]| param_id(&Pipeline::new(PipelineKind::Train, names.map(Step::new)));
        assert_ne!(steps(["a", "b"]), steps(["b", "a"]));
    }
}
