//! The values of an axis as people write them: a list as in a plan, or a range.

use alo_plan::{Value, yaml};

/// A range with more values than that is a slip of the pen.
const MOST_VALUES: i128 = 100_000;
/// So many values of a range are written out in a message.
const SHORT: usize = 10;

/// Why the text is no list of values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    /// There is nothing behind the `=`.
    #[error("it has no values")]
    Empty,
    /// The text is no YAML.
    #[error("`{text}` is no list of values: {fault}")]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        fault: String,
    },
    /// A range whose step leads nowhere.
    #[error("the range `{text}` holds no value")]
    EmptyRange {
        /// The range.
        text: String,
    },
    /// A range that is too long.
    #[error("the range `{text}` holds more than {MOST_VALUES} values")]
    LongRange {
        /// The range.
        text: String,
    },
    /// Something that reads as a range stands among other values, or is none.
    #[error(
        "`{text}` cannot stand there: a range stands alone, and without quotes YAML 1.1 takes such a text for a number in base 60; \
         {instead}"
    )]
    Colons {
        /// The value as it is written.
        text: String,
        /// What to write.
        instead: String,
    },
    /// A value is there twice.
    #[error("the value `{value}` is given twice")]
    Twice {
        /// The value.
        value: String,
    },
}

/// Reads `50,100,200`, `[a, b],[c]`, `3:9:2`.
///
/// Values are read as in a plan, by YAML 1.1; lists and maps in its flow style. A range is `first:last:step`, or `first:last`
/// for steps of 1; `last` is a value if a step hits it. What is quoted is text and never a range.
pub(super) fn parse(text: &str) -> Result<Vec<Value>, ValuesError> {
    let values = match range(text.trim()) {
        Some(range) => range.values(text)?,
        None => list(text)?,
    };
    for (at, value) in values.iter().enumerate() {
        if values[..at].contains(value) {
            return Err(ValuesError::Twice { value: value.to_string() });
        }
    }
    Ok(values)
}

/// Values that look like numbers and are text by YAML 1.1, each with how the number is written.
pub(super) fn numbers_as_text(text: &str) -> Vec<(String, String)> {
    let is_text = |item: &str| matches!(yaml::parse_value(item), Ok(Value::String(_)));
    let plain = items(text).into_iter().filter(|item| is_text(item));
    plain.filter_map(|item| Some((item.to_owned(), number_for_yaml(item)?))).collect()
}

/// A number as YAML 1.1 reads it: what has an exponent has a dot, and the exponent a sign.
fn number_for_yaml(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let begins = unsigned.trim_start_matches('.').starts_with(|letter: char| letter.is_ascii_digit());
    if !begins || !text.parse::<f64>().is_ok_and(f64::is_finite) {
        return None;
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, ""));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = Some(whole.trim_start_matches('0')).filter(|whole| !whole.is_empty()).unwrap_or("0");
    let sign = if text.starts_with('-') { "-" } else { "" };
    let fraction = match fraction {
        "" if exponent.is_empty() => String::new(),
        "" => ".0".to_owned(),
        fraction => format!(".{fraction}"),
    };
    let exponent = match exponent {
        "" => String::new(),
        exponent if exponent.starts_with(['-', '+']) => format!("e{exponent}"),
        exponent => format!("e+{exponent}"),
    };
    Some(format!("{sign}{whole}{fraction}{exponent}"))
}

/// The values of a list as they are written, at its commas.
fn items(text: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match quote {
            Some('"') if letter == '\\' => drop(letters.next()),
            Some(open) if open == letter => quote = None,
            Some(_) => {}
            None => match letter {
                '\'' | '"' if depth > 0 || text[start..at].trim().is_empty() => quote = Some(letter),
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    items.push(text[start..at].trim());
                    start = at + 1;
                }
                _ => {}
            },
        }
    }
    items.push(text[start..].trim());
    items
}

/// Refuses what was meant as a range, or as text: nobody means the number that it would be.
fn refuse_colons(text: &str) -> Result<(), ValuesError> {
    let of_number = |byte: u8| byte.is_ascii_digit() || b":.+-_".contains(&byte);
    let has_colons = |item: &&str| item.contains(':') && item.bytes().all(of_number);
    let Some(item) = items(text).into_iter().find(has_colons) else { return Ok(()) };
    let values = range(item).and_then(|range| range.values(item).ok());
    let instead = match values.filter(|values| values.len() <= SHORT) {
        Some(values) => {
            let values: Vec<_> = values.iter().map(ToString::to_string).collect();
            format!("write `{}`, or `'{item}'` for text", values.join(","))
        }
        None => format!("write its values one by one, or `'{item}'` for text"),
    };
    Err(ValuesError::Colons { text: item.to_owned(), instead })
}

fn list(text: &str) -> Result<Vec<Value>, ValuesError> {
    refuse_colons(text)?;
    let syntax = |fault: String| ValuesError::Syntax { text: text.to_owned(), fault };
    match yaml::parse_value(&format!("[{text}]")) {
        Ok(Value::List(values)) if values.is_empty() => Err(ValuesError::Empty),
        Ok(Value::List(values)) => Ok(values),
        Ok(_) => Err(syntax("put text with brackets in quotes".into())),
        Err(faults) => Err(syntax(faults.first().map(|fault| fault.message.clone()).unwrap_or_default())),
    }
}

/// A range of decimal numbers, exact: all three are counted in units of the last digit that any of them has.
struct Range {
    first: i128,
    last: i128,
    step: i128,
    digits: usize,
}

