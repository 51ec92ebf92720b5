//! PEP 508 by `pep508_rs`, kept away from what makes that library panic or look at the environment.

use std::ops::Range;
use std::str::FromStr;

use pep508_rs::{Requirement, VerbatimUrl};

/// A requirement of a package.
pub(super) struct Package {
    /// The normalised name.
    pub(super) name: String,
    /// Whether it holds on some machines only.
    pub(super) conditional: bool,
}

/// What is wrong, and in which bytes.
pub(super) struct Breach {
    pub(super) range: Range<usize>,
    pub(super) message: String,
}

/// Longer markers, in `and` and `or`, are not judged.
const MOST_OPERATORS: usize = 12;

fn operators(marker: &str) -> usize {
    marker.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| matches!(*word, "and" | "or")).count()
}

/// Reads `name[extras] versions; marker` or `name[extras] @ url ; marker`.
pub(super) fn parse(text: &str) -> Result<Package, Breach> {
    let name_end = check_names(text)?;
    // A marker is a condition on the machine; the library needs exponential time for long ones, so pip judges those.
    let (text, long_marker) = match text.split_once(';') {
        Some((requirement, marker)) if operators(marker) > MOST_OPERATORS => (requirement.trim_end(), true),
        _ => (text, false),
    };
    let after = text[name_end..].trim_start();
    let parsed = match after.strip_prefix('@') {
        None => Requirement::<VerbatimUrl>::from_str(text),
        // The library would put variables of the environment into the URL, and need a folder for relative ones.
        Some(rest) => {
            let rest = rest.trim_start();
            let url_end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let start = text.len() - rest.len();
            if url_end == 0 || rest.starts_with(';') {
                let message = "a URL or path is missing after `@`".to_owned();
                return Err(Breach { range: start.saturating_sub(1)..text.len(), message });
            }
            // Blanks in the place of the URL keep every byte where it is.
            let blank = " ".repeat(start - name_end + url_end);
            Requirement::from_str(&format!("{}{blank}{}", &text[..name_end], &rest[url_end..]))
        }
    };
    match parsed {
        Ok(parsed) => Ok(Package {
            name: parsed.name.to_string(),
            conditional: long_marker || !parsed.marker.is_true(),
        }),
        Err(error) => {
            let end = |at: usize| at.min(text.len());
            let message = error.message.to_string();
            let first = message.lines().next().unwrap_or_default();
            Err(Breach {
                range: end(error.start)..end(error.start + error.len.max(1)),
                message: lower_first(first.strip_suffix('.').unwrap_or(first)),
            })
        }
    }
}

/// Checks the name and the extras, at whose ends the library panics; gives where they end.
fn check_names(text: &str) -> Result<usize, Breach> {
    let name_end = text.find(|c| !in_name(c)).unwrap_or(text.len());
    check_name(text, 0..name_end, "package")?;
    let rest = &text[name_end..];
    let Some(extras) = rest.trim_start().strip_prefix('[') else { return Ok(name_end) };
    let start = text.len() - extras.len();
    let Some(length) = extras.find(']') else {
        let message = "the `[` before the extras is never closed".to_owned();
        return Err(Breach { range: start - 1..text.len(), message });
    };
    let mut at = start;
    for extra in extras[..length].split(',') {
        let begin = at + extra.len() - extra.trim_start().len();
        // A comma behind the last extra is left to the library to judge.
        if !extra.trim().is_empty() {
            check_name(text, begin..begin + extra.trim().len(), "extra")?;
        }
        at += extra.len() + 1;
    }
    Ok(start + length + 1)
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn check_name(text: &str, range: Range<usize>, what: &str) -> Result<(), Breach> {
    let name = &text[range.clone()];
    let ends_well = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    if ends_well && name.chars().all(in_name) {
        return Ok(());
    }
    let range = if name.is_empty() {
        let length = text[range.start..].chars().next().map_or(0, char::len_utf8);
        range.start..range.start + length
    } else {
        range
    };
    Err(Breach {
        message: format!(
            "the name of {} {what} is letters and digits, with `.`, `-` and `_` between them",
            article(what)
        ),
        range,
    })
}

fn article(what: &str) -> &'static str {
    if what.starts_with('e') { "an" } else { "a" }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breach(text: &str) -> (String, String) {
        let Err(breach) = parse(text) else { panic!("`{text}` is right") };
        (text[breach.range].to_owned(), breach.message)
    }

    #[test]
    fn every_form_is_read() {
        for (text, name, conditional) in [
            ("pandas", "pandas", false),
            ("Category_Encoders ~= 2.6", "category-encoders", false),
            ("requests [security,socks] >= 2.8.1, <3", "requests", false),
            ("pandas==2.2.1; python_version >= '3.12'", "pandas", true),
            ("helper @ git+https://${HOST}/helper.git@v1", "helper", false),
            ("helper[x] @ ./wheels/helper.whl ; sys_platform == 'linux'", "helper", true),
        ] {
            let package = parse(text).unwrap_or_else(|breach| panic!("`{text}`: {}", breach.message));
            assert_eq!((package.name.as_str(), package.conditional), (name, conditional), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_marked() {
        assert_eq!(breach("pandas=1").0, "=1");
        assert_eq!(breach("pandas @").0, "@");
        assert_eq!(breach("pandas @ ; x").0, " ; x");
        assert_eq!(breach("pandas[a").0, "[a");
        assert_eq!(breach("pandas[a, b-]").0, "b-");
        assert_eq!(breach("한글==1").0, "한");
    }

    /// Found by the fuzzer: `pep508_rs` panics on a name with a sign at its end and more text behind it.
    #[test]
    fn a_name_with_a_sign_at_its_end_is_no_panic() {
        assert_eq!(breach("scikit-learn../x").0, "scikit-learn..");
        assert_eq!(breach("pandas-[a]").0, "pandas-");
    }
}
