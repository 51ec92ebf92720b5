//! Numbers of YAML 1.1 as PyYAML resolves and constructs them.

use num_bigint::BigInt;

use crate::value::Value;

/// Python refuses to read a decimal number with more digits (since 3.11), and no plan needs one.
const MOST_DIGITS: usize = 4300;

/// A text that has the form of a number and is none.
pub(super) struct NotANumber;

/// The whole number a plain text means; `None` when it does not have the form of one.
pub(super) fn integer(text: &str) -> Option<Result<Value, NotANumber>> {
    let negative = text.starts_with('-');
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (radix, digits) = if let Some(digits) = body.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = body.strip_prefix("0x") {
        (16, digits)
    } else if body.len() > 1 && body.starts_with('0') {
        (8, body)
    } else {
        (10, body)
    };
    if radix == 10 && body.contains(':') {
        return sexagesimal(body).map(|number| Ok(signed(negative, number)));
    }
    let allowed = |b: u8| b == b'_' || char::from(b).is_digit(radix);
    let starts_well = match radix {
        10 => body == "0" || body.starts_with(|c: char| matches!(c, '1'..='9')),
        _ => !digits.is_empty(),
    };
    if !starts_well || !digits.bytes().all(allowed) {
        return None;
    }
    let digits = digits.replace('_', "");
    // `0_` is a lone zero once its underscore is gone; `0x_` has no digit at all.
    if digits.is_empty() || digits.len() > MOST_DIGITS {
        return Some(Err(NotANumber));
    }
    let number = BigInt::parse_bytes(digits.as_bytes(), radix);
    Some(number.map(|number| signed(negative, number)).ok_or(NotANumber))
}

/// `[1-9][0-9_]*(:[0-5]?[0-9])+`: hours, minutes and seconds.
fn sexagesimal(body: &str) -> Option<BigInt> {
    let (first, rest) = body.split_once(':')?;
    if !first.starts_with(|c: char| matches!(c, '1'..='9')) || !is_digits(first) || body.len() > MOST_DIGITS {
        return None;
    }
    let mut number = BigInt::parse_bytes(first.replace('_', "").as_bytes(), 10)?;
    for part in rest.split(':') {
        number = number * 60 + u32::from(sixtieth(part)?);
    }
    Some(number)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b == b'_' || b.is_ascii_digit())
}

/// `[0-5]?[0-9]`
fn sixtieth(part: &str) -> Option<u8> {
    match part.as_bytes() {
        [unit @ b'0'..=b'9'] => Some(unit - b'0'),
        [ten @ b'0'..=b'5', unit @ b'0'..=b'9'] => Some((ten - b'0') * 10 + unit - b'0'),
        _ => None,
    }
}

fn signed(negative: bool, number: BigInt) -> Value {
    let number = if negative { -number } else { number };
    i64::try_from(&number).map_or_else(|_| Value::BigInt(number.to_string()), Value::Int)
}

/// The number with a fraction a plain text means; `None` when it does not have the form of one.
pub(super) fn float(text: &str) -> Option<f64> {
    let negative = text.starts_with('-');
    let signed = |number: f64| if negative { -number } else { number };
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    match body {
        ".inf" | ".Inf" | ".INF" => return Some(signed(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if body == text => return Some(f64::NAN),
        _ => {}
    }
    let (whole, fraction) = body.split_once('.')?;
    if whole.contains(':') {
        return float_sexagesimal(whole, fraction).map(signed);
    }
    let (mantissa, exponent) = match fraction.find(['e', 'E']) {
        Some(at) => (&fraction[..at], Some(&fraction[at + 1..])),
        None => (fraction, None),
    };
    let whole_is_fine = if whole.is_empty() {
        // `.5` has no sign in PyYAML, and needs a digit.
        body == text && mantissa.starts_with(|c: char| c.is_ascii_digit())
    } else {
        whole.starts_with(|c: char| c.is_ascii_digit()) && is_digits(whole)
    };
    let exponent_is_fine = exponent.is_none_or(|exponent| {
        exponent
            .strip_prefix(['-', '+'])
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    });
    if !whole_is_fine || !is_digits(mantissa) || !exponent_is_fine {
        return None;
    }
    body.replace('_', "").parse().ok().map(signed)
}

/// `[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*`
fn float_sexagesimal(whole: &str, fraction: &str) -> Option<f64> {
    let mut parts = whole.split(':');
    let first = parts.next()?;
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !is_digits(first) || !is_digits(fraction) {
        return None;
    }
    let rest: Vec<&str> = parts.collect();
    let mut digits = vec![first.replace('_', "").parse::<f64>().ok()?];
    for (at, part) in rest.iter().enumerate() {
        let unit = sixtieth(part)?;
        digits.push(if at + 1 == rest.len() {
            format!("{unit}.{}", fraction.replace('_', "")).parse().ok()?
        } else {
            f64::from(unit)
        });
    }
    // Summed from the smallest, as PyYAML does: the last digit of the result depends on it.
    let (mut sum, mut base) = (0.0, 1.0);
    for digit in digits.iter().rev() {
        sum += digit * base;
        base *= 60.0;
    }
    Some(sum)
}
