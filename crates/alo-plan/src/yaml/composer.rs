//! Tokens to nodes: the grammar of YAML 1.1, anchors and aliases, merge keys, duplicate keys and the limits.

use std::collections::{HashMap, HashSet};

use super::cursor::END;
use super::node::{Data, Node};
use super::scanner::Scanner;
use super::token::{Directive, Token, TokenKind};
use super::{DEEPEST_NESTING, Fault, fault, resolve};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::span::{Position, Span};
use crate::value::Value;

/// Most values a text may write: a plan of 20,000 steps has some 600,000.
const MOST_NODES: usize = 1_500_000;

/// Most values that aliases may add; a text counts one more for each 32 bytes.
const MOST_ALIASED: usize = 1_000_000;

/// What reading a text gives: the root when there was no breach of the syntax, and all faults.
pub(crate) struct Composed {
    pub(crate) root: Option<Node>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads one document.
pub(crate) fn compose(text: &str) -> Composed {
    let mut composer = Composer::new(text);
    let root = match check_characters(text).and_then(|()| composer.document()) {
        Ok(root) => root,
        Err(fault) => {
            // What the half-read document seemed to say would only be noise.
            return Composed { root: None, diagnostics: vec![*fault] };
        }
    };
    Composed { root, diagnostics: composer.diagnostics }
}

/// Refuses the characters PyYAML refuses.
fn check_characters(text: &str) -> Result<(), Fault> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    let Some(at) = text.find(|c| !allowed(c)) else { return Ok(()) };
    let start = Position::of(text, at);
    let c = text[at..].chars().next().unwrap_or(END);
    let end = Position { column: start.column + 1, offset: crate::span::narrow(at + c.len_utf8()), ..start };
    Err(fault(
        Code::YamlCharacter,
        format!("the character U+{:04X} is not allowed in YAML", u32::from(c)),
        Span { start, end },
    )
    .help("remove it; in double quotes it can be written as an escape such as `\\x07`"))
}

/// A named value and what it costs to repeat it.
struct Anchored {
    node: Node,
    cost: usize,
}

pub(super) struct Composer<'a> {
    pub(super) text: &'a str,
    pub(super) scanner: Scanner<'a>,
    handles: HashMap<String, String>,
    anchors: HashMap<String, Anchored>,
    anchor_places: HashMap<String, Span>,
    open_anchors: HashSet<String>,
    written: usize,
    aliased: usize,
    pub(super) depth: usize,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) path: super::path::Path,
}

/// What stands before a node.
#[derive(Default)]
struct Properties {
    anchor: Option<(String, Span)>,
    tag: Option<(String, Span)>,
    span: Option<Span>,
}

