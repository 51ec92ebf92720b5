//! One side of a comparison: entries in the order of their paths, the present one in hand.

use std::cmp::Ordering;
use std::sync::mpsc::sync_channel;
use std::thread::Scope;

use camino::Utf8Path;

use crate::tree_error::TreeError;
use crate::walk::{Entry, Walk};

/// Entries are handed over so many at a time…
const ENTRIES: usize = 256;
/// …and so many times at most before they are asked for.
const AHEAD: usize = 4;

/// The entries of a walk, or what is in their place.
pub(super) struct Side<'a> {
    entries: Box<dyn Iterator<Item = Result<Entry, TreeError>> + 'a>,
    current: Option<Entry>,
}

impl<'a> Side<'a> {
    /// Of entries that come sorted.
    pub(super) fn new(
        entries: impl Iterator<Item = Result<Entry, TreeError>> + 'a,
    ) -> Result<Self, TreeError> {
        let mut side = Self { entries: Box::new(entries), current: None };
        side.advance()?;
        Ok(side)
    }

    /// Of a walk that a thread of its own goes ahead with, a little way.
    pub(super) fn ahead<'scope>(scope: &'scope Scope<'scope, '_>, mut walk: Walk) -> Result<Self, TreeError> {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            loop {
                let entries: Vec<_> = walk.by_ref().take(ENTRIES).collect();
                // Nobody listens any longer when the other side has failed.
                if entries.is_empty() || sender.send(entries).is_err() {
                    break;
                }
            }
        });
        Self::new(receiver.into_iter().flatten())
    }

    pub(super) fn current(&self) -> Option<&Entry> {
        self.current.as_ref()
    }

    /// Goes on to the next entry.
    pub(super) fn advance(&mut self) -> Result<(), TreeError> {
        self.current = self.entries.next().transpose()?;
        Ok(())
    }
}

impl Entry {
    /// The path of a file or folder.
    pub(super) fn path(&self) -> Option<&Utf8Path> {
        match self {
            Self::File(file) => Some(&file.relative),
            Self::Folder(folder) => Some(folder),
            Self::Other(_) => None,
        }
    }

    /// Which of two files or folders comes first in a walk.
    pub(super) fn place(&self, other: &Self) -> Ordering {
        self.place_bytes().cmp(other.place_bytes())
    }

    fn place_bytes(&self) -> impl Iterator<Item = u8> {
        // What lies in a folder has a `/` behind the folder's name.
        let slash = matches!(self, Self::Folder(_)).then_some(b'/');
        self.path().map_or("", Utf8Path::as_str).bytes().chain(slash)
    }
}
