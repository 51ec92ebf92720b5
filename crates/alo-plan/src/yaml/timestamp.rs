//! Dates and times of YAML 1.1, checked as Python's `datetime` checks them.

use crate::value::Value;

/// Why a text of the right form is no date or time.
pub(super) struct NotATime(pub(super) &'static str);

/// The date or time a text means; `None` when it does not have the form of one.
///
/// A plain text must write dates with two digits for month and day; after `!!timestamp` one digit is enough.
pub(super) fn timestamp(text: &str, explicit: bool) -> Option<Result<Value, NotATime>> {
    let mut reader = Reader(text);
    let year = reader.number(4, 4)?;
    reader.literal('-')?;
    let month_start = reader.0;
    let month = reader.number(1, 2)?;
    reader.literal('-')?;
    let day = reader.number(1, 2)?;
    if reader.0.is_empty() {
        // The first digit and a half: `2022-8-22` is text.
        let two_digits = month_start.len() == 5;
        return (explicit || two_digits).then(|| {
            check_date(year, month, day).map(|()| Value::Date(format!("{year:04}-{month:02}-{day:02}")))
        });
    }
    if reader.literal('T').or_else(|| reader.literal('t')).is_none() && !reader.blanks() {
        return None;
    }
    let hour = reader.number(1, 2)?;
    reader.literal(':')?;
    let minute = reader.number(2, 2)?;
    reader.literal(':')?;
    let second = reader.number(2, 2)?;
    let mut fraction = "";
    if reader.literal('.').is_some() {
        fraction = reader.digits();
    }
    let offset = reader.offset()?;
    if !reader.0.is_empty() {
        return None;
    }
    Some(date_time([year, month, day], [hour, minute, second], fraction, offset))
}

fn date_time(
    [year, month, day]: [u32; 3],
    [hour, minute, second]: [u32; 3],
    fraction: &str,
    offset: Option<(bool, u32)>,
) -> Result<Value, NotATime> {
    check_date(year, month, day)?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(NotATime("there is no such time of day"));
    }
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let micros = format!("{:0<6}", fraction.get(..6).unwrap_or(fraction));
    if micros != "000000" {
        text.push('.');
        text.push_str(&micros);
    }
    if let Some((west, minutes)) = offset {
        if minutes >= 24 * 60 {
            return Err(NotATime("the offset is a day or more"));
        }
        let sign = if west && minutes > 0 { '-' } else { '+' };
        text = format!("{text}{sign}{:02}:{:02}", minutes / 60, minutes % 60);
    }
    Ok(Value::DateTime(text))
}

fn check_date(year: u32, month: u32, day: u32) -> Result<(), NotATime> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    if year == 0 || !(1..=days).contains(&day) {
        return Err(NotATime("there is no such day"));
    }
    Ok(())
}

struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn literal(&mut self, c: char) -> Option<()> {
        self.0 = self.0.strip_prefix(c)?;
        Some(())
    }

    fn digits(&mut self) -> &'a str {
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        digits
    }

    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let length = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        (length >= least).then(|| digits.parse().ok()).flatten()
    }

    fn blanks(&mut self) -> bool {
        let rest = self.0.trim_start_matches([' ', '\t']);
        let some = rest.len() < self.0.len();
        self.0 = rest;
        some
    }

    /// The offset from UTC, west or not, in minutes. The outer `None` is a wrong form, the inner none at all.
    #[expect(clippy::option_option, reason = "a wrong form and no offset are different answers")]
    fn offset(&mut self) -> Option<Option<(bool, u32)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        self.blanks();
        if self.literal('Z').is_some() {
            return Some(Some((false, 0)));
        }
        let west = self.0.starts_with('-');
        self.literal('-').or_else(|| self.literal('+'))?;
        let hours = self.number(1, 2)?;
        let minutes = match self.literal(':') {
            Some(()) => self.number(2, 2)?,
            None => 0,
        };
        Some(Some((west, hours * 60 + minutes)))
    }
}