impl<'a> Composer<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            scanner: Scanner::new(text),
            handles: HashMap::new(),
            anchors: HashMap::new(),
            anchor_places: HashMap::new(),
            open_anchors: HashSet::new(),
            written: 0,
            aliased: 0,
            depth: 0,
            diagnostics: Vec::new(),
            path: super::path::Path::default(),
        }
    }

    fn document(&mut self) -> Result<Option<Node>, Fault> {
        let explicit = self.directives()?;
        if !explicit && self.scanner.peek()?.kind == TokenKind::StreamEnd {
            return Ok(None);
        }
        let empty = matches!(
            self.scanner.peek()?.kind,
            TokenKind::DocumentStart
                | TokenKind::DocumentEnd
                | TokenKind::Directive(_)
                | TokenKind::StreamEnd
        );
        let root = if explicit && empty {
            let span = Span::at(self.scanner.peek()?.span.start);
            Node { span, data: Data::Scalar(Value::Null) }
        } else {
            self.node(true, false, resolve::Role::Value)?
        };
        while self.scanner.peek()?.kind == TokenKind::DocumentEnd {
            self.scanner.next()?;
        }
        let next = self.scanner.peek()?.clone();
        match next.kind {
            TokenKind::StreamEnd => Ok(Some(root)),
            TokenKind::DocumentStart | TokenKind::Directive(_) => {
                Err(fault(Code::YamlDocuments, "the file holds more than one document", next.span)
                    .related(root.span, "the first document")
                    .help("keep one document in the file and remove the `---` line"))
            }
            _ => Err(self.misplaced(&next, root.span, "the document")),
        }
    }

    /// Reads directives and `---`; says whether there was a `---`.
    fn directives(&mut self) -> Result<bool, Fault> {
        let mut version = false;
        let mut any = false;
        loop {
            let token = self.scanner.peek()?.clone();
            let TokenKind::Directive(directive) = token.kind else { break };
            self.scanner.next()?;
            any = true;
            match directive {
                Directive::Yaml { major } if version || major != 1 => {
                    return Err(fault(Code::YamlSyntax, "the file must be YAML 1.1 or 1.2", token.span)
                        .help("write `%YAML 1.1` once, or remove the line"));
                }
                Directive::Yaml { .. } => version = true,
                Directive::Tag { handle, prefix } => {
                    if self.handles.insert(handle.clone(), prefix).is_some() {
                        return Err(fault(
                            Code::YamlSyntax,
                            format!("the tag handle `{handle}` is declared twice"),
                            token.span,
                        )
                        .help("remove one of the two lines"));
                    }
                }
                Directive::Other => {}
            }
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            self.handles.entry(handle.to_owned()).or_insert_with(|| prefix.to_owned());
        }
        let next = self.scanner.peek()?.clone();
        if next.kind == TokenKind::DocumentStart {
            self.scanner.next()?;
            return Ok(true);
        }
        if any {
            return Err(fault(
                Code::YamlSyntax,
                "a line with `---` is missing after the directives",
                next.span,
            )
            .help("add a line `---` before the content"));
        }
        Ok(false)
    }

    /// Counts a value that the text writes.
    pub(super) fn count(&mut self, span: Span) -> Result<(), Fault> {
        self.written += 1;
        if self.written > MOST_NODES {
            return Err(fault(Code::YamlSize, format!("the file holds more than {MOST_NODES} values"), span)
                .help("keep data in files of its own and name their paths in the plan"));
        }
        Ok(())
    }

    pub(super) fn node(&mut self, block: bool, indentless: bool, role: resolve::Role) -> Result<Node, Fault> {
        let first = self.scanner.peek()?;
        let (span, is_alias) = (first.span, matches!(first.kind, TokenKind::Alias(_)));
        self.count(span)?;
        if is_alias && let TokenKind::Alias(name) = self.scanner.next()?.kind {
            return self.alias(&name, span);
        }
        let properties = self.properties()?;
        let before = (self.written, self.aliased);
        let mut node = self.content(block, indentless, role, &properties)?;
        if let Some(span) = properties.span {
            node.span = if node.span.is_empty() { span } else { span.to(node.span) };
        }
        if let Some((name, _)) = properties.anchor {
            self.open_anchors.remove(&name);
            let text = match &node.data {
                Data::Scalar(Value::String(text)) => text.len() / 32,
                _ => 0,
            };
            let cost = 1 + text + (self.written - before.0) + (self.aliased - before.1);
            self.anchors.insert(name, Anchored { node: node.clone(), cost });
        }
        Ok(node)
    }

    fn alias(&mut self, name: &str, span: Span) -> Result<Node, Fault> {
        if self.open_anchors.contains(name) {
            return Err(fault(
                Code::YamlAliasBomb,
                format!("the alias `*{name}` stands inside what it names"),
                span,
            )
            .help("write the value out"));
        }
        let Some(anchored) = self.anchors.get(name) else {
            return Err(fault(
                Code::YamlAnchor,
                format!("there is no anchor `&{name}` above this alias"),
                span,
            )
            .help(format!("define `&{name}` earlier, or put the value in quotes: \"*{name}\"")));
        };
        self.aliased += anchored.cost;
        if self.aliased > MOST_ALIASED {
            return Err(fault(Code::YamlAliasBomb, "aliases multiply the document without measure", span)
                .help("write the values out where they are needed"));
        }
        Ok(Node { span, data: anchored.node.data.clone() })
    }

    fn properties(&mut self) -> Result<Properties, Fault> {
        let mut properties = Properties::default();
        loop {
            if !matches!(self.scanner.peek()?.kind, TokenKind::Anchor(_) | TokenKind::Tag { .. }) {
                return Ok(properties);
            }
            let token = self.scanner.peek()?.clone();
            match token.kind {
                TokenKind::Anchor(name) if properties.anchor.is_none() => {
                    if let Some(first) = self.anchor_places.insert(name.clone(), token.span) {
                        return Err(fault(
                            Code::YamlAnchor,
                            format!("the anchor `&{name}` is defined twice"),
                            token.span,
                        )
                        .related(first, "first defined here")
                        .help("give each anchor its own name"));
                    }
                    self.open_anchors.insert(name.clone());
                    properties.anchor = Some((name, token.span));
                }
                TokenKind::Tag { handle, suffix } if properties.tag.is_none() => {
                    let tag = match handle {
                        None => suffix,
                        Some(handle) => match self.handles.get(&handle) {
                            Some(prefix) => format!("{prefix}{suffix}"),
                            None => {
                                return Err(fault(
                                    Code::UnknownTag,
                                    format!("the tag handle `{handle}` is not declared"),
                                    token.span,
                                )
                                .help(
                                    "remove the tag, or put the value in quotes if the `!` belongs to it",
                                ));
                            }
                        },
                    };
                    properties.tag = Some((tag, token.span));
                }
                _ => return Ok(properties),
            }
            properties.span = Some(properties.span.map_or(token.span, |first| first.to(token.span)));
            self.scanner.next()?;
        }
    }

    fn content(
        &mut self,
        block: bool,
        indentless: bool,
        role: resolve::Role,
        properties: &Properties,
    ) -> Result<Node, Fault> {
        let tag = properties.tag.as_ref();
        if matches!(self.scanner.peek()?.kind, TokenKind::Scalar { .. })
            && let Token { kind: TokenKind::Scalar { text, plain }, span } = self.scanner.next()?
        {
            self.check_quotes(&text, plain, span);
            return Ok(self.scalar(tag, text, plain, role, span));
        }
        let token = self.scanner.peek()?.clone();
        let list = matches!(
            token.kind,
            TokenKind::FlowSequenceStart | TokenKind::BlockSequenceStart | TokenKind::BlockEntry
        );
        match token.kind {
            TokenKind::FlowSequenceStart
            | TokenKind::FlowMappingStart
            | TokenKind::BlockSequenceStart
            | TokenKind::BlockMappingStart
            | TokenKind::BlockEntry
                if match token.kind {
                    TokenKind::BlockEntry => indentless,
                    TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart => block,
                    _ => true,
                } =>
            {
                if let Err(why) = resolve::collection(tag.map(|(tag, _)| tag.as_str()), list) {
                    self.report(why, tag.map_or(token.span, |(_, span)| *span));
                }
                self.enter(token.span)?;
                let node = match token.kind {
                    TokenKind::FlowSequenceStart => self.flow_sequence(),
                    TokenKind::FlowMappingStart => self.flow_mapping(),
                    TokenKind::BlockSequenceStart => self.block_sequence(),
                    TokenKind::BlockMappingStart => self.block_mapping(),
                    _ => self.indentless_sequence(),
                }?;
                self.depth -= 1;
                Ok(node)
            }
            _ if properties.span.is_some() => {
                let place = properties.span.map_or(token.span.start, |span| span.end);
                Ok(self.scalar(tag, String::new(), true, role, Span::at(place)))
            }
            _ => Err(self.misplaced(&token, token.span, "the value")),
        }
    }

    pub(super) fn enter(&mut self, span: Span) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth <= DEEPEST_NESTING {
            return Ok(());
        }
        Err(fault(Code::YamlNesting, format!("values are nested more than {DEEPEST_NESTING} deep"), span)
            .help("flatten the value: no plan needs such nesting"))
    }

    fn scalar(
        &mut self,
        tag: Option<&(String, Span)>,
        text: String,
        plain: bool,
        role: resolve::Role,
        span: Span,
    ) -> Node {
        let value = match resolve::scalar(tag.map(|(tag, _)| tag.as_str()), &text, plain, role) {
            Ok(None) => Value::String(text),
            Ok(Some(value)) => value,
            Err(why) => {
                let place = tag.filter(|_| why.code != Code::BadScalar).map_or(span, |(_, span)| *span);
                self.report(why, place);
                Value::String(text)
            }
        };
        Node { span, data: Data::Scalar(value) }
    }

    fn report(&mut self, why: resolve::Meaningless, span: Span) {
        let pointer = self.path.pointer(self.text);
        self.diagnostics
            .push(Diagnostic::new(why.code, why.message).at(span).pointing(pointer).help(why.help));
    }

    /// Typographic quotes quote nothing: YAML keeps them as part of the text.
    fn check_quotes(&mut self, text: &str, plain: bool, span: Span) {
        let quoted = |c: char| matches!(c, '“' | '”' | '‘' | '’' | '„');
        if plain && text.starts_with(quoted) && text.ends_with(quoted) {
            let inner = text.trim_matches(quoted);
            self.diagnostics.push(
                Diagnostic::new(
                    Code::TypographicQuote,
                    format!("the typographic quotes in `{text}` are part of the text"),
                )
                .at(span)
                .pointing(self.path.pointer(self.text))
                .help(format!("write straight quotes: \"{inner}\"")),
            );
        }
    }

    /// A token that does not fit where it stands, explained from where the surrounding collection started.
    pub(super) fn misplaced(&self, token: &Token, inside: Span, what: &str) -> Fault {
        super::misplaced::explain(self.text, token, inside, what)
    }
}
