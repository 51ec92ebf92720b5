//! Lists and maps, in block and flow style, with merge keys and duplicate keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::rc::Rc;

use super::Fault;
use super::composer::Composer;
use super::node::{Data, Entry, Node};
use super::resolve::Role;
use super::token::TokenKind;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::span::{Position, Span};
use crate::value::{KeyIdentity, Value};

impl Composer<'_> {
    pub(super) fn block_sequence(&mut self) -> Result<Node, Fault> {
        let start = self.scanner.next()?.span;
        let items = self.block_items(&[TokenKind::BlockEntry, TokenKind::BlockEnd])?;
        let end = self.scanner.peek()?.clone();
        if end.kind != TokenKind::BlockEnd {
            return Err(self.misplaced(&end, start, "the list"));
        }
        self.scanner.next()?;
        Ok(list(start, items))
    }

    /// A list under a key, at the key's own indentation.
    pub(super) fn indentless_sequence(&mut self) -> Result<Node, Fault> {
        let start = Span::at(self.scanner.peek()?.span.start);
        let ends = [TokenKind::BlockEntry, TokenKind::Key, TokenKind::Value, TokenKind::BlockEnd];
        Ok(list(start, self.block_items(&ends)?))
    }

    fn block_items(&mut self, ends: &[TokenKind]) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        while self.scanner.peek()?.kind == TokenKind::BlockEntry {
            let dash = self.scanner.next()?.span;
            self.path.enter_item(items.len());
            let item = if ends.contains(&self.scanner.peek()?.kind) {
                self.empty(dash)?
            } else {
                self.node(true, false, Role::Value)?
            };
            self.path.leave();
            items.push(item);
        }
        Ok(items)
    }

    pub(super) fn block_mapping(&mut self) -> Result<Node, Fault> {
        let start = self.scanner.next()?.span;
        let mut entries = Vec::new();
        let ends = [TokenKind::Key, TokenKind::Value, TokenKind::BlockEnd];
        loop {
            let token = self.scanner.peek()?;
            let (kind, span) = (&token.kind, token.span);
            let key = match kind {
                TokenKind::Key => {
                    self.scanner.next()?;
                    if ends.contains(&self.scanner.peek()?.kind) {
                        self.empty(span)?
                    } else {
                        self.node(true, true, Role::Key)?
                    }
                }
                TokenKind::BlockEnd => {
                    self.scanner.next()?;
                    break;
                }
                _ => {
                    let token = self.scanner.peek()?.clone();
                    return Err(self.misplaced(&token, start, "the map"));
                }
            };
            self.path.enter_key(key.span);
            let value = if self.scanner.peek()?.kind == TokenKind::Value {
                let colon = self.scanner.next()?.span;
                if ends.contains(&self.scanner.peek()?.kind) {
                    self.empty(colon)?
                } else {
                    self.node(true, true, Role::Value)?
                }
            } else {
                self.empty(key.span)?
            };
            self.path.leave();
            entries.push(Entry { key, value });
        }
        let end = entries.last().map_or(start.end, last_place);
        Ok(self.map(Span { start: start.start, end }, entries))
    }

    pub(super) fn flow_sequence(&mut self) -> Result<Node, Fault> {
        let start = self.scanner.next()?.span;
        let mut items = Vec::new();
        loop {
            if self.flow_ends(&TokenKind::FlowSequenceEnd, start, items.is_empty())? {
                break;
            }
            self.path.enter_item(items.len());
            let item = if self.scanner.peek()?.kind == TokenKind::Key {
                // `[a: 1]` is a list of one-key maps.
                let key = self.scanner.peek()?.span;
                self.count(key)?;
                self.enter(key)?;
                let entry = self.flow_pair(&TokenKind::FlowSequenceEnd)?;
                self.depth -= 1;
                let span = Span { start: entry.key.span.start, end: last_place(&entry) };
                self.map(span, vec![entry])
            } else {
                self.node(false, false, Role::Value)?
            };
            self.path.leave();
            items.push(item);
        }
        let end = self.scanner.next()?.span;
        Ok(Node { span: start.to(end), data: Data::List(items.into()) })
    }

    pub(super) fn flow_mapping(&mut self) -> Result<Node, Fault> {
        let start = self.scanner.next()?.span;
        let mut entries = Vec::new();
        loop {
            if self.flow_ends(&TokenKind::FlowMappingEnd, start, entries.is_empty())? {
                break;
            }
            let entry = if self.scanner.peek()?.kind == TokenKind::Key {
                self.flow_pair(&TokenKind::FlowMappingEnd)?
            } else {
                // `{a, b}`: keys without values.
                let key = self.node(false, false, Role::Key)?;
                let value = self.empty(key.span)?;
                Entry { key, value }
            };
            entries.push(entry);
        }
        let end = self.scanner.next()?.span;
        Ok(self.map(start.to(end), entries))
    }

    /// Takes the comma between two entries; says whether the collection ends.
    fn flow_ends(&mut self, end: &TokenKind, start: Span, first: bool) -> Result<bool, Fault> {
        let kind = &self.scanner.peek()?.kind;
        if kind == end {
            return Ok(true);
        }
        let fits = if first { *kind != TokenKind::StreamEnd } else { *kind == TokenKind::FlowEntry };
        if fits && first {
            return Ok(false);
        }
        if fits {
            self.scanner.next()?;
            let next = &self.scanner.peek()?.kind;
            if *next != TokenKind::StreamEnd {
                return Ok(next == end);
            }
        }
        let token = self.scanner.peek()?.clone();
        Err(self.misplaced(&token, start, "the list or map"))
    }

    fn flow_pair(&mut self, end: &TokenKind) -> Result<Entry, Fault> {
        let indicator = self.scanner.next()?.span;
        let ends = |kind: &TokenKind| *kind == TokenKind::FlowEntry || kind == end;
        let next = &self.scanner.peek()?.kind;
        let key = if ends(next) || *next == TokenKind::Value {
            self.empty(indicator)?
        } else {
            self.node(false, false, Role::Key)?
        };
        self.path.enter_key(key.span);
        let value = if self.scanner.peek()?.kind == TokenKind::Value {
            let colon = self.scanner.next()?.span;
            if ends(&self.scanner.peek()?.kind) {
                self.empty(colon)?
            } else {
                self.node(false, false, Role::Value)?
            }
        } else {
            self.empty(key.span)?
        };
        self.path.leave();
        Ok(Entry { key, value })
    }

    /// A value that is not written: null, after what comes before it.
    fn empty(&mut self, before: Span) -> Result<Node, Fault> {
        let span = Span::at(before.end);
        self.count(span)?;
        Ok(Node { span, data: Data::Scalar(Value::Null) })
    }

    /// Makes a map of its entries: merges come first and lose to own keys, the last of equal keys wins.
    fn map(&mut self, span: Span, written: Vec<Entry>) -> Node {
        let mut own = Vec::with_capacity(written.len());
        let mut merged = Vec::new();
        for entry in written {
            if is_merge_key(self.text, &entry.key) {
                self.merge(&entry, &mut merged);
            } else {
                own.push(entry);
            }
        }
        let inherited = merged.len();
        let mut entries: Vec<Entry> = Vec::with_capacity(inherited + own.len());
        let mut places: HashMap<KeyIdentity, (usize, bool)> = HashMap::new();
        for (at, entry) in merged.into_iter().chain(own).enumerate() {
            let Data::Scalar(key) = &entry.key.data else {
                self.bad_key(&entry.key);
                continue;
            };
            let is_own = at >= inherited;
            match places.entry(key.identity()) {
                Occupied(mut known) => {
                    let (place, was_own) = *known.get();
                    known.insert((place, is_own));
                    if is_own && was_own {
                        self.duplicate(&entry.key, entries[place].key.span);
                    }
                    entries[place].key.span = entry.key.span;
                    entries[place].value = entry.value;
                }
                Vacant(unknown) => {
                    unknown.insert((entries.len(), is_own));
                    entries.push(entry);
                }
            }
        }
        Node { span, data: Data::Map(Rc::from(entries)) }
    }

    fn merge(&mut self, entry: &Entry, merged: &mut Vec<Entry>) {
        match &entry.value.data {
            Data::Map(entries) => merged.extend(entries.iter().cloned()),
            Data::List(maps) => {
                // The first map of the list wins, so it is merged last.
                for node in maps.iter().rev() {
                    match &node.data {
                        Data::Map(entries) => merged.extend(entries.iter().cloned()),
                        _ => self.bad_merge(node),
                    }
                }
            }
            Data::Scalar(_) => self.bad_merge(&entry.value),
        }
    }

    fn bad_merge(&mut self, node: &Node) {
        let pointer = self.path.pointer(self.text);
        self.diagnostics.push(
            Diagnostic::new(Code::BadMerge, format!("`<<` merges maps, not {}", node.kind()))
                .at(node.span)
                .pointing(pointer)
                .help("write `<<: *name` with an anchor of a map, or quote the key: \"<<\""),
        );
    }

    fn bad_key(&mut self, key: &Node) {
        let pointer = self.path.pointer(self.text);
        self.diagnostics.push(
            Diagnostic::new(Code::BadKey, format!("{} cannot be a key", key.kind()))
                .at(key.span)
                .pointing(pointer)
                .help("use text or a number as the key, in quotes if it has brackets"),
        );
    }

    fn duplicate(&mut self, key: &Node, first: Span) {
        let name = key.to_value().to_string();
        let pointer = format!("{}/{}", self.path.pointer(self.text), crate::pointer::escaped(&name));
        self.diagnostics.push(
            Diagnostic::new(
                Code::DuplicateKey,
                format!("the key `{name}` is given twice; the last value counts"),
            )
            .at(key.span)
            .pointing(pointer)
            .related(first, "first given here")
            .help("remove one of the two"),
        );
    }
}

fn list(start: Span, items: Vec<Node>) -> Node {
    let end = items.last().map_or(start.end, |item| item.span.end);
    Node { span: Span { start: start.start, end }, data: Data::List(items.into()) }
}

fn last_place(entry: &Entry) -> Position {
    entry.value.span.end.max(entry.key.span.end)
}

/// A plain `<<`, perhaps with an anchor: quoted or with a tag it is an ordinary key.
fn is_merge_key(text: &str, key: &Node) -> bool {
    if !matches!(&key.data, Data::Scalar(Value::String(name)) if name == "<<") {
        return false;
    }
    let mut words = key.span.text(text).split_whitespace();
    words.next_back() == Some("<<") && words.all(|word| word.starts_with('&') || word == "!")
}
