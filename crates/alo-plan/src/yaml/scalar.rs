//! Reading scalars: plain, quoted, literal and folded text, with the folding rules of YAML 1.1.

use super::cursor::{END, is_blank, is_break, is_break_or_end};
use super::scanner::Scanner;
use super::token::{Token, TokenKind};
use super::{Fault, fault};
use crate::code::Code;
use crate::span::{Position, Span};

impl Scanner<'_> {
    pub(super) fn scan_plain(&mut self) -> Token {
        let in_flow = self.flow_level > 0;
        let indent = self.content_indent();
        let start = self.cursor.position();
        let mut end = start;
        let mut text = String::new();
        let mut spaces = String::new();
        while self.cursor.peek() != '#' {
            let length = plain_length(self.cursor.rest(), in_flow);
            if length == 0 {
                break;
            }
            self.allow_simple_key = false;
            text.push_str(&spaces);
            text.push_str(self.cursor.take_inline(length));
            end = self.cursor.position();
            spaces = self.scan_plain_spaces();
            if spaces.is_empty() || self.cursor.peek() == '#' || (!in_flow && self.cursor.column() < indent) {
                break;
            }
        }
        Token { kind: TokenKind::Scalar { text, plain: true }, span: Span { start, end } }
    }

    /// White space between two words of a plain text, folded; empty when the text ends here.
    fn scan_plain_spaces(&mut self) -> String {
        let spaces = self.cursor.take_while(|c| c == ' ');
        let Some(first) = self.cursor.take_break() else {
            return spaces.to_owned();
        };
        self.allow_simple_key = true;
        if self.cursor.at_any_marker() {
            return String::new();
        }
        let mut breaks = String::new();
        loop {
            self.cursor.skip_spaces();
            let Some(next) = self.cursor.take_break() else { break };
            breaks.push(next);
            if self.cursor.at_any_marker() {
                return String::new();
            }
        }
        fold(first, &breaks)
    }

    pub(super) fn scan_quoted(&mut self) -> Result<Token, Fault> {
        let start = self.cursor.position();
        let quote = self.cursor.peek();
        self.cursor.forward();
        let mut text = String::new();
        loop {
            self.scan_quoted_words(quote, &mut text)?;
            if self.cursor.peek() == quote {
                break;
            }
            self.scan_quoted_spaces(quote, start, &mut text)?;
        }
        self.cursor.forward();
        let span = self.cursor.span_from(start);
        Ok(Token { kind: TokenKind::Scalar { text, plain: false }, span })
    }

    fn scan_quoted_words(&mut self, quote: char, text: &mut String) -> Result<(), Fault> {
        loop {
            text.push_str(self.cursor.take_while(|c| !matches!(c, '\'' | '"' | '\\') && !is_blank(c)));
            match self.cursor.peek() {
                '\'' if quote == '\'' && self.cursor.peek_at(1) == '\'' => {
                    text.push('\'');
                    self.cursor.forward_by(2);
                }
                c @ ('\'' | '"') if c != quote => {
                    text.push(c);
                    self.cursor.forward();
                }
                '\\' if quote == '"' => self.scan_escape(text)?,
                '\\' => {
                    text.push('\\');
                    self.cursor.forward();
                }
                _ => return Ok(()),
            }
        }
    }

    fn scan_escape(&mut self, text: &mut String) -> Result<(), Fault> {
        let start = self.cursor.position();
        self.cursor.forward();
        let c = self.cursor.peek();
        let digits = match c {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ if is_break(c) => {
                self.cursor.take_break();
                return self.scan_quoted_breaks(start, text);
            }
            _ => {
                let Some(meant) = simple_escape(c) else {
                    self.cursor.forward();
                    return Err(fault(
                        Code::YamlEscape,
                        format!("`\\{}` is no escape of YAML", printable(c)),
                        self.cursor.span_from(start),
                    )
                    .help("write `\\\\` for a backslash, or use single quotes, where a backslash is only a backslash"));
                };
                self.cursor.forward();
                text.push(meant);
                return Ok(());
            }
        };
        self.cursor.forward();
        let code =
            self.cursor.rest().get(..digits).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = code else {
            return Err(fault(
                Code::YamlEscape,
                format!("`\\{c}` needs {digits} hexadecimal digits after it"),
                self.cursor.span_from(start),
            )
            .help("write the digits, or use single quotes, where a backslash is only a backslash"));
        };
        self.cursor.take_inline(digits);
        let number = u32::from_str_radix(code, 16).ok().map(|high| self.join_surrogates(high));
        // Half a surrogate pair is nothing that could be written to a file or compared with a text.
        let meant = number.and_then(char::from_u32).ok_or_else(|| {
            fault(
                Code::YamlEscape,
                format!("`\\{c}{code}` is no Unicode character"),
                self.cursor.span_from(start),
            )
            .help("write the character itself")
        })?;
        text.push(meant);
        Ok(())
    }

    /// A pair such as `\ud83d\ude00`, as JSON writes it, is one character.
    fn join_surrogates(&mut self, high: u32) -> u32 {
        let low = self.cursor.rest().strip_prefix("\\u").and_then(|rest| rest.get(..4));
        match low.and_then(|low| u32::from_str_radix(low, 16).ok()) {
            Some(low @ 0xdc00..=0xdfff) if (0xd800..=0xdbff).contains(&high) => {
                self.cursor.take_inline(6);
                0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            }
            _ => high,
        }
    }

    fn scan_quoted_spaces(&mut self, quote: char, start: Position, text: &mut String) -> Result<(), Fault> {
        let spaces = self.cursor.take_while(|c| matches!(c, ' ' | '\t'));
        if let Some(first) = self.cursor.take_break() {
            let mut breaks = String::new();
            self.scan_quoted_breaks(start, &mut breaks)?;
            text.push_str(&fold(first, &breaks));
            return Ok(());
        }
        if self.cursor.peek() == END {
            return Err(unclosed_quote(quote, start, self.cursor.text()));
        }
        text.push_str(spaces);
        Ok(())
    }

    fn scan_quoted_breaks(&mut self, start: Position, breaks: &mut String) -> Result<(), Fault> {
        loop {
            // PyYAML looks for the markers at whatever column the line begins.
            if self.cursor.at_any_marker() {
                return Err(unclosed_quote('"', start, self.cursor.text()));
            }
            self.cursor.take_while(|c| matches!(c, ' ' | '\t'));
            let Some(next) = self.cursor.take_break() else { return Ok(()) };
            breaks.push(next);
        }
    }

    pub(super) fn scan_block_scalar(&mut self) -> Result<Token, Fault> {
        let start = self.cursor.position();
        let folded = self.cursor.peek() == '>';
        self.cursor.forward();
        let (keep, increment) = self.scan_block_header(start)?;
        let least = self.content_indent().max(1);
        let mut breaks = String::new();
        let mut end = self.cursor.position();
        let indent = match increment {
            Some(increment) => {
                let indent = least + increment - 1;
                self.scan_block_breaks(indent, &mut breaks, &mut end);
                indent
            }
            None => self.scan_block_indentation(&mut breaks, &mut end).max(least),
        };
        let mut text = String::new();
        let mut last_break = None;
        while self.cursor.column() == indent && self.cursor.peek() != END {
            text.push_str(&breaks);
            breaks.clear();
            let leading_space = matches!(self.cursor.peek(), ' ' | '\t');
            text.push_str(self.cursor.take_while(|c| !is_break_or_end(c)));
            end = self.cursor.position();
            last_break = self.cursor.take_break();
            self.scan_block_breaks(indent, &mut breaks, &mut end);
            if self.cursor.column() != indent || self.cursor.peek() == END {
                break;
            }
            if folded
                && last_break == Some('\n')
                && !leading_space
                && !matches!(self.cursor.peek(), ' ' | '\t')
            {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.extend(last_break);
            }
        }
        if keep != Some(false) {
            text.extend(last_break);
        }
        if keep == Some(true) {
            text.push_str(&breaks);
        }
        Ok(Token { kind: TokenKind::Scalar { text, plain: false }, span: Span { start, end } })
    }

    /// The `+`, `-` and digit after `|` or `>`, and the rest of the line.
    fn scan_block_header(&mut self, start: Position) -> Result<(Option<bool>, Option<usize>), Fault> {
        let (mut keep, mut increment) = (None, None);
        loop {
            match self.cursor.peek() {
                c @ ('+' | '-') if keep.is_none() => keep = Some(c == '+'),
                c @ '1'..='9' if increment.is_none() => increment = c.to_digit(10).map(|d| d as usize),
                _ => break,
            }
            self.cursor.forward();
        }
        let separated = matches!(self.cursor.peek(), ' ') || is_break_or_end(self.cursor.peek());
        self.cursor.skip_spaces();
        if separated && self.cursor.peek() == '#' {
            self.cursor.take_while(|c| !is_break_or_end(c));
        }
        if !separated || !is_break_or_end(self.cursor.peek()) {
            self.cursor.take_while(|c| !is_break_or_end(c));
            let span = self.cursor.span_from(start);
            return Err(fault(Code::YamlSyntax, "a block text starts on the line after `|` or `>`", span)
                .help("put the text on the next line, indented, or put the value in quotes"));
        }
        self.cursor.take_break();
        Ok((keep, increment))
    }

    fn scan_block_indentation(&mut self, breaks: &mut String, end: &mut Position) -> usize {
        let mut deepest = 0;
        loop {
            if let Some(next) = self.cursor.take_break() {
                breaks.push(next);
                *end = self.cursor.position();
            } else if self.cursor.peek() == ' ' {
                self.cursor.forward();
                deepest = deepest.max(self.cursor.column());
            } else {
                return deepest;
            }
        }
    }

    fn scan_block_breaks(&mut self, indent: usize, breaks: &mut String, end: &mut Position) {
        loop {
            while self.cursor.column() < indent && self.cursor.peek() == ' ' {
                self.cursor.forward();
            }
            let Some(next) = self.cursor.take_break() else { return };
            breaks.push(next);
            *end = self.cursor.position();
        }
    }
}

