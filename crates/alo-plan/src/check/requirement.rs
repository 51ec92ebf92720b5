//! Requirements as pip understands them: PEP 508, files, URLs, paths and options.

use std::collections::HashMap;

use super::git_url::redacted;
use super::pep508;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::section::{Reader, Spanned};
use crate::similar;
use crate::span::{Position, Span, narrow};

/// Options of a line of their own.
pub const LINE_OPTIONS: [&str; 17] = [
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-e",
    "--editable",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--no-index",
    "--pre",
    "--prefer-binary",
    "--only-binary",
    "--no-binary",
    "--trusted-host",
];

/// Options behind a requirement.
pub const ITEM_OPTIONS: [&str; 10] = [
    "--force-reinstall",
    "--index-url",
    "-i",
    "--extra-index-url",
    "--find-links",
    "-f",
    "--hash",
    "--config-settings",
    "--pre",
    "--upgrade",
];

/// Options whose value may follow without a blank.
const SHORT_WITH_VALUE: [&str; 5] = ["-r", "-c", "-f", "-i", "-e"];

/// Modules of the standard library that are mistaken for packages.
const STANDARD: [&str; 22] = [
    "argparse",
    "asyncio",
    "collections",
    "copy",
    "csv",
    "datetime",
    "functools",
    "glob",
    "itertools",
    "json",
    "logging",
    "math",
    "os",
    "pickle",
    "random",
    "re",
    "shutil",
    "sys",
    "time",
    "traceback",
    "unittest",
    "warnings",
];

/// Checks the requirements of a step and gives those that are right, as written.
pub(crate) fn requirements(items: &[Spanned<String>], reader: &mut Reader<'_>) -> Vec<String> {
    let mut seen: HashMap<String, Span> = HashMap::new();
    let mut right = Vec::new();
    for item in items {
        match package(&item.value) {
            Ok(package) => {
                right.push(item.value.trim().to_owned());
                let Some(package) = package else { continue };
                if STANDARD.contains(&package.as_str()) {
                    standard_library(item, &package, reader);
                } else if let Some(first) = seen.insert(package.clone(), item.span) {
                    duplicate(item, &package, first, reader);
                }
            }
            Err(fault) => reader.push(fault.diagnostic(item, reader.source)),
        }
    }
    right
}

/// What is wrong with a requirement, and which bytes of it.
struct Fault {
    range: std::ops::Range<usize>,
    message: String,
    help: String,
}

/// The name of the package that a requirement asks for, without a marker; `None` for files, URLs and options.
fn package(item: &str) -> Result<Option<String>, Fault> {
    let text = item.split(" #").next().unwrap_or_default().trim_end();
    let whole = || 0..item.len();
    if text.trim().is_empty() {
        return Err(Fault {
            range: whole(),
            message: "the requirement is empty".to_owned(),
            help: "write the name of a package, or remove the line".to_owned(),
        });
    }
    let text = text.trim();
    if text.starts_with('-') {
        return options(item, text, &LINE_OPTIONS).map(|()| None);
    }
    let (requirement, rest) = match text.find(" -") {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    if !rest.is_empty() {
        options(item, rest.trim_start(), &ITEM_OPTIONS)?;
    }
    let requirement = requirement.trim_end();
    let place = requirement.split(';').next().unwrap_or(requirement).trim_end();
    let is_path = requirement.starts_with(['.', '/'])
        || requirement.starts_with("~/")
        || requirement.starts_with("file:")
        || (place.contains('/') && !place.contains(['@', '=', '<', '>', ' ']))
        || [".txt", ".whl", ".tar.gz", ".zip"]
            .iter()
            .any(|end| place.split('[').next().unwrap_or(place).ends_with(end) && !place.contains('@'))
        || (requirement.contains("://") && !requirement.contains(" @ "));
    if is_path {
        return Ok(None);
    }
    match pep508::parse(requirement) {
        Ok(package) => Ok((!package.conditional).then_some(package.name)),
        Err(breach) => {
            let start = item.find(requirement).unwrap_or(0);
            Err(Fault {
                range: start + breach.range.start..start + breach.range.end,
                message: format!(
                    "pip cannot read the requirement `{}`: {}",
                    redacted(requirement),
                    breach.message
                ),
                help: help(requirement),
            })
        }
    }
}

fn help(requirement: &str) -> String {
    let name: String =
        requirement.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    let rest = requirement[name.len()..].trim_start();
    if rest.starts_with('=') && !rest.starts_with("==") {
        return format!("an exact version takes two equal signs: `{name}=={}`", rest[1..].trim());
    }
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("put `==` between name and version: `{name}=={rest}`");
    }
    "write a name with versions, such as `pandas==1.5.3` or `scikit-learn>=1.4,<2`".to_owned()
}

/// Checks that every word with a dash is an option.
fn options(item: &str, text: &str, known: &[&str]) -> Result<(), Fault> {
    for word in text.split_whitespace().filter(|word| word.starts_with('-')) {
        let name = word.split('=').next().unwrap_or(word);
        // `-rmore.txt`
        let short = word.get(..2).filter(|short| *short != "--").unwrap_or_default();
        if known.contains(&name) || (SHORT_WITH_VALUE.contains(&short) && known.contains(&short)) {
            continue;
        }
        let start = item.find(word).unwrap_or(0);
        let help = match similar(name, known.iter().copied()).first() {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!(
                "use only {}",
                known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        return Err(Fault {
            range: start..start + name.len(),
            message: format!("`{name}` is no option of a requirement"),
            help,
        });
    }
    Ok(())
}

impl Fault {
    fn diagnostic(self, item: &Spanned<String>, source: &str) -> Diagnostic {
        Diagnostic::new(Code::BadRequirement, self.message)
            .at(inside(item, &self.range, source))
            .pointing(item.pointer.clone())
            .help(self.help)
    }
}

/// The place of some bytes of a text in the file; the whole value if the text is not written there as it is.
fn inside(item: &Spanned<String>, range: &std::ops::Range<usize>, source: &str) -> Span {
    let written = item.span.text(source);
    let quotes = usize::from(written.len() == item.value.len() + 2 && written.starts_with(['"', '\'']));
    let as_is = written.get(quotes..quotes + item.value.len()) == Some(item.value.as_str());
    let (Some(before), Some(marked)) = (item.value.get(..range.start), item.value.get(range.clone())) else {
        return item.span;
    };
    if !as_is || written.contains(['\n', '\r']) {
        return item.span;
    }
    let start = Position {
        column: item.span.start.column + narrow(quotes + before.chars().count()),
        offset: item.span.start.offset + narrow(quotes + before.len()),
        ..item.span.start
    };
    let end = Position {
        column: start.column + narrow(marked.chars().count()),
        offset: start.offset + narrow(marked.len()),
        ..start
    };
    Span { start, end }
}

fn standard_library(item: &Spanned<String>, package: &str, reader: &mut Reader<'_>) {
    reader.push(
        Diagnostic::new(
            Code::StandardLibrary,
            format!("`{package}` is part of Python and needs no installation"),
        )
        .at(item.span)
        .pointing(item.pointer.clone())
        .help("remove it"),
    );
}

fn duplicate(item: &Spanned<String>, package: &str, first: Span, reader: &mut Reader<'_>) {
    reader.push(
        Diagnostic::new(
            Code::DuplicateRequirement,
            format!("the package `{package}` is required twice by one step"),
        )
        .at(item.span)
        .pointing(item.pointer.clone())
        .related(first, "first required here")
        .help("keep one of the two"),
    );
}
