//! Characters to tokens: indentation, simple keys and indicators, as the scanner of PyYAML sees them.
//!
//! Scalars, tags, anchors and directives are read in the neighbouring files.

use std::collections::VecDeque;

use super::cursor::{Cursor, END, is_blank};
use super::token::{Token, TokenKind};
use super::{Fault, fault};
use crate::code::Code;
use crate::span::{Position, Span};

/// A key without `?` is on one line and at most this many characters long.
const LONGEST_SIMPLE_KEY: usize = 1024;

/// A token that is a key if a `:` follows.
#[derive(Debug, Clone)]
struct SimpleKey {
    token: usize,
    /// It stands where only a key can stand.
    required: bool,
    index: usize,
    line: usize,
    column: usize,
    start: Position,
}

/// The scanner. Tokens are made on demand, ahead only as far as a simple key may reach.
pub(super) struct Scanner<'a> {
    pub(super) cursor: Cursor<'a>,
    tokens: VecDeque<Token>,
    taken: usize,
    done: bool,
    /// Column of the current block collection; -1 outside of any.
    indent: isize,
    indents: Vec<isize>,
    pub(super) flow_level: usize,
    pub(super) allow_simple_key: bool,
    /// One for each flow level.
    simple_keys: Vec<Option<SimpleKey>>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            done: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            allow_simple_key: true,
            simple_keys: vec![None],
        }
    }

    /// The next token, left in place. After the end of the stream it is the end again.
    pub(super) fn peek(&mut self) -> Result<&Token, Fault> {
        while self.needs_more()? {
            self.fetch()?;
        }
        if self.tokens.is_empty() {
            self.push(TokenKind::StreamEnd, Span::at(self.cursor.position()));
        }
        Ok(&self.tokens[0])
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Result<Token, Fault> {
        self.peek()?;
        self.taken += 1;
        Ok(self
            .tokens
            .pop_front()
            .unwrap_or(Token { kind: TokenKind::StreamEnd, span: Span::at(self.cursor.position()) }))
    }

    /// The indentation of the content below the current block: at least one more column.
    pub(super) fn content_indent(&self) -> usize {
        usize::try_from(self.indent + 1).unwrap_or(0)
    }

    fn push(&mut self, kind: TokenKind, span: Span) {
        self.tokens.push_back(Token { kind, span });
    }

    fn needs_more(&mut self) -> Result<bool, Fault> {
        if self.done {
            return Ok(false);
        }
        if self.tokens.is_empty() {
            return Ok(true);
        }
        self.drop_stale_keys()?;
        // Keys of outer levels were saved before those of inner ones.
        Ok(self.simple_keys.iter().flatten().next().is_some_and(|key| key.token == self.taken))
    }

    fn fetch(&mut self) -> Result<(), Fault> {
        self.skip_to_token();
        self.drop_stale_keys()?;
        self.unwind(self.column());
        let c = self.cursor.peek();
        let blank_next = is_blank(self.cursor.peek_at(1));
        let in_flow = self.flow_level > 0;
        match c {
            END => self.fetch_stream_end(),
            '%' if self.cursor.column() == 0 => {
                self.leave_block()?;
                let token = self.scan_directive()?;
                self.tokens.push_back(token);
                Ok(())
            }
            '-' if self.cursor.column() == 0 && self.cursor.at_marker("---") => {
                self.fetch_marker(TokenKind::DocumentStart)
            }
            '.' if self.cursor.column() == 0 && self.cursor.at_marker("...") => {
                self.fetch_marker(TokenKind::DocumentEnd)
            }
            '[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            '{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            ']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            '}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            ',' => {
                self.allow_simple_key = true;
                self.remove_simple_key()?;
                self.fetch_indicator(TokenKind::FlowEntry);
                Ok(())
            }
            '-' if blank_next => self.fetch_block_entry(),
            '?' if in_flow || blank_next => self.fetch_key(),
            ':' if in_flow || blank_next => self.fetch_value(),
            '*' | '&' => {
                self.start_simple_key_token()?;
                let token = self.scan_anchor()?;
                self.tokens.push_back(token);
                Ok(())
            }
            '!' => {
                self.start_simple_key_token()?;
                let token = self.scan_tag()?;
                self.tokens.push_back(token);
                Ok(())
            }
            '|' | '>' if !in_flow => {
                self.allow_simple_key = true;
                self.remove_simple_key()?;
                let token = self.scan_block_scalar()?;
                self.tokens.push_back(token);
                Ok(())
            }
            '\'' | '"' => {
                self.start_simple_key_token()?;
                let token = self.scan_quoted()?;
                self.tokens.push_back(token);
                Ok(())
            }
            _ if starts_plain(c, blank_next, in_flow) => {
                self.start_simple_key_token()?;
                let token = self.scan_plain();
                self.tokens.push_back(token);
                Ok(())
            }
            _ => Err(self.stray_character(c)),
        }
    }

    fn stray_character(&self, c: char) -> Fault {
        let start = self.cursor.position();
        let mut end = self.cursor.clone();
        end.forward();
        let span = Span { start, end: end.position() };
        if c == '\t' {
            return fault(Code::YamlTab, "a tab stands where YAML allows only spaces", span)
                .help("replace the tab by spaces");
        }
        fault(Code::YamlQuote, format!("text cannot start with `{c}`"), span)
            .help(format!("put the whole value in quotes: \"{c}…\""))
    }

    /// Skips spaces, comments and line breaks. Tabs are not skipped: YAML 1.1 as PyYAML reads it has none there.
    fn skip_to_token(&mut self) {
        if self.cursor.offset() == 0 && self.cursor.peek() == '\u{feff}' {
            self.cursor.forward();
        }
        loop {
            self.cursor.skip_spaces();
            if self.cursor.peek() == '#' {
                self.cursor.take_while(|c| !super::cursor::is_break_or_end(c));
            }
            if self.cursor.take_break().is_none() {
                return;
            }
            if self.flow_level == 0 {
                self.allow_simple_key = true;
            }
        }
    }

    // Columns are far below isize::MAX: texts are limited to 16 MiB.
    fn column(&self) -> isize {
        isize::try_from(self.cursor.column()).unwrap_or(isize::MAX)
    }

    fn unwind(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.indent = self.indents.pop().unwrap_or(-1);
            self.push(TokenKind::BlockEnd, Span::at(self.cursor.position()));
        }
    }

    fn indent_to(&mut self, column: isize) -> bool {
        if self.indent >= column {
            return false;
        }
        self.indents.push(self.indent);
        self.indent = column;
        true
    }

    fn drop_stale_keys(&mut self) -> Result<(), Fault> {
        let (line, index) = (self.cursor.line(), self.cursor.index());
        for slot in &mut self.simple_keys {
            let stale =
                slot.as_ref().is_some_and(|key| key.line != line || index - key.index > LONGEST_SIMPLE_KEY);
            if stale
                && let Some(key) = slot.take()
                && key.required
            {
                return Err(missing_colon(&self.cursor, &key));
            }
        }
        Ok(())
    }

    fn save_simple_key(&mut self) -> Result<(), Fault> {
        if !self.allow_simple_key {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column();
        self.remove_simple_key()?;
        let key = SimpleKey {
            token: self.taken + self.tokens.len(),
            required,
            index: self.cursor.index(),
            line: self.cursor.line(),
            column: self.cursor.column(),
            start: self.cursor.position(),
        };
        if let Some(slot) = self.simple_keys.get_mut(self.flow_level) {
            *slot = Some(key);
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Result<(), Fault> {
        match self.simple_keys.get_mut(self.flow_level).and_then(Option::take) {
            Some(key) if key.required => Err(missing_colon(&self.cursor, &key)),
            _ => Ok(()),
        }
    }

    fn start_simple_key_token(&mut self) -> Result<(), Fault> {
        self.save_simple_key()?;
        self.allow_simple_key = false;
        Ok(())
    }

    fn leave_block(&mut self) -> Result<(), Fault> {
        self.unwind(-1);
        self.remove_simple_key()?;
        self.allow_simple_key = false;
        Ok(())
    }

    fn fetch_stream_end(&mut self) -> Result<(), Fault> {
        self.leave_block()?;
        self.simple_keys.iter_mut().for_each(|slot| *slot = None);
        self.push(TokenKind::StreamEnd, Span::at(self.cursor.position()));
        self.done = true;
        Ok(())
    }

    fn fetch_marker(&mut self, kind: TokenKind) -> Result<(), Fault> {
        self.leave_block()?;
        let start = self.cursor.position();
        self.cursor.forward_by(3);
        self.push(kind, self.cursor.span_from(start));
        Ok(())
    }

    fn fetch_indicator(&mut self, kind: TokenKind) {
        let start = self.cursor.position();
        self.cursor.forward();
        self.push(kind, self.cursor.span_from(start));
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), Fault> {
        self.save_simple_key()?;
        self.flow_level += 1;
        self.simple_keys.resize(self.flow_level + 1, None);
        self.allow_simple_key = true;
        self.fetch_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), Fault> {
        self.remove_simple_key()?;
        // A surplus bracket is reported by the parser.
        self.flow_level = self.flow_level.saturating_sub(1);
        self.simple_keys.truncate(self.flow_level + 1);
        self.allow_simple_key = false;
        self.fetch_indicator(kind);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), Fault> {
        if self.flow_level == 0 {
            if !self.allow_simple_key {
                let start = self.cursor.position();
                let mut end = self.cursor.clone();
                end.forward();
                return Err(fault(
                    Code::YamlIndentation,
                    "a list item cannot start in the middle of a line",
                    Span { start, end: end.position() },
                )
                .help("start the list on a new line, or quote the value if `-` belongs to it"));
            }
            if self.indent_to(self.column()) {
                self.push(TokenKind::BlockSequenceStart, Span::at(self.cursor.position()));
            }
        }
        self.allow_simple_key = true;
        self.remove_simple_key()?;
        self.fetch_indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), Fault> {
        if self.flow_level == 0 {
            if !self.allow_simple_key {
                let span = Span::at(self.cursor.position());
                return Err(fault(Code::YamlSyntax, "a key cannot start with `?` here", span)
                    .help("put the value in quotes if the `?` belongs to it"));
            }
            if self.indent_to(self.column()) {
                self.push(TokenKind::BlockMappingStart, Span::at(self.cursor.position()));
            }
        }
        self.allow_simple_key = self.flow_level == 0;
        self.remove_simple_key()?;
        self.fetch_indicator(TokenKind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), Fault> {
        if let Some(key) = self.simple_keys.get_mut(self.flow_level).and_then(Option::take) {
            let at = key.token - self.taken;
            let span = Span::at(key.start);
            self.tokens.insert(at, Token { kind: TokenKind::Key, span });
            if self.flow_level == 0 && self.indent_to(isize::try_from(key.column).unwrap_or(isize::MAX)) {
                self.tokens.insert(at, Token { kind: TokenKind::BlockMappingStart, span });
            }
            self.allow_simple_key = false;
        } else {
            if self.flow_level == 0 {
                if !self.allow_simple_key {
                    return Err(self.surplus_colon());
                }
                if self.indent_to(self.column()) {
                    self.push(TokenKind::BlockMappingStart, Span::at(self.cursor.position()));
                }
            }
            self.allow_simple_key = self.flow_level == 0;
            self.remove_simple_key()?;
        }
        self.fetch_indicator(TokenKind::Value);
        Ok(())
    }

    /// A `:` that makes no key: either the line continues the value above, or its value has a `:` of its own.
    fn surplus_colon(&self) -> Fault {
        let line = self.cursor.line_so_far();
        let key = line.text(self.cursor.text());
        if key.contains(": ") || key.ends_with(':') {
            let start = self.cursor.position();
            let mut end = self.cursor.clone();
            end.forward();
            return fault(Code::YamlColon, "a second `:` in one line", Span { start, end: end.position() })
                .help("put the value in quotes, or start the inner map on a new line");
        }
        fault(
            Code::YamlIndentation,
            format!("`{key}` is indented deeper than the line above, so it continues that line's value"),
            line,
        )
        .help("indent it as the key it belongs beside")
    }
}

fn starts_plain(c: char, blank_next: bool, in_flow: bool) -> bool {
    const INDICATORS: &str = "-?:,[]{}#&*!|>'\"%@`";
    (!is_blank(c) && !INDICATORS.contains(c))
        || (!blank_next && (c == '-' || (!in_flow && matches!(c, '?' | ':'))))
}

fn missing_colon(cursor: &Cursor<'_>, key: &SimpleKey) -> Fault {
    let text = &cursor.text()[key.start.offset as usize..];
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" #").next().unwrap_or_default().trim_end();
    let mut end = Cursor::new(line);
    end.take_inline(line.len());
    let span = Span {
        start: key.start,
        end: Position {
            line: key.start.line,
            column: key.start.column + crate::span::narrow(end.column()),
            offset: key.start.offset + crate::span::narrow(line.len()),
        },
    };
    let shown: String = line.chars().take(40).collect();
    let help = match line.split_once(':') {
        Some((name, value)) if !value.starts_with(' ') && !name.contains([' ', '{', '[']) => {
            format!("put a space after the colon: `{name}: {value}`")
        }
        _ => "write `key: value`, or indent the line if it continues the value above".to_owned(),
    };
    fault(Code::YamlColon, format!("a key is expected here, but `{shown}` has no `:` after it"), span)
        .help(help)
}
