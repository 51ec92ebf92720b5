//! The summary of a pipeline: checked when an asset saves it, written as YAML that every reader takes alike.

use std::fmt::Write;

use alo_plan::{Map, Value};
use camino::Utf8Path;
use jiff::Timestamp;
use jiff::fmt::strtime;

use crate::durable::{self, Lasting};
use crate::given::{Given, NOTE, RESULT, check_probability, check_score, text};
use crate::summary_error::SummaryError;

/// What a pipeline has come to, for people and for the programs that show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// In at most 32 characters.
    pub result: String,
    /// From 0 to 1, with two decimals.
    pub score: f64,
    /// When it was saved: UTC, `YYYY-MM-DD HH:MM:SS`.
    pub date: String,
    /// In at most 128 characters.
    pub note: String,
    /// Labels and their probabilities, with two decimals, which add up to 1; may be empty. Labels are texts or
    /// other plain values such as the numbers of classes.
    pub probability: Vec<(Value, f64)>,
    /// Where the artifacts are exported to, as written in the plan, or empty.
    pub file_path: String,
    /// The version of the contents.
    pub version: String,
}

impl Summary {
    /// Checks what an asset gives and makes a summary of it, with warnings for what older programs would cut.
    ///
    /// ```
    /// use alo_artifacts::{Given, Summary};
    /// use alo_plan::{Map, Value};
    ///
    /// let given = |value: Value| Given::from(value);
    /// let labels: Map = [("OK", 0.715), ("NG", 0.135), ("NG1", 0.15)].into_iter().collect();
    /// let now = jiff::Timestamp::UNIX_EPOCH;
    /// let (summary, warnings) = Summary::check(
    ///     given("OK".into()), given(0.6134.into()), given("".into()), given(labels.into()), "", "v1", now,
    /// )?;
    /// assert_eq!(summary.score, 0.61);
    /// assert_eq!(summary.probability[0].1, 0.71);
    /// assert!(warnings.is_empty());
    /// # Ok::<(), alo_artifacts::SummaryError>(())
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "what an asset gives is used up")]
    pub fn check(
        result: Given,
        score: Given,
        note: Given,
        probability: Given,
        file_path: impl Into<String>,
        version: impl Into<String>,
        now: Timestamp,
    ) -> Result<(Self, Vec<String>), SummaryError> {
        let mut warnings = Vec::new();
        let summary = Self {
            result: text("result", &result, &RESULT, &mut warnings)?,
            score: check_score(&score, &mut warnings)?,
            date: strtime::format("%Y-%m-%d %H:%M:%S", now).unwrap_or_default(),
            note: text("note", &note, &NOTE, &mut warnings)?,
            probability: check_probability(&probability)?,
            file_path: file_path.into(),
            version: version.into(),
        };
        Ok((summary, warnings))
    }

    /// Writes the file whole or not at all.
    ///
    /// The keys are sorted and every text is quoted: read as YAML 1.1 or 1.2, a date, `no` or `010` stays a text.
    pub fn write(&self, path: &Utf8Path) -> Result<(), SummaryError> {
        Ok(durable::write(path, self.to_yaml().as_bytes(), Lasting::Kill)?)
    }

    fn to_yaml(&self) -> String {
        let mut probability = String::new();
        let mut labels: Vec<_> =
            self.probability.iter().map(|(label, share)| (scalar(label), share)).collect();
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        for (label, share) in labels {
            // Writing to a string cannot fail.
            let _ = write!(probability, "\n  {label}: {share:?}");
        }
        if probability.is_empty() {
            probability.push_str(" {}");
        }
        let Self { result, score, date, note, file_path, version, .. } = self;
        let [date, file_path, note, result, version] =
            [date, file_path, note, result, version].map(|text| quoted(text));
        format!(
            "date: {date}\nfile_path: {file_path}\nnote: {note}\nprobability:{probability}\nresult: {result}\n\
             score: {score:?}\nversion: {version}\n"
        )
    }

    /// Reads a summary, also one that the original wrote.
    pub fn read(path: &Utf8Path) -> Result<Self, SummaryError> {
        let bytes = durable::read(path)?;
        let fault = |fault: String| SummaryError::Content { path: path.to_owned(), fault };
        let root: serde_yaml::Mapping =
            serde_yaml::from_slice(&bytes).map_err(|error| fault(error.to_string()))?;
        let text = |key: &str| match root.get(key) {
            None | Some(serde_yaml::Value::Null) => Ok(String::new()),
            Some(serde_yaml::Value::String(text)) => Ok(text.clone()),
            Some(serde_yaml::Value::Number(number)) => Ok(number.to_string()),
            Some(_) => Err(fault(format!("`{key}` is no text"))),
        };
        let mut probability = Vec::new();
        if let Some(serde_yaml::Value::Mapping(map)) = root.get("probability") {
            for (label, share) in map {
                let share = share.as_f64().ok_or_else(|| fault("`probability` holds no numbers".into()))?;
                probability.push((label_of(label), share));
            }
        }
        let score = root.get("score").and_then(serde_yaml::Value::as_f64);
        Ok(Self {
            result: text("result")?,
            score: score.ok_or_else(|| fault("`score` is no number".into()))?,
            date: text("date")?,
            note: text("note")?,
            probability,
            file_path: text("file_path")?,
            version: text("version")?,
        })
    }

    /// What `load_summary` hands to an asset: result, score, note and probability.
    pub fn for_asset(&self) -> Map {
        let probability: Map =
            self.probability.iter().map(|(label, share)| (label.clone(), Value::Float(*share))).collect();
        let entries: [(&str, Value); 4] = [
            ("result", self.result.as_str().into()),
            ("score", self.score.into()),
            ("note", self.note.as_str().into()),
            ("probability", probability.into()),
        ];
        entries.into_iter().collect()
    }
}