/// Bytes of the plain text up to the next blank or indicator.
fn plain_length(rest: &str, in_flow: bool) -> usize {
    let mut characters = rest.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if is_blank(c) || (in_flow && matches!(c, ',' | '?' | '[' | ']' | '{' | '}')) {
            return at;
        }
        if c == ':' {
            let next = characters.peek().map_or(END, |(_, c)| *c);
            if is_blank(next) || (in_flow && matches!(next, ',' | '[' | ']' | '{' | '}')) {
                return at;
            }
        }
    }
    rest.len()
}

/// One line break folds to a space, more to all but the first; Unicode separators stay.
fn fold(first: char, breaks: &str) -> String {
    match (first, breaks.is_empty()) {
        ('\n', true) => " ".to_owned(),
        ('\n', false) => breaks.to_owned(),
        _ => format!("{first}{breaks}"),
    }
}

fn simple_escape(c: char) -> Option<char> {
    Some(match c {
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\x0b',
        'f' => '\x0c',
        'r' => '\r',
        'e' => '\x1b',
        ' ' | '"' | '\\' | '/' => c,
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        _ => return None,
    })
}

fn printable(c: char) -> String {
    if c == END { "the end of the file".to_owned() } else { c.escape_debug().to_string() }
}

fn unclosed_quote(quote: char, start: Position, text: &str) -> Fault {
    let quote =
        text[start.offset as usize..].chars().next().filter(|c| matches!(c, '\'' | '"')).unwrap_or(quote);
    let end = Position { column: start.column + 1, offset: start.offset + 1, ..start };
    fault(Code::YamlUnclosed, format!("the quote `{quote}` opened here is never closed"), Span { start, end })
        .help(format!("put another `{quote}` where the text ends"))
}
