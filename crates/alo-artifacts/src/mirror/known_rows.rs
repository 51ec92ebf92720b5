//! What is known of a source while its files are come by in order, and what is written down of them.

use std::ops::Range;

use crate::manifest::{Draft, FileEntry, LoadedFrom, Manifest, Row, Rows};
use crate::source::DataSource;
use crate::storage_error::StorageError;

/// The rows of a source in the manifest beside those in a draft.
///
/// As long as every file is as it is known nothing is put into the draft; the first one that is not brings those before it
/// along.
pub(super) struct KnownRows<'a> {
    known: Option<(&'a Manifest, &'a LoadedFrom)>,
    rows: Option<Rows<'a>>,
    is_trusted: bool,
    /// Up to where the known rows are as they were; none when they no longer are.
    same_until: Option<u64>,
    draft: &'a mut Draft,
    start: u64,
}

impl<'a> KnownRows<'a> {
    pub(super) fn new(known: Option<(&'a Manifest, &'a LoadedFrom)>, draft: &'a mut Draft) -> Self {
        let is_trusted = known.is_some_and(|(manifest, _)| manifest.is_trusted());
        let same_until = known
            .filter(|(manifest, _)| is_trusted && !manifest.contents.partial)
            .map(|(_, from)| from.rows.start);
        let start = draft.end();
        Self {
            known,
            rows: known.map(|(manifest, from)| manifest.rows(from)),
            is_trusted,
            same_until,
            draft,
            start,
        }
    }

    /// Whether what is known is sure to be on the disk.
    pub(super) fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// What is known of a file. Files must be asked for in the order of their paths.
    pub(super) fn find(&mut self, path: &str) -> Result<Option<FileEntry>, StorageError> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        loop {
            match rows.current() {
                Some((known, _)) if known < path => rows.advance(),
                Some((known, entry)) if known == path => {
                    rows.advance();
                    return Ok(Some(entry));
                }
                _ => return Ok(None),
            }
            // A file that is known is no longer there.
            Self::differ(&mut self.same_until, self.known, self.draft)?;
        }
    }

    /// Writes a file down that was found just now and is as it is known.
    pub(super) fn keep(&mut self, path: &str, entry: FileEntry) -> Result<(), StorageError> {
        match (&mut self.same_until, &self.rows) {
            (Some(until), Some(rows)) => *until = rows.offset(),
            _ => {
                self.draft.push(path, &Row::done(entry))?;
            }
        }
        Ok(())
    }

    /// Writes down what is to be done for a file; gives where its row stands.
    pub(super) fn put(&mut self, path: &str, row: &Row) -> Result<Range<u64>, StorageError> {
        Self::differ(&mut self.same_until, self.known, self.draft)?;
        let at = self.draft.push(path, row)?;
        Ok(at..self.draft.end())
    }

    /// Where the rows stand in the draft; none if they are those that are known.
    pub(super) fn finish(mut self) -> Result<Option<Range<u64>>, StorageError> {
        if self.rows.as_mut().is_some_and(|rows| rows.current().is_some()) {
            Self::differ(&mut self.same_until, self.known, self.draft)?;
        }
        Ok(if self.same_until.is_some() { None } else { Some(self.start..self.draft.end()) })
    }

    /// Describes a source whose rows are known to stand there, or to be those of the manifest, which are added to the draft.
    pub(super) fn described(
        rows: Option<&Range<u64>>,
        source: &DataSource,
        known: Option<&Manifest>,
        draft: &mut Draft,
    ) -> Result<LoadedFrom, StorageError> {
        let known = known.and_then(|known| Some((known, known.source(&source.path, &source.name)?)));
        let rows = match (rows, known) {
            (None, Some((known, from))) => draft.push_all(known, from.rows.clone())?,
            (rows, _) => rows.cloned().unwrap_or_default(),
        };
        Ok(LoadedFrom::new(source, rows))
    }

    /// From here on the rows are others: those before go into the draft.
    fn differ(
        same_until: &mut Option<u64>,
        known: Option<(&Manifest, &LoadedFrom)>,
        draft: &mut Draft,
    ) -> Result<(), StorageError> {
        if let (Some(until), Some((manifest, from))) = (same_until.take(), known) {
            draft.push_all(manifest, from.rows.start..until)?;
        }
        Ok(())
    }
}