/// A text in double quotes: a JSON string is a YAML string in all versions, once the few characters that YAML takes
/// for line breaks or does not take at all are escaped too.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted
}

/// A label: texts quoted, so that the text `1` and the number 1 stay different.
fn scalar(label: &Value) -> String {
    match label {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::BigInt(_) => label.to_string(),
        Value::Float(number) if number.is_finite() && !format!("{number:?}").contains('e') => {
            format!("{number:?}")
        }
        other => quoted(&other.to_string()),
    }
}

fn label_of(label: &serde_yaml::Value) -> Value {
    match label {
        serde_yaml::Value::Null => Value::Null,
        serde_yaml::Value::Bool(flag) => (*flag).into(),
        serde_yaml::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(number)) => number.into(),
            (None, None) => Value::BigInt(number.to_string()),
        },
        serde_yaml::Value::String(text) => text.as_str().into(),
        other => serde_yaml::to_string(other).unwrap_or_default().trim_end().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probability::hundredths;

    fn check(
        result: Value,
        score: Value,
        note: Value,
        probability: Value,
    ) -> Result<(Summary, Vec<String>), SummaryError> {
        let now = "2026-01-31T12:00:00.9Z".parse().expect("a time");
        Summary::check(result.into(), score.into(), note.into(), probability.into(), "s3://b/k", "v1.0", now)
    }

    fn labels(labels: impl IntoIterator<Item = (Value, f64)>) -> Value {
        labels.into_iter().collect::<Map>().into()
    }

    fn good(score: Value) -> Result<f64, SummaryError> {
        check("OK".into(), score, "".into(), Map::default().into()).map(|(summary, _)| summary.score)
    }

    #[test]
    fn the_file_is_sorted_quoted_and_readable() {
        let probability = labels([("생존".into(), 0.715), (Value::Int(1), 0.135), ("no".into(), 0.15)]);
        let (summary, warnings) =
            check("결과: 좋음".into(), 0.8349.into(), "a\n\"b\"".into(), probability).expect("good");
        assert_eq!(warnings, Vec::<String>::new());
        insta::assert_snapshot!(summary.to_yaml(), @r#"
        date: "2026-01-31 12:00:00"
        file_path: "s3://b/k"
        note: "a\n\"b\""
        probability:
          "no": 0.15
          "생존": 0.71
          1: 0.14
        result: "결과: 좋음"
        score: 0.83
        version: "v1.0"
        "#);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = Utf8Path::from_path(dir.path()).expect("UTF-8").join("score/train_summary.yaml");
        summary.write(&path).expect("written");
        let mut read = Summary::read(&path).expect("read");
        read.probability.sort_by_key(|(_, share)| hundredths(*share));
        assert_eq!(read.probability[0], (Value::Int(1), 0.14));
        read.probability = summary.probability.clone();
        assert_eq!(read, summary);
    }

    #[test]
    fn odd_characters_survive() {
        let note = "\u{85}\u{2028}\u{feff}\u{7f}\t\0\\ \u{1f600}: #'";
        let (summary, _) =
            check("2022-08-22".into(), 0.5.into(), note.into(), Map::default().into()).expect("good");
        assert!(
            summary.to_yaml().contains(r#"note: "\u0085\u2028\ufeff\u007f\t\u0000\\ 😀: #'""#),
            "{}",
            summary.to_yaml()
        );
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = Utf8Path::from_path(dir.path()).expect("UTF-8").join("s.yaml");
        summary.write(&path).expect("written");
        assert_eq!(Summary::read(&path).expect("read"), summary);
    }

    #[test]
    fn without_probability_the_file_has_an_empty_map() {
        let (summary, _) = check("OK".into(), 1.into(), "".into(), Map::default().into()).expect("good");
        assert!(
            summary.to_yaml().contains("probability: {}\n") && summary.to_yaml().contains("score: 1.0\n")
        );
        let map = summary.for_asset();
        assert_eq!(map.len(), 4);
        assert_eq!(map.get("score"), Some(&Value::Float(1.0)));
    }

    #[test]
    fn a_summary_of_the_original_is_read() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = Utf8Path::from_path(dir.path()).expect("UTF-8").join("s.yaml");
        fs_err::write(
            &path,
            "date: '2024-01-01 00:00:00'\nresult: \"\\uC0DD\"\nscore: 1\nprobability: {}\nversion: v1\n",
        )
        .expect("written");
        let summary = Summary::read(&path).expect("read");
        assert_eq!((summary.result.as_str(), summary.score, summary.note.as_str()), ("생", 1.0, ""));
        fs_err::write(&path, "result: x\n").expect("written");
        assert!(Summary::read(&path).expect_err("no score").to_string().contains("`score`"));
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let of =
            |result: &str, note: &str| check(result.into(), 0.5.into(), note.into(), Map::default().into());
        assert!(of(&"가".repeat(25), &"나".repeat(100)).expect("good").1.is_empty());
        assert_eq!(of(&"가".repeat(32), &"나".repeat(128)).expect("good").1.len(), 2);
        assert_eq!(
            of(&"가".repeat(33), "").expect_err("too long").to_string(),
            "`result` has 33 characters, more than 32"
        );
        assert!(matches!(
            of("", &"나".repeat(129)),
            Err(SummaryError::TooLong { field: "note", most: 128, .. })
        ));
    }

    #[test]
    fn scores_are_numbers_from_0_to_1() {
        for (given, stored) in [(0.145.into(), 14), (Value::Int(1), 100), (true.into(), 100)] {
            assert_eq!(good(given).ok().and_then(hundredths), Some(stored));
        }
        for wrong in
            [1.01.into(), (-0.001).into(), f64::NAN.into(), Value::Int(2), Value::Float(f64::INFINITY)]
        {
            let error = good(wrong).expect_err("out of range");
            assert!(matches!(error, SummaryError::Score { .. }) && error.hint().is_some(), "{error}");
        }
        assert_eq!(
            good("0.5".into()).expect_err("a text").to_string(),
            "`score` must be a number, not `0.5` (str)"
        );
    }

    #[test]
    fn wrong_types_are_named() {
        let frame = Given { value: None, type_name: "DataFrame".into(), text: "   a  b\n0  1  2".into() };
        let now = Timestamp::UNIX_EPOCH;
        let good = |value: &str| Given::from(Value::from(value));
        let error = Summary::check(frame.clone(), Value::Int(1).into(), good(""), good(""), "", "", now);
        assert!(error.expect_err("no text").to_string().contains("(DataFrame)"));
        for probability in [good("x"), Value::Null.into(), frame] {
            let error = Summary::check(good("x"), Value::Int(1).into(), good(""), probability, "", "", now);
            assert!(matches!(error, Err(SummaryError::Type { field: "probability", .. })));
        }
    }

    #[test]
    fn wrong_probabilities_are_named() {
        let of = |entries: Vec<(Value, f64)>| {
            check("".into(), 0.5.into(), "".into(), labels(entries)).expect_err("wrong").to_string()
        };
        assert_eq!(of(vec![("a".into(), 0.9), ("b".into(), 0.9)]), "`probability` must add up to 1, not 1.8");
        assert_eq!(of(vec![("a".into(), 0.5)]), "`probability` must add up to 1, not 0.5");
        assert_eq!(
            of(vec![("a".into(), 1.2), ("b".into(), -0.2)]),
            "`probability` of `b` must be a number from 0 to 1, not -0.2"
        );
        let list: Map = [(Value::List(vec![]), 1.0)].into_iter().collect();
        assert!(check("".into(), 0.5.into(), "".into(), list.into()).is_err());
    }
}
