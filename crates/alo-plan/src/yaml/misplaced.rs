//! Human words for a token that does not fit where it stands: most are slips of indentation.

use super::cursor::is_break;
use super::token::{Token, TokenKind};
use super::{Fault, fault};
use crate::code::Code;
use crate::span::{Position, Span, narrow};

/// Explains the token from where the surrounding collection (or the value) starts.
pub(super) fn explain(text: &str, token: &Token, inside: Span, what: &str) -> Fault {
    let place = if token.span.is_empty() { one_line(text, token.span) } else { token.span };
    let opened = text[inside.start.offset as usize..].chars().next();
    if let Some('[' | '{') = opened
        && inside.start.offset < token.span.start.offset
    {
        let runaway =
            token.kind == TokenKind::Value && left_the_brackets(text, token.span.start, inside.start);
        return in_flow(text, token, place, inside.start, runaway);
    }
    match &token.kind {
        TokenKind::FlowSequenceEnd | TokenKind::FlowMappingEnd | TokenKind::FlowEntry => {
            let found = token.kind.describe();
            fault(Code::YamlFlow, format!("{found} stands outside of any brackets"), place)
                .help("remove it, or put the value in quotes if it belongs to the text")
        }
        _ if same_line_as_content(text, token.span.start) => {
            fault(Code::YamlSyntax, format!("{} cannot follow here", token.kind.describe()), place)
                .help("put the whole value in quotes, or start a new line")
        }
        TokenKind::BlockEntry
        | TokenKind::BlockSequenceStart
        | TokenKind::BlockMappingStart
        | TokenKind::Key
        | TokenKind::Scalar { .. }
        | TokenKind::BlockEnd => by_indentation(text, token, place, inside, what),
        other => fault(Code::YamlSyntax, format!("{} cannot stand here", other.describe()), place)
            .help("put the value in quotes if it is meant as text"),
    }
}

/// Whether a key stands on a later line that is indented no deeper than the line of the opening bracket: then the
/// bracket was never closed, rather than a comma forgotten.
fn left_the_brackets(text: &str, key: Position, opening: Position) -> bool {
    let indent = |place: Position| {
        let before = &text[..place.offset as usize];
        let line = before.rsplit(is_break).next().unwrap_or_default();
        line.len() - line.trim_start_matches(' ').len()
    };
    key.line > opening.line && indent(key) <= indent(opening)
}

/// The key whose `:` stands there.
fn key_of_line(text: &str, colon: Span) -> Span {
    let before = &text[..colon.start.offset as usize];
    let line = before.rsplit(is_break).next().unwrap_or_default();
    let key = line.trim_start_matches(' ');
    let start = Position {
        column: colon.start.column.saturating_sub(narrow(key.chars().count())).max(1),
        offset: colon.start.offset - narrow(key.len()),
        ..colon.start
    };
    Span { start, end: colon.end }
}

fn in_flow(text: &str, token: &Token, place: Span, start: Position, runaway: bool) -> Fault {
    let open = if text[start.offset as usize..].starts_with('[') { '[' } else { '{' };
    let close = if open == '[' { ']' } else { '}' };
    let opening =
        Span { start, end: Position { column: start.column + 1, offset: start.offset + 1, ..start } };
    match &token.kind {
        TokenKind::Value if runaway => {
            fault(Code::YamlUnclosed, format!("the `{open}` opened here is not closed before the next key"), opening)
                .related(key_of_line(text, place), "this key follows")
                .help(format!("put a `{close}` where it ends"))
        }
        TokenKind::StreamEnd | TokenKind::DocumentStart | TokenKind::DocumentEnd => {
            fault(Code::YamlUnclosed, format!("the `{open}` opened here is never closed"), opening)
                .help(format!("put a `{close}` where it ends"))
        }
        TokenKind::FlowEntry => fault(Code::YamlFlow, "a value is missing before this `,`", place)
            .related(opening, "in the brackets opened here")
            .help("remove the surplus `,`"),
        TokenKind::FlowSequenceEnd | TokenKind::FlowMappingEnd => fault(
            Code::YamlFlow,
            format!("{} does not close the `{open}`", token.kind.describe()),
            place,
        )
        .related(opening, "opened here")
        .help(format!("write `{close}`")),
        TokenKind::Key if place.text(text).starts_with('?') => {
            fault(Code::YamlFlow, "a `?` inside brackets would start a key", place)
                .related(opening, "in the brackets opened here")
                .help("put the value in quotes")
        }
        other => fault(
            Code::YamlFlow,
            format!("a `,` or `{close}` is missing before {}", other.describe()),
            place,
        )
        .related(opening, "in the brackets opened here")
        .help(format!(
            "separate the entries by `,`, close the brackets with `{close}`, or quote a text that holds `?`, `,`, `:` or brackets"
        )),
    }
}

