//! Places in the text of a plan: what every node, diagnostic and rendered excerpt points to.

use std::ops::Range;

use serde::Serialize;

/// A place between two characters of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Offset in bytes, from 0.
    pub offset: u32,
}

impl Position {
    /// The first place of every text.
    pub const START: Self = Self { line: 1, column: 1, offset: 0 };

    /// The place at that byte offset of a text; an offset past the end is the end.
    ///
    /// It walks the text from the start, so it is for the odd fault, not for every node.
    pub fn of(text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[line_start..].chars().filter(|c| *c != '\u{feff}').count();
        Self {
            line: narrow(before.bytes().filter(|b| *b == b'\n').count() + 1),
            column: narrow(column + 1),
            offset: narrow(offset),
        }
    }
}

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// The first character.
    pub start: Position,
    /// The place after the last character.
    pub end: Position,
}

impl Span {
    /// The empty stretch at the start of a text.
    pub const START: Self = Self { start: Position::START, end: Position::START };

    /// The empty stretch at a place.
    pub fn at(place: Position) -> Self {
        Self { start: place, end: place }
    }

    /// The stretch from the start of this one to the end of the other.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    /// Whether it holds no character.
    pub fn is_empty(&self) -> bool {
        self.start.offset == self.end.offset
    }

    /// The byte range in the text.
    pub fn range(&self) -> Range<usize> {
        self.start.offset as usize..self.end.offset as usize
    }

    /// The text of the stretch; empty when the stretch is not of that text.
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        source.get(self.range()).unwrap_or_default()
    }
}

/// Sizes fit: texts over 16 MiB are refused before positions are taken.
pub(crate) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_offsets_count_bytes() {
        assert_eq!(Position::of("가: 나\n다", 9), Position { line: 2, column: 1, offset: 9 });
        assert_eq!(Position::of("a\n나b", 5), Position { line: 2, column: 2, offset: 5 });
    }

    #[test]
    fn an_offset_inside_a_character_or_past_the_end_is_moved() {
        assert_eq!(Position::of("가", 1), Position::START);
        assert_eq!(Position::of("ab", 9), Position { line: 1, column: 3, offset: 2 });
    }
}
