//! JSON pointers (RFC 6901): where in a document something is.

use std::fmt;

/// A place in a document, as a chain of borrowed parts: it costs nothing until it is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pointer<'a> {
    parent: Option<&'a Pointer<'a>>,
    part: Part<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Pointer<'a> {
    pub(crate) const ROOT: Pointer<'static> = Pointer { parent: None, part: Part::Root };

    pub(crate) fn key(&'a self, key: &'a str) -> Pointer<'a> {
        Pointer { parent: Some(self), part: Part::Key(key) }
    }

    pub(crate) fn index(&'a self, index: usize) -> Pointer<'a> {
        Pointer { parent: Some(self), part: Part::Index(index) }
    }
}

impl Pointer<'_> {
    /// The innermost key.
    pub(crate) fn last_key(&self) -> Option<&str> {
        match self.part {
            Part::Key(key) => Some(key),
            _ => self.parent.and_then(Pointer::last_key),
        }
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.part {
            Part::Root => Ok(()),
            Part::Key(key) => write!(f, "/{}", escaped(key)),
            Part::Index(index) => write!(f, "/{index}"),
        }
    }
}

/// A key as a part of a pointer.
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
