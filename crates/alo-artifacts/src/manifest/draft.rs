//! A manifest that is being written: first the rows, in order, then, as files arrive, what they have become.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};
use tempfile::NamedTempFile;

use super::contents::{Contents, LoadedFrom, Manifest};
use super::row::{HEAD, Row};
use crate::durable::{self, Lasting};
use crate::layout::ProjectLayout;
use crate::storage_error::StorageError;

/// Rows are written in pieces of this size.
const PIECE: usize = 64 << 10;

/// The rows of a manifest, under a temporary name. Nothing is written until there is much to write.
pub(crate) struct Draft {
    path: Utf8PathBuf,
    temp: Option<NamedTempFile>,
    pending: Vec<u8>,
    /// Bytes before the pending ones.
    written: u64,
}

/// A manifest that has its place, and rows that are filled in.
pub(crate) struct Filling {
    path: Utf8PathBuf,
    file: File,
    end: u64,
}

impl Draft {
    pub(crate) fn new(layout: &ProjectLayout, kind: PipelineKind) -> Self {
        Self { path: layout.input_manifest(kind), temp: None, pending: Vec::new(), written: 0 }
    }

    /// Where it is made; what belongs to it may be kept there meanwhile.
    pub(crate) fn folder(&self) -> &Utf8Path {
        durable::parent(&self.path)
    }

    /// Where the next row will stand.
    pub(crate) fn end(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    /// Adds the row of a file, whose path is that below its source; gives where it stands.
    pub(crate) fn push(&mut self, path: &str, row: &Row) -> Result<u64, StorageError> {
        let at = self.end();
        let length = u16::try_from(path.len()).map_err(|_| {
            let error = std::io::Error::other(format!("a path of {} bytes is too long", path.len()));
            StorageError::new("write", &self.path, error)
        })?;
        self.pending.extend(row.encode(length));
        self.pending.extend(path.as_bytes());
        if self.pending.len() >= PIECE {
            self.flush()?;
        }
        Ok(at)
    }

    /// Adds rows of an older manifest as they are; gives where they stand.
    pub(crate) fn push_all(&mut self, of: &Manifest, rows: Range<u64>) -> Result<Range<u64>, StorageError> {
        let start = self.end();
        let mut at = rows.start;
        while at < rows.end {
            let held = self.pending.len();
            let more = usize::try_from(rows.end - at).map_or(PIECE, |left| left.min(PIECE));
            self.pending.resize(held + more, 0);
            let read = of.file().read_exact_at(&mut self.pending[held..], at);
            read.map_err(StorageError::of("read", &self.path))?;
            at += more as u64;
            self.flush()?;
        }
        Ok(start..self.end())
    }

    /// Writes what is pending; gives the temporary file.
    fn flush(&mut self) -> Result<&mut NamedTempFile, StorageError> {
        let temp = if let Some(temp) = self.temp.take() {
            temp
        } else {
            durable::create_dir_all(durable::parent(&self.path))?;
            durable::temp_beside(&self.path)?
        };
        let temp = self.temp.insert(temp);
        temp.write_all(&self.pending).map_err(StorageError::of("write", &self.path))?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(temp)
    }

    /// Takes the place of the manifest, as one of which something is still to come.
    pub(crate) fn take_place(mut self, sources: Vec<LoadedFrom>) -> Result<Filling, StorageError> {
        let end = self.end();
        self.flush()?;
        let path = self.path;
        let failed = |error| StorageError::new("write", &path, error);
        let temp = self.temp.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        Contents::partial(sources).write(temp.as_file(), end).map_err(failed)?;
        let file = temp.as_file().try_clone().map_err(failed)?;
        durable::persist(temp, &path, Lasting::Kill)?;
        // The name it had while it was a JSON document.
        durable::remove(&path.with_extension("json"))?;
        Ok(Filling { path, file, end })
    }
}

impl Filling {
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Writes what has become of a row that stands there.
    pub(crate) fn fill(&self, at: u64, path: &str, row: &Row) -> Result<(), StorageError> {
        // Its length was checked when the row was added.
        let head = row.encode(u16::try_from(path.len()).unwrap_or(u16::MAX));
        self.file.write_all_at(&head, at).map_err(StorageError::of("write", &self.path))
    }

    /// Reads the bytes of some rows.
    pub(crate) fn read(&self, rows: &Range<u64>) -> Result<Vec<u8>, StorageError> {
        let mut bytes = vec![0; usize::try_from(rows.end - rows.start).unwrap_or_default()];
        let read = self.file.read_exact_at(&mut bytes, rows.start);
        read.map_err(StorageError::of("read", &self.path))?;
        Ok(bytes)
    }

    /// The next row in such bytes, its path and its length.
    pub(crate) fn split(bytes: &[u8]) -> Option<(Row, &str, usize)> {
        let (row, path) = Row::decode(bytes.get(..HEAD)?)?;
        let text = std::str::from_utf8(bytes.get(HEAD..HEAD + path)?).ok()?;
        Some((row, text, HEAD + path))
    }

    /// Everything is there: replaces the description.
    pub(crate) fn complete(self, contents: &Contents) -> Result<(), StorageError> {
        let write = || {
            if contents.boot.is_none() {
                // After a power failure nobody looks at the copies again: the rows must be what they are now.
                self.file.sync_data()?;
            }
            contents.write(&self.file, self.end)
        };
        write().map_err(StorageError::of("write", &self.path))
    }
}
