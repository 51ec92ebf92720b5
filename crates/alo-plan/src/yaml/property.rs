//! Reading anchors, aliases, tags and directives.

use super::cursor::{is_blank, is_break_or_end};
use super::scanner::Scanner;
use super::token::{Directive, Token, TokenKind};
use super::{Fault, fault};
use crate::code::Code;
use crate::span::Position;

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

fn is_uri(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-;/?:@&=+$,_.!~*'()[]%".contains(c)
}

/// A space or the end of the line; a tab does not count here.
fn ends_property(c: char) -> bool {
    c == ' ' || is_break_or_end(c)
}

impl Scanner<'_> {
    pub(super) fn scan_anchor(&mut self) -> Result<Token, Fault> {
        let start = self.cursor.position();
        let alias = self.cursor.peek() == '*';
        self.cursor.forward();
        let name = self.cursor.take_while(is_word).to_owned();
        let next = self.cursor.peek();
        if name.is_empty() || !(is_blank(next) || "?:,]}%@`".contains(next)) {
            self.cursor.take_while(|c| !is_blank(c));
            let span = self.cursor.span_from(start);
            let word = span.text(self.cursor.text()).to_owned();
            let what = if alias { "alias" } else { "anchor" };
            return Err(fault(Code::YamlQuote, format!("`{word}` is no {what}"), span)
                .help(format!("put the value in quotes if it is meant as text: \"{word}\"")));
        }
        let kind = if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) };
        Ok(Token { kind, span: self.cursor.span_from(start) })
    }

    pub(super) fn scan_tag(&mut self) -> Result<Token, Fault> {
        let start = self.cursor.position();
        let next = self.cursor.peek_at(1);
        let (handle, suffix) = if next == '<' {
            self.cursor.forward_by(2);
            let suffix = self.scan_uri(start)?;
            if self.cursor.peek() != '>' {
                return Err(self.bad_tag(start));
            }
            self.cursor.forward();
            (None, suffix)
        } else if is_blank(next) {
            self.cursor.forward();
            (None, "!".to_owned())
        } else {
            let word = self.cursor.rest()[1..].split(ends_property).next().unwrap_or_default();
            let handle = if word.contains('!') {
                self.scan_handle(start)?
            } else {
                self.cursor.forward();
                "!".to_owned()
            };
            (Some(handle), self.scan_uri(start)?)
        };
        if !ends_property(self.cursor.peek()) {
            return Err(self.bad_tag(start));
        }
        Ok(Token { kind: TokenKind::Tag { handle, suffix }, span: self.cursor.span_from(start) })
    }

    fn bad_tag(&mut self, start: Position) -> Fault {
        self.cursor.take_while(|c| !is_blank(c));
        let span = self.cursor.span_from(start);
        let word = span.text(self.cursor.text()).to_owned();
        fault(Code::YamlQuote, format!("`{word}` is no tag"), span)
            .help(format!("put the value in quotes if it is meant as text: \"{word}\""))
    }

    /// `!`, `!!` or `!name!`.
    fn scan_handle(&mut self, start: Position) -> Result<String, Fault> {
        if self.cursor.peek() != '!' {
            return Err(self.bad_tag(start));
        }
        let from = self.cursor.offset();
        self.cursor.forward();
        if self.cursor.peek() != ' ' {
            self.cursor.take_while(is_word);
            if self.cursor.peek() != '!' {
                return Err(self.bad_tag(start));
            }
            self.cursor.forward();
        }
        Ok(self.cursor.text()[from..self.cursor.offset()].to_owned())
    }

    fn scan_uri(&mut self, start: Position) -> Result<String, Fault> {
        let raw = self.cursor.take_while(is_uri);
        let decoded = percent_decoded(raw).filter(|uri| !uri.is_empty());
        decoded.ok_or_else(|| self.bad_tag(start))
    }

    pub(super) fn scan_directive(&mut self) -> Result<Token, Fault> {
        let start = self.cursor.position();
        self.cursor.forward();
        let name = self.cursor.take_while(is_word);
        let directive = if name.is_empty() || !ends_property(self.cursor.peek()) {
            return Err(self.bad_directive(start));
        } else if name == "YAML" {
            self.cursor.skip_spaces();
            let version = self.cursor.take_while(|c| !ends_property(c));
            match version.split_once('.').map(|(major, minor)| (major.parse(), minor.parse::<u32>())) {
                Some((Ok(major), Ok(_))) => Directive::Yaml { major },
                _ => return Err(self.bad_directive(start)),
            }
        } else if name == "TAG" {
            self.cursor.skip_spaces();
            let handle = self.scan_handle(start)?;
            if self.cursor.peek() != ' ' {
                return Err(self.bad_directive(start));
            }
            self.cursor.skip_spaces();
            let prefix = self.scan_uri(start)?;
            if !ends_property(self.cursor.peek()) {
                return Err(self.bad_directive(start));
            }
            Directive::Tag { handle, prefix }
        } else {
            self.cursor.take_while(|c| !is_break_or_end(c));
            Directive::Other
        };
        let span = self.cursor.span_from(start);
        self.cursor.skip_spaces();
        if self.cursor.peek() == '#' {
            self.cursor.take_while(|c| !is_break_or_end(c));
        }
        if !is_break_or_end(self.cursor.peek()) {
            return Err(self.bad_directive(start));
        }
        self.cursor.take_break();
        Ok(Token { kind: TokenKind::Directive(directive), span })
    }

    fn bad_directive(&mut self, start: Position) -> Fault {
        self.cursor.take_while(|c| !is_break_or_end(c));
        let span = self.cursor.span_from(start);
        fault(Code::YamlSyntax, "a line that starts with `%` must be a YAML directive", span)
            .help("remove the line, indent it, or put it in quotes if it is text")
    }
}

/// Undoes `%41`; `None` when what it gives is not UTF-8 or not two hexadecimal digits.
fn percent_decoded(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut parts = raw.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let code = part.get(..2).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}
