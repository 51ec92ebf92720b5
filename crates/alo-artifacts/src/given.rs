//! What an asset gives for a summary, and whether a summary can hold it.

use alo_plan::Value;

use crate::probability::{self, NotProbabilities, from_hundredths, hundredths};
use crate::summary_error::SummaryError;

/// `result` has at most so many characters, and a warning over so many, which older edge apps cut.
pub(crate) const RESULT: Limit = Limit { most: 32, advised: 25 };
/// The same for `note`.
pub(crate) const NOTE: Limit = Limit { most: 128, advised: 100 };

pub(crate) struct Limit {
    most: usize,
    advised: usize,
}

/// A value as an asset gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The value; `None` for an object that is no plain value, such as a data frame.
    pub value: Option<Value>,
    /// The name of its type in Python, such as `float` or `DataFrame`.
    pub type_name: String,
    /// How it prints.
    pub text: String,
}

impl From<Value> for Given {
    fn from(value: Value) -> Self {
        let type_name = match &value {
            Value::Null => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::BigInt(_) => "int",
            Value::Float(_) => "float",
            Value::Bytes(_) => "bytes",
            Value::Date(_) => "date",
            Value::DateTime(_) => "datetime",
            Value::List(_) => "list",
            Value::Map(_) => "dict",
            _ => "str",
        };
        Self { type_name: type_name.to_owned(), text: value.to_string(), value: Some(value) }
    }
}

fn wrong(field: &'static str, expected: &'static str, given: &Given) -> SummaryError {
    // A data frame prints as a page; the type says enough.
    let text: String = given.text.chars().take(80).collect();
    SummaryError::Type { field, expected, type_name: given.type_name.clone(), text }
}

/// A text within its limit, with a warning where older programs would cut it.
pub(crate) fn text(
    field: &'static str,
    given: &Given,
    limit: &Limit,
    warnings: &mut Vec<String>,
) -> Result<String, SummaryError> {
    let Some(Value::String(text)) = &given.value else { return Err(wrong(field, "a text", given)) };
    let length = text.chars().count();
    if length > limit.most {
        return Err(SummaryError::TooLong { field, length, most: limit.most });
    }
    if length > limit.advised {
        warnings.push(format!(
            "`{field}` has {length} characters; older edge apps show only the first {}",
            limit.advised
        ));
    }
    Ok(text.clone())
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "what is from 0 to 1 is exact, and all else refused")]
        Some(Value::Int(number)) => Some(*number as f64),
        Some(Value::Float(number)) => Some(*number),
        // Python's `True` is the number 1, and assets give it.
        Some(Value::Bool(flag)) => Some(f64::from(u8::from(*flag))),
        _ => None,
    }
}

/// A number from 0 to 1, with two decimals.
pub(crate) fn check_score(given: &Given, warnings: &mut Vec<String>) -> Result<f64, SummaryError> {
    let score = number(given.value.as_ref()).ok_or_else(|| wrong("score", "a number", given))?;
    if !(0.0..=1.0).contains(&score) {
        return Err(SummaryError::Score { text: given.text.clone() });
    }
    if let Some(Value::Bool(flag)) = &given.value {
        warnings.push(format!("`score` is a bool; it is stored as {}", u8::from(*flag)));
    }
    Ok(hundredths(score).map_or(score, from_hundredths))
}

/// Labels and their probabilities, with two decimals, which add up to 1.
pub(crate) fn check_probability(given: &Given) -> Result<Vec<(Value, f64)>, SummaryError> {
    let Some(Value::Map(map)) = &given.value else {
        return Err(wrong("probability", "a dict of labels and numbers", given));
    };
    if map.is_empty() {
        return Ok(Vec::new());
    }
    let mut shares = Vec::with_capacity(map.len());
    for (label, value) in map.iter() {
        if matches!(label, Value::List(_) | Value::Map(_) | Value::Bytes(_)) {
            return Err(wrong("probability", "a dict whose labels are texts or numbers", given));
        }
        let share = number(Some(value)).ok_or_else(|| not_probability(label, value))?;
        shares.push(share);
    }
    let rounded = probability::rounded(&shares).map_err(|fault| match fault {
        NotProbabilities::Value(at) => {
            map.iter().nth(at).map_or_else(|| add_up(&shares), |(label, value)| not_probability(label, value))
        }
        NotProbabilities::Sum(_) => add_up(&shares),
    })?;
    Ok(map.iter().map(|(label, _)| label.clone()).zip(rounded).collect())
}

fn not_probability(label: &Value, value: &Value) -> SummaryError {
    SummaryError::Probability { label: label.to_string(), text: value.to_string() }
}

fn add_up(shares: &[f64]) -> SummaryError {
    let sum = format!("{:.4}", shares.iter().sum::<f64>());
    SummaryError::Sum { sum: sum.trim_end_matches('0').trim_end_matches('.').to_owned() }
}
