//! The line of a requirements file that makes no sense, underlined as plans show theirs.

use std::ops::Range;

use alo_plan::{Code, Diagnostic, Position, Span, render};

use super::error::RequirementError;
use super::origin::Origin;

impl RequirementError {
    /// The line of the file that is at fault, with the file's name, line and column above it and a mark below; `None` if it stands
    /// in the plan, whose own faults are shown so when it is read.
    ///
    /// Passwords and tokens in URLs are shown as `*`.
    pub fn excerpt(&self) -> Option<String> {
        let (origin, text, at) = match self {
            Self::Syntax { origin, text, at, .. } => (origin, text.as_str(), at.clone()),
            Self::Option { origin, option } => (origin, option.as_str(), 0..option.len()),
            Self::Missing { origin, path }
            | Self::Circle { origin, path }
            | Self::Digest { origin, path, .. } => {
                let name = path.file_name().unwrap_or_default();
                (origin, name, 0..name.len())
            }
            Self::Read { .. } => return None,
        };
        let Origin { file: Some((path, line)), .. } = origin else { return None };
        let bytes = fs_err::read(path).ok()?;
        let source = String::from_utf8_lossy(&bytes);
        let span = span(&source, *line, text, at)?;
        let fault = Diagnostic::new(Code::BadRequirement, "").at(span);
        let shown = render::diagnostic(&fault, path.as_str(), &source, false);
        // What is wrong stands in the error itself.
        shown.split_once('\n').map(|(_, excerpt)| excerpt.trim_end().to_owned())
    }
}

/// Where in the source the bytes `at` of `text` are, which begins in that line; the whole line if the text is not written there so.
fn span(source: &str, line: usize, text: &str, at: Range<usize>) -> Option<Span> {
    let mut lines = source.split_inclusive('\n');
    let start: usize = lines.by_ref().take(line.checked_sub(1)?).map(str::len).sum();
    let first = lines.next()?;
    let begun = source.get(start..)?;
    let range = match begun.find(text).filter(|found| *found < first.len() && !text.is_empty()) {
        Some(found) => found + at.start..found + at.end.max(at.start + 1),
        None => first.len() - first.trim_start().len()..first.trim_end().len(),
    };
    let place = |at: usize| Position::of(source, start + at);
    Some(Span { start: place(range.start), end: place(range.end) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(source: &str, line: usize, text: &str, at: Range<usize>) -> (u32, u32, u32) {
        let span = span(source, line, text, at).unwrap();
        (span.start.line, span.start.column, span.end.column)
    }

    #[test]
    fn a_place_is_found_in_its_line_and_else_the_line_is_meant() {
        let source = "\u{feff}a==1\n  b=2  # 둘\n";
        assert_eq!(columns(source, 2, "b=2", 1..2), (2, 4, 5));
        assert_eq!(columns(source, 1, "a==1", 0..4), (1, 1, 5));
        assert_eq!(columns(source, 2, "hidden", 0..1), (2, 3, 11));
        assert!(span(source, 9, "a", 0..1).is_none());
    }
}
