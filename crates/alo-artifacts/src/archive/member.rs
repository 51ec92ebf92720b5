//! A file on its way into an archive: exactly as many bytes as its header says.

use std::cell::Cell;
use std::io::{self, Read};

use camino::{Utf8Path, Utf8PathBuf};

use super::ArchiveError;
use crate::storage_error::StorageError;

/// A file being packed, of the size it had when it was opened: a log that grows meanwhile is cut there.
pub(super) struct Member<'a> {
    file: fs_err::File,
    path: Utf8PathBuf,
    size: u64,
    left: u64,
    /// Reading has failed: an error of packing is the file's, not the archive's.
    failed: Cell<bool>,
    cancelled: &'a dyn Fn() -> bool,
}

impl<'a> Member<'a> {
    pub(super) fn open(path: Utf8PathBuf, cancelled: &'a dyn Fn() -> bool) -> Result<Self, StorageError> {
        let file = fs_err::File::open(&path).map_err(StorageError::of("read", &path))?;
        let size = file.metadata().map_err(StorageError::of("read", &path))?.len();
        Ok(Self { file, path, size, left: size, failed: Cell::new(false), cancelled })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Who is to blame when packing it into that archive ended so.
    pub(super) fn outcome(self, result: io::Result<()>, archive: &Utf8Path) -> Result<(), ArchiveError> {
        match result {
            Ok(()) if self.left > 0 => Err(ArchiveError::Changed { path: self.path }),
            Ok(()) => Ok(()),
            Err(_) if (self.cancelled)() => Err(ArchiveError::Cancelled),
            Err(error) if self.failed.get() => Err(StorageError::new("read", self.path, error).into()),
            Err(error) => Err(StorageError::new("write", archive, error).into()),
        }
    }
}

impl Read for Member<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.cancelled)() {
            return Err(io::Error::other("stopped on request"));
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self.file.read(&mut buffer[..most]).inspect_err(|_| self.failed.set(true))?;
        self.left -= count as u64;
        Ok(count)
    }
}
