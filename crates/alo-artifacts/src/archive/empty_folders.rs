//! The folders of a walk in which nothing lies, in the order of their paths as text, however many.

use std::cmp::Ordering;

use camino::{Utf8Path, Utf8PathBuf};

use crate::storage_error::StorageError;
use crate::value_list::ValueList;

/// Folders without a file or folder in them.
///
/// A walk comes by `a-b` before `a`, since it sorts folders with a `/` at their ends. What comes in the order of the text may
/// lie on the disk; only what does not is held in memory.
pub(super) struct EmptyFolders {
    in_order: ValueList<Utf8PathBuf>,
    last: Option<Utf8PathBuf>,
    late: Vec<Utf8PathBuf>,
    /// The folder that the walk came by last, if nothing in it has been come by.
    open: Option<Utf8PathBuf>,
}

impl EmptyFolders {
    /// None yet; a long list is kept in `folder`.
    pub(super) fn new(folder: &Utf8Path) -> Self {
        Self { in_order: ValueList::new(folder), last: None, late: Vec::new(), open: None }
    }

    /// The walk has come by a folder.
    pub(super) fn folder(&mut self, path: Utf8PathBuf) -> Result<(), StorageError> {
        self.passed(&path)?;
        self.open = Some(path);
        Ok(())
    }

    /// The walk has come by a file or folder there: what lies in a folder comes right after it.
    pub(super) fn passed(&mut self, path: &Utf8Path) -> Result<(), StorageError> {
        match self.open.take() {
            Some(open) if !path.starts_with(&open) => self.add(open),
            _ => Ok(()),
        }
    }

    /// The walk has ended.
    pub(super) fn complete(&mut self) -> Result<(), StorageError> {
        if let Some(open) = self.open.take() {
            self.add(open)?;
        }
        self.late.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        Ok(())
    }

    fn add(&mut self, path: Utf8PathBuf) -> Result<(), StorageError> {
        if self.last.as_ref().is_some_and(|last| last.as_str() >= path.as_str()) {
            self.late.push(path);
            return Ok(());
        }
        self.in_order.push(&path)?;
        self.last = Some(path);
        Ok(())
    }

    /// All of them, when the walk has ended.
    pub(super) fn paths(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<Utf8PathBuf, StorageError>>, StorageError> {
        let mut in_order = self.in_order.values()?.peekable();
        let mut late = self.late.iter().peekable();
        Ok(std::iter::from_fn(move || {
            let order = match (in_order.peek(), late.peek()) {
                (Some(Ok(next)), Some(late)) => next.as_str().cmp(late.as_str()),
                (None, _) => Ordering::Greater,
                _ => Ordering::Less,
            };
            if order == Ordering::Greater { late.next().cloned().map(Ok) } else { in_order.next() }
        }))
    }
}
