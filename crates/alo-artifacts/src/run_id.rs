//! The name of a run: when it started, a number that tells it from others, and the name of the contents.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// What marks the folder of a run that did not succeed.
pub(crate) const ERROR_SUFFIX: &str = "-error";

/// The name in an id takes at most so many bytes: a folder's name may have 255, and `-error` must fit.
const MAX_NAME: usize = 120;

/// `<UTC time>-<8 digits>-<name>`, such as `20260131T120000Z-01234567-titanic`; safe as the name of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that is no id of a run.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no id of a run")]
pub struct RunIdError(String);

impl RunId {
    /// Makes the id of a run that starts at that moment; only the last 8 digits of the number are used.
    ///
    /// Characters of the name that a folder cannot have everywhere become `_`; letters of all scripts stay.
    ///
    /// ```
    /// use alo_artifacts::RunId;
    ///
    /// let started = "2026-01-31T12:00:00Z".parse().unwrap();
    /// let id = RunId::new(started, 1234567, "Graph Classification/Regression");
    /// assert_eq!(id.as_str(), "20260131T120000Z-01234567-Graph_Classification_Regression");
    /// ```
    pub fn new(started: Timestamp, number: u32, name: &str) -> Self {
        // The format has no part that could fail for a timestamp.
        let time = strtime::format("%Y%m%dT%H%M%SZ", started).unwrap_or_else(|_| "19700101T000000Z".into());
        Self(format!("{time}-{:08}-{}", number % 100_000_000, safe(name)))
    }

    /// Makes the id of a run that starts at that moment.
    ///
    /// The first three of its 8 digits are the milliseconds, so that ids sort by time; the others are random.
    pub fn generate(started: Timestamp, name: &str) -> Self {
        let milliseconds = started.as_millisecond().rem_euclid(1000);
        let number = u32::try_from(milliseconds).unwrap_or_default() * 100_000 + fastrand::u32(..100_000);
        Self::new(started, number, name)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the run started, in whole seconds.
    pub fn started(&self) -> Timestamp {
        let time = self.0.get(..16).and_then(parse_time);
        let time = time.and_then(|time| time.to_zoned(TimeZone::UTC).ok());
        time.map(|zoned| zoned.timestamp()).unwrap_or_default()
    }

    /// The name of the contents, as it stands in the id.
    pub fn name(&self) -> &str {
        self.0.get(26..).unwrap_or_default()
    }

    /// Understands the name of a history folder; whether it is marked as an error.
    pub(crate) fn of_folder(name: &str) -> Option<(Self, bool)> {
        let marked = name.strip_suffix(ERROR_SUFFIX).and_then(|id| id.parse().ok());
        match marked {
            Some(id) => Some((id, true)),
            None => name.parse().ok().map(|id| (id, false)),
        }
    }
}

/// Understands `20260131T120000Z`. By hand: the ids of thousands of runs are looked at for one list.
fn parse_time(text: &str) -> Option<DateTime> {
    let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
    if bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0i16, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0'))
        })
    };
    let two = |at: usize| i8::try_from(number(bytes.get(at..at + 2)?)?).ok();
    DateTime::new(number(&bytes[..4])?, two(4)?, two(6)?, two(9)?, two(11)?, two(13)?, 0).ok()
}

/// Replaces what a folder's name cannot hold, on any system, by `_`.
fn safe(name: &str) -> String {
    let mut safe = String::new();
    for c in name.trim().chars() {
        let c = if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '(' | ')') { c } else { '_' };
        if safe.len() + c.len_utf8() > MAX_NAME {
            break;
        }
        safe.push(c);
    }
    let safe = safe.trim_end_matches('.');
    match safe.strip_suffix(ERROR_SUFFIX) {
        // Else a good run would look like a failed one.
        Some(start) => format!("{start}_error"),
        None if safe.is_empty() => "run".to_owned(),
        None => safe.to_owned(),
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let bytes = text.as_bytes();
        let good = bytes.len() > 26
            && text.get(..16).and_then(parse_time).is_some()
            && bytes[16] == b'-'
            && bytes[17..25].iter().all(u8::is_ascii_digit)
            && bytes[25] == b'-'
            && !text.contains(['/', '\0']);
        if good { Ok(Self(text.to_owned())) } else { Err(RunIdError(text.to_owned())) }
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;

    fn try_from(text: String) -> Result<Self, RunIdError> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> RunId {
        RunId::new("2026-01-31T12:34:56.789Z".parse().expect("a time"), 7, name)
    }

    #[test]
    fn odd_names_become_safe_folders() {
        let cases = [
            ("titanic", "titanic"),
            ("타이타닉 생존", "타이타닉_생존"),
            ("../../etc", ".._.._etc"),
            ("a\nb:c*?\"<>|\\", "a_b_c_______"),
            ("", "run"),
            ("..", "run"),
            ("my-error", "my_error"),
        ];
        for (name, safe) in cases {
            assert_eq!(id(name).as_str(), format!("20260131T123456Z-00000007-{safe}"), "{name}");
            assert_eq!(id(name).name(), safe);
        }
        let long = id(&"가".repeat(500));
        assert!(long.as_str().len() <= 200 && long.as_str().ends_with('가'));
    }

    #[test]
    fn ids_read_back_and_others_do_not() {
        let one = id("a-b");
        assert_eq!(one.as_str().parse::<RunId>().expect("an id"), one);
        assert_eq!(one.started().to_string(), "2026-01-31T12:34:56Z");
        let folder = format!("{one}-error");
        assert_eq!(RunId::of_folder(&folder), Some((one.clone(), true)));
        assert_eq!(RunId::of_folder(one.as_str()), Some((one, false)));
        for foreign in [
            "",
            "notes",
            "20260131T123456Z-00000007-",
            "20261331T123456Z-00000007-x",
            "20260230T123456Z-00000007-x",
            "20260131T126056Z-00000007-x",
            "20260131 123456Z-00000007-x",
            "2026+131T123456Z-00000007-x",
            "20260131T123456Z-0000000x-x",
            "가나다라마바사아자차카타파하",
        ] {
            assert!(foreign.parse::<RunId>().is_err(), "{foreign}");
        }
    }

    #[test]
    fn generated_ids_sort_by_time() {
        let at = |nanosecond| RunId::generate(Timestamp::new(7, nanosecond).expect("a time"), "x");
        for millisecond in 1..1000 {
            assert!(at((millisecond - 1) * 1_000_000) < at(millisecond * 1_000_000), "{millisecond}");
        }
    }

    #[test]
    fn generated_ids_differ() {
        let now = Timestamp::UNIX_EPOCH;
        let ids: std::collections::BTreeSet<_> = (0..100).map(|_| RunId::generate(now, "x")).collect();
        assert!(ids.len() > 95);
    }
}
