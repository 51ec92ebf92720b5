//! Faults for people: the lines they are in, underlined, with what to write instead, as rustc shows its own.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::check::redacted;
use crate::diagnostic::Diagnostic;
use crate::load::Loaded;
use crate::severity::Severity;
use crate::span::Span;

/// Renders all faults of a plan, a blank line between two; empty when there is none.
///
/// With `colour` the text holds ANSI escapes. Passwords and tokens in URLs are shown as `*`.
pub fn render(loaded: &Loaded, colour: bool) -> String {
    let source = redacted(&loaded.source);
    let faults = loaded.diagnostics.iter();
    let rendered: Vec<_> = faults.map(|fault| one(fault, loaded.path.as_str(), &source, colour)).collect();
    rendered.join("\n")
}

/// Renders one fault of a text; the name of the file stands above the excerpt.
///
/// ```
/// let loaded = alo_plan::load_str("control:\n  - interface_mode: momory\n", "plan.yaml".into());
/// let text = alo_plan::render::diagnostic(&loaded.diagnostics[0], "plan.yaml", &loaded.source, false);
/// assert!(text.starts_with("error[wrong-value]: `momory` is no value of `interface_mode`\n"), "{text}");
/// assert!(text.contains("^^^^^^"));
/// assert!(text.contains("help: did you mean `memory`?"));
/// ```
pub fn diagnostic(fault: &Diagnostic, path: &str, source: &str, colour: bool) -> String {
    one(fault, path, &redacted(source), colour)
}

fn one(fault: &Diagnostic, path: &str, source: &str, colour: bool) -> String {
    let level = match fault.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(fault.message.as_str()).id(fault.code.name());
    let mut group = Group::with_title(title);
    if let Some(span) = fault.span {
        let (window, start, line, related) = excerpt(fault, source);
        if window.len() > LARGEST_EXCERPT {
            let column = span.start.column as usize;
            let origin = Origin::path(path).line(span.start.line as usize).char_column(column);
            return rendered(group.element(origin), fault, colour);
        }
        let shown = |span: Span| {
            first_line(window, span.start.offset as usize - start, span.end.offset as usize - start)
        };
        let mut snippet = Snippet::source(window).path(path).line_start(line).fold(true);
        if let Some((related, label)) = related {
            snippet = snippet.annotation(AnnotationKind::Context.span(shown(*related)).label(label.as_str()));
        }
        snippet = snippet.annotation(AnnotationKind::Primary.span(shown(span)));
        group = group.element(snippet);
    } else if !path.is_empty() {
        group = group.element(Origin::path(path));
    }
    rendered(group, fault, colour)
}

/// Adds the help and makes text of it.
fn rendered<'a>(mut group: Group<'a>, fault: &'a Diagnostic, colour: bool) -> String {
    if let Some(help) = &fault.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.decor_style(DecorStyle::Ascii).render(&[group]);
    text.push('\n');
    text
}

/// Longer excerpts, in bytes, are not shown: a screen holds less, and drawing them takes many times their memory.
const LARGEST_EXCERPT: usize = 256 * 1024;

/// The second place of a fault.
type Related<'a> = Option<&'a (Span, String)>;

/// Farther apart, in bytes, two places are not shown together: every line between them is looked at.
const FARTHEST: u32 = 100_000;

/// The lines the fault speaks of, their offset, the number of the first, and the second place if it is among them: a file
/// of megabytes is not searched for every fault.
fn excerpt<'a, 'f>(fault: &'f Diagnostic, source: &'a str) -> (&'a str, usize, usize, Related<'f>) {
    let near = |other: &Span| {
        fault.span.is_some_and(|span| span.start.offset.abs_diff(other.start.offset) < FARTHEST)
    };
    let related = fault.related.as_ref().filter(|(span, _)| near(span));
    // Only the first line of a block is shown.
    let first_of = |span: Span| Span {
        end: if span.end.line > span.start.line { span.start } else { span.end },
        ..span
    };
    let spans = fault.span.into_iter().chain(related.map(|(span, _)| *span)).map(first_of);
    let (mut first, mut last, mut line) = (source.len(), 0, usize::MAX);
    for span in spans {
        first = first.min(span.start.offset as usize);
        last = last.max(span.end.offset as usize);
        line = line.min(span.start.line as usize);
    }
    let start = source[..first.min(source.len())].rfind('\n').map_or(0, |at| at + 1);
    let end = source[last.min(source.len())..].find('\n').map_or(source.len(), |at| last + at);
    (&source[start..end], start, line, related)
}

/// A block of many lines is underlined in its first line only; the arrows around it would hide what it says.
fn first_line(window: &str, start: usize, end: usize) -> Range<usize> {
    let line_end = window[start..].find(['\n', '\r']).map_or(window.len(), |at| start + at);
    start..end.min(line_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_megabytes_is_named_and_not_drawn() {
        let text = format!("name: {}\n", "x".repeat(1 << 20));
        let loaded = crate::load_str(&text, "plan.yaml".into());
        let shown = render(&loaded, false);
        assert!(shown.contains("plan.yaml:1:1") && shown.len() < 1000, "{}", shown.len());
    }
}