/// Whether something other than spaces and dashes stands before the place on its line.
fn same_line_as_content(text: &str, place: Position) -> bool {
    let before = &text[..place.offset as usize];
    let line = before.rsplit(is_break).next().unwrap_or_default();
    line.chars().any(|c| !matches!(c, ' ' | '-' | '\u{feff}'))
}

fn by_indentation(text: &str, token: &Token, place: Span, inside: Span, what: &str) -> Fault {
    let (found, first) = (token.span.start, inside.start);
    let starts = one_line(text, Span::at(first));
    let this = match token.kind {
        TokenKind::BlockEntry | TokenKind::BlockSequenceStart => "list item",
        TokenKind::Key | TokenKind::BlockMappingStart => "key",
        _ => "line",
    };
    if found.offset <= first.offset {
        return fault(Code::YamlSyntax, format!("{} cannot stand here", token.kind.describe()), place)
            .help("check the indentation of this line and the one above");
    }
    let (depth, wanted) = (found.column - 1, first.column - 1);
    let line = text[..first.offset as usize].rsplit(is_break).next().unwrap_or_default();
    if let Some(dash) = line.rfind('-').filter(|_| this == "list item" && depth == wanted) {
        return fault(
            Code::YamlIndentation,
            format!("this list item is indented by {depth} spaces, the item it follows by {dash}"),
            place,
        )
        .related(starts, "that item starts here")
        .help(format!("indent it by {dash} spaces, or indent the list below the key it belongs to"));
    }
    if depth == wanted {
        let other = if this == "list item" { "keys" } else { "list items" };
        return fault(Code::YamlIndentation, format!("this {this} stands in a column of {other}"), place)
            .related(starts, format!("{what} starts here"))
            .help(if this == "list item" {
                "indent the list below the key it belongs to".to_owned()
            } else {
                format!(
                    "indent the key by two more spaces if it belongs to the item above: {} in all",
                    depth + 2
                )
            });
    }
    if this == "key" && text[first.offset as usize..].starts_with('-') && depth > wanted {
        return fault(
            Code::YamlIndentation,
            format!("this key is indented by {depth} spaces, the item above it by {wanted}"),
            place,
        )
        .related(starts, "the list starts here")
        .help(format!("indent it by {} spaces, like the keys of the item", wanted + 2));
    }
    fault(
        Code::YamlIndentation,
        format!("this {this} is indented by {depth} spaces, {what} around it by {wanted}"),
        place,
    )
    .related(starts, format!("{what} starts here"))
    .help(format!("indent it by {wanted} spaces if it belongs beside the line marked above"))
}

/// The end of the text of a token that holds no line break.
fn one_line(text: &str, span: Span) -> Span {
    let start = span.start.offset as usize;
    let line = text[start..].split(is_break).next().unwrap_or_default().trim_end();
    let end = Position {
        column: span.start.column + narrow(line.chars().count()),
        offset: span.start.offset + narrow(line.len()),
        ..span.start
    };
    Span { start: span.start, end }
}
