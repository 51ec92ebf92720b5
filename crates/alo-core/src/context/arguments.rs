//! `check_args`: an argument of the step, its default, and the type that the asset wants.

use alo_plan::{Map, Value};

use super::python_text::python_str;
use super::refusal::Refusal;

/// The type `check_args` converts to (`chng_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ArgumentType {
    /// Text. The default.
    #[default]
    Str,
    /// A whole number.
    Int,
    /// A number with a fraction.
    Float,
    /// True but for `false`, `"false"` and `"False"`.
    Bool,
    /// A list; a single value becomes a list of one.
    List,
}

impl ArgumentType {
    /// Reads the name that assets use, in any case: `str`, `int`, `float`, `bool`, `list`.
    pub fn parse(name: &str) -> Result<Self, Refusal> {
        match name.to_ascii_lowercase().as_str() {
            "str" => Ok(Self::Str),
            "int" => Ok(Self::Int),
            "float" => Ok(Self::Float),
            "bool" => Ok(Self::Bool),
            "list" => Ok(Self::List),
            _ => Err(Refusal::value(format!(
                "chng_type is `{name}`; it must be one of `str`, `int`, `float`, `bool`, `list`"
            ))),
        }
    }
}

/// What to do when the plan has no value for the argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Absent {
    /// The argument is required: its absence is an error, a null counts as empty text.
    Refuse,
    /// Use this value, converted like one of the plan.
    Default(Value),
}

pub(super) fn check(
    args: &Map,
    step: &str,
    key: &str,
    absent: &Absent,
    wanted: ArgumentType,
) -> Result<Value, Refusal> {
    let value = match (args.get(key), absent) {
        (None, Absent::Refuse) => {
            return Err(Refusal::value(format!(
                "step `{step}` needs the argument `{key}`, and the plan does not give it; \
                 add `{key}:` to the step's `args`"
            )));
        }
        (Some(Value::Null), Absent::Refuse) => Value::from(""),
        (None | Some(Value::Null), Absent::Default(default)) => default.clone(),
        (Some(value), _) => value.clone(),
    };
    convert(value, wanted).map_err(|value| {
        let what = match wanted {
            ArgumentType::Int => "a whole number (int)",
            ArgumentType::Float => "a number (float)",
            _ => "convertible",
        };
        Refusal::value(format!(
            "the argument `{key}` of step `{step}` is `{}`, which is not {what}",
            python_str(&value)
        ))
    })
}

fn convert(value: Value, wanted: ArgumentType) -> Result<Value, Value> {
    match (wanted, value) {
        (_, list @ Value::List(_)) => Ok(list),
        (ArgumentType::List, value) => Ok(Value::List(vec![value])),
        (ArgumentType::Str, value) => Ok(Value::String(python_str(&value))),
        (ArgumentType::Bool, Value::Bool(flag)) => Ok(Value::Bool(flag)),
        (ArgumentType::Bool, Value::String(text)) => Ok(Value::Bool(text != "false" && text != "False")),
        (ArgumentType::Bool, _) => Ok(Value::Bool(true)),
        (ArgumentType::Int, value) => to_int(&value).ok_or(value),
        (ArgumentType::Float, value) => to_float(&value).map(Value::Float).ok_or(value),
    }
}

/// Python's `int(value)`; a bool stays a bool, which is an int there.
fn to_int(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => Some(value.clone()),
        Value::Float(number) if number.is_finite() => Some(whole(&format!("{:.0}", number.trunc()))),
        Value::String(text) => {
            let text = without_underscores(text.trim())?;
            let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
            let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            all_digits.then(|| whole(&text))
        }
        _ => None,
    }
}

fn whole(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::BigInt(text.trim_start_matches('+').to_owned()), Value::Int)
}

/// Python's `float(value)`.
fn to_float(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        #[expect(clippy::cast_precision_loss, reason = "Python's float(int) rounds likewise")]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::BigInt(text) => text.parse().ok(),
        Value::String(text) => without_underscores(text.trim())?.parse().ok(),
        _ => None,
    }
}

/// Python allows single underscores between digits.
fn without_underscores(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('_').collect();
    let joined_by_digits = parts.windows(2).all(|pair| {
        pair[0].ends_with(|c: char| c.is_ascii_digit()) && pair[1].starts_with(|c: char| c.is_ascii_digit())
    });
    joined_by_digits.then(|| parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(value: impl Into<Value>, wanted: ArgumentType) -> Result<Value, Refusal> {
        let args: Map = [("x", value.into())].into_iter().collect();
        check(&args, "train", "x", &Absent::Default(Value::from("")), wanted)
    }

    #[test]
    fn converts_as_the_original_did() {
        use ArgumentType::{Bool, Float, Int, List, Str};
        let cases: Vec<(Value, ArgumentType, Value)> = vec![
            (3.into(), Str, "3".into()),
            (1e16.into(), Str, "1e+16".into()),
            (true.into(), Str, "True".into()),
            (Value::Date("2022-08-22".into()), Str, "2022-08-22".into()),
            (" 1_000 ".into(), Int, 1000.into()),
            (3.9.into(), Int, 3.into()),
            ((-3.9).into(), Int, (-3).into()),
            (1e19.into(), Int, Value::BigInt("10000000000000000000".into())),
            (true.into(), Int, true.into()),
            ("1e3".into(), Float, 1000.0.into()),
            (2.into(), Float, 2.0.into()),
            ("false".into(), Bool, false.into()),
            ("False".into(), Bool, false.into()),
            ("no".into(), Bool, true.into()),
            (0.into(), Bool, true.into()),
            (false.into(), Bool, false.into()),
            ("a".into(), List, vec!["a"].into()),
            (vec![1i64, 2].into(), Int, vec![1i64, 2].into()),
        ];
        for (value, wanted, expected) in cases {
            assert_eq!(checked(value.clone(), wanted).as_ref(), Ok(&expected), "{value:?} as {wanted:?}");
        }
    }

    #[test]
    fn refuses_what_python_cannot_convert() {
        for text in ["", "abc", "1.5", "1__0", "_1", "0x10"] {
            let refusal = checked(text, ArgumentType::Int).unwrap_err();
            assert_eq!(
                refusal.message,
                format!("the argument `x` of step `train` is `{text}`, which is not a whole number (int)")
            );
        }
        assert!(checked(f64::NAN, ArgumentType::Int).is_err());
        assert!(checked(Map::default(), ArgumentType::Float).is_err());
    }

    #[test]
    fn absent_and_null_take_the_default_unless_required() {
        let args: Map = [("null", Value::Null)].into_iter().collect();
        let default = Absent::Default(Value::from(7));
        for key in ["null", "absent"] {
            assert_eq!(check(&args, "s", key, &default, ArgumentType::Str), Ok(Value::from("7")));
        }
        assert_eq!(check(&args, "s", "null", &Absent::Refuse, ArgumentType::Str), Ok(Value::from("")));
        assert!(check(&args, "s", "absent", &Absent::Refuse, ArgumentType::Str).is_err());
    }

    #[test]
    fn an_unknown_type_is_refused() {
        assert_eq!(ArgumentType::parse("INT"), Ok(ArgumentType::Int));
        assert!(ArgumentType::parse("number").is_err());
    }
}
