//! A cursor over the characters of a text that knows line, column and byte offset.

use crate::span::{Position, Span, narrow};

/// What the end of the text reads as. The real NUL never gets here: it is refused as unprintable.
pub(super) const END: char = '\0';

/// Line breaks of YAML 1.1.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// A line break or the end of the text.
pub(super) fn is_break_or_end(c: char) -> bool {
    c == END || is_break(c)
}

/// A space, a tab, a line break or the end of the text.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t') || is_break_or_end(c)
}

#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    offset: usize,
    /// Characters before the cursor: a simple key may be at most 1024 of them long.
    index: usize,
    line: usize,
    column: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, offset: 0, index: 0, line: 0, column: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The text from the cursor on.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// The line, from 0.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The column, from 0.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    pub(super) fn position(&self) -> Position {
        Position { line: narrow(self.line + 1), column: narrow(self.column + 1), offset: narrow(self.offset) }
    }

    pub(super) fn span_from(&self, start: Position) -> Span {
        Span { start, end: self.position() }
    }

    pub(super) fn peek(&self) -> char {
        self.rest().chars().next().unwrap_or(END)
    }

    /// The character `n` characters ahead.
    pub(super) fn peek_at(&self, n: usize) -> char {
        self.rest().chars().nth(n).unwrap_or(END)
    }

    pub(super) fn forward(&mut self) {
        let mut rest = self.rest().chars();
        let Some(c) = rest.next() else { return };
        self.offset += c.len_utf8();
        self.index += 1;
        if is_break(c) && !(c == '\r' && rest.next() == Some('\n')) {
            self.line += 1;
            self.column = 0;
        } else if c != '\u{feff}' {
            self.column += 1;
        }
    }

    pub(super) fn forward_by(&mut self, characters: usize) {
        for _ in 0..characters {
            self.forward();
        }
    }

    /// Takes the characters that satisfy the test, none of which may be a line break.
    pub(super) fn take_while(&mut self, mut test: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !test(c)).unwrap_or(rest.len());
        self.take_inline(length)
    }

    /// Takes that many bytes, which hold no line break.
    pub(super) fn take_inline(&mut self, bytes: usize) -> &'a str {
        let taken = &self.rest()[..bytes];
        self.offset += bytes;
        if taken.is_ascii() {
            self.index += bytes;
            self.column += bytes;
        } else {
            for c in taken.chars() {
                self.index += 1;
                self.column += usize::from(c != '\u{feff}');
            }
        }
        taken
    }

    pub(super) fn skip_spaces(&mut self) {
        self.take_while(|c| c == ' ');
    }

    /// Takes a line break and gives what it means: a newline, or a Unicode separator kept as it is.
    pub(super) fn take_break(&mut self) -> Option<char> {
        let c = self.peek();
        if !is_break(c) {
            return None;
        }
        if self.rest().starts_with("\r\n") {
            self.forward();
        }
        self.forward();
        Some(if matches!(c, '\u{2028}' | '\u{2029}') { c } else { '\n' })
    }

    /// Whether a document marker (`---` or `...`) stands here; the column is not looked at.
    pub(super) fn at_marker(&self, marker: &str) -> bool {
        self.rest().starts_with(marker) && is_blank(self.peek_at(3))
    }

    pub(super) fn at_any_marker(&self) -> bool {
        self.at_marker("---") || self.at_marker("...")
    }

    /// The stretch from the first character of the line that is not a space to the cursor.
    pub(super) fn line_so_far(&self) -> Span {
        let start = self.text[..self.offset]
            .rfind(is_break)
            .map_or(0, |at| at + self.text[at..].chars().next().map_or(1, char::len_utf8));
        let line = &self.text[start..self.offset];
        let indent = line.len() - line.trim_start_matches(' ').len();
        let place = Position {
            line: narrow(self.line + 1),
            column: narrow(indent + 1),
            offset: narrow(start + indent),
        };
        self.span_from(place)
    }
}
