//! The tokens of YAML 1.1.

use crate::span::Span;

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    StreamEnd,
    Directive(Directive),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    /// A tag; without a handle the suffix is the whole tag.
    Tag {
        handle: Option<String>,
        suffix: String,
    },
    Scalar {
        text: String,
        plain: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Directive {
    /// `%YAML 1.1`
    Yaml { major: u32 },
    /// `%TAG !e! tag:example.com:`
    Tag { handle: String, prefix: String },
    /// Any other, which PyYAML skips.
    Other,
}

impl TokenKind {
    /// What the token is called in a message.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::StreamEnd => "the end of the file",
            Self::Directive(_) => "a directive (`%…`)",
            Self::DocumentStart => "the start of another document (`---`)",
            Self::DocumentEnd => "the end of the document (`...`)",
            Self::BlockSequenceStart | Self::BlockEntry => "a list item (`- …`)",
            Self::BlockMappingStart | Self::Key => "a key",
            Self::BlockEnd => "the end of the block",
            Self::FlowSequenceStart => "`[`",
            Self::FlowSequenceEnd => "`]`",
            Self::FlowMappingStart => "`{`",
            Self::FlowMappingEnd => "`}`",
            Self::FlowEntry => "`,`",
            Self::Value => "`:`",
            Self::Alias(_) => "an alias (`*…`)",
            Self::Anchor(_) => "an anchor (`&…`)",
            Self::Tag { .. } => "a tag (`!…`)",
            Self::Scalar { .. } => "text",
        }
    }
}