fn range(text: &str) -> Option<Range> {
    let parts: Vec<&str> = text.split(':').collect();
    let (first, last, step) = match parts[..] {
        [first, last] => (first, last, "1"),
        [first, last, step] => (first, last, step),
        _ => return None,
    };
    let digits =
        [first, last, step].iter().filter_map(|part| part.split_once('.')).map(|(_, d)| d.len()).max();
    let digits = digits.unwrap_or(0);
    let units = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let bare = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = !bare.is_empty() && all_digits(bare) && all_digits(fraction) && text.len() < 18;
        is_number.then(|| format!("{whole}{fraction:0<digits$}").parse().ok()).flatten()
    };
    Some(Range { first: units(first)?, last: units(last)?, step: units(step)?, digits })
}

impl Range {
    fn values(&self, text: &str) -> Result<Vec<Value>, ValuesError> {
        let Self { first, last, step, digits } = *self;
        let distance = last - first;
        if step == 0 || (distance != 0 && (distance > 0) != (step > 0)) {
            return Err(ValuesError::EmptyRange { text: text.to_owned() });
        }
        let steps = distance / step;
        if steps >= MOST_VALUES {
            return Err(ValuesError::LongRange { text: text.to_owned() });
        }
        Ok((0..=steps).map(|at| number(first + at * step, digits)).collect())
    }
}

/// The number of so many units of the last of `digits` decimal digits.
fn number(units: i128, digits: usize) -> Value {
    if digits == 0 {
        return i64::try_from(units).map_or_else(|_| Value::BigInt(units.to_string()), Value::Int);
    }
    let sign = if units < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", units.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    // The text is a number: it cannot fail.
    Value::Float(format!("{sign}{whole}.{fraction}").parse().unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        parse(text).unwrap().iter().map(|value| serde_json::to_string(value).unwrap()).collect()
    }

    #[test]
    fn values_are_read_as_in_a_plan() {
        assert_eq!(texts("50,100, 200"), ["50", "100", "200"]);
        assert_eq!(texts("gini,'a, b',yes,010,1.5,~"), ["\"gini\"", "\"a, b\"", "true", "8", "1.5", "null"]);
        assert_eq!(texts("[Age, Sex],[Age]"), ["[\"Age\",\"Sex\"]", "[\"Age\"]"]);
        assert_eq!(texts("'3:9:2'"), ["\"3:9:2\""]);
        assert_eq!(texts("rbf"), ["\"rbf\""]);
    }

    #[test]
    fn a_range_among_other_values_is_refused_and_text_is_not() {
        let refused = |text: &str| parse(text).unwrap_err().to_string();
        assert!(refused("1:3,7").ends_with("write `1,2,3`, or `'1:3'` for text"), "{}", refused("1:3,7"));
        assert!(refused("7, 0.1:0.3:0.1").contains("`0.1,0.2,0.3`"), "{}", refused("7, 0.1:0.3:0.1"));
        assert!(refused("12:30,13:45").ends_with("write its values one by one, or `'12:30'` for text"));
        assert!(refused("1:2:3:4").contains("base 60"));
        assert_eq!(texts("'1:3',\"1:3 \\\" ,1:4\",7"), ["\"1:3\"", "\"1:3 \\\" ,1:4\"", "7"]);
        assert_eq!(texts("a:1,b"), ["\"a:1\"", "\"b\""]);
        assert_eq!(texts("[a, '1:3'],b"), ["[\"a\",\"1:3\"]", "\"b\""]);
    }

    #[test]
    fn numbers_that_are_text_are_named_with_how_to_write_them() {
        let named = |text: &str| -> Vec<String> {
            numbers_as_text(text).iter().map(|(text, number)| format!("{text} {number}")).collect()
        };
        assert_eq!(
            named("1e-3, 1E5,-.5e3,08,1.5e3"),
            ["1e-3 1.0e-3", "1E5 1.0e+5", "-.5e3 -0.5e+3", "08 8", "1.5e3 1.5e+3"]
        );
        assert_eq!(named("1.0e-3,0.5,7,'1e-3',\"1e5\",[1e5],inf,nan,e5,gini,1:3"), Vec::<String>::new());
        for (_, number) in numbers_as_text("1e-3,1E5,-.5e3,08,1.5e3") {
            assert!(matches!(parse(&number).unwrap()[0], Value::Float(_) | Value::Int(_)), "{number}");
        }
    }

    #[test]
    fn ranges_are_exact_and_hold_their_end_when_it_is_hit() {
        assert_eq!(texts("3:9:2"), ["3", "5", "7", "9"]);
        assert_eq!(texts("3:8:2"), ["3", "5", "7"]);
        assert_eq!(texts("1:3"), ["1", "2", "3"]);
        assert_eq!(texts("9:3:-3"), ["9", "6", "3"]);
        assert_eq!(texts("0.1:0.5:0.1"), ["0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(texts("-0.05:0.05:0.05"), ["-0.05", "0.0", "0.05"]);
        assert_eq!(texts("5:5:1"), ["5"]);
    }

    #[test]
    fn what_holds_no_values_is_refused() {
        let refused = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(refused(""), "it has no values");
        assert_eq!(refused("3:9:0"), "the range `3:9:0` holds no value");
        assert_eq!(refused("3:9:-1"), "the range `3:9:-1` holds no value");
        assert_eq!(refused("0:1000000:1"), "the range `0:1000000:1` holds more than 100000 values");
        assert_eq!(refused("1,2,1"), "the value `1` is given twice");
        assert!(refused("[1,2").starts_with("`[1,2` is no list of values: "));
        assert!(refused("1], [2").starts_with("`1], [2` is no list of values: "));
    }
}
