//! Records for later: in memory while they are few, in a temporary file when there are many.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::SpooledTempFile;

use crate::durable;
use crate::storage_error::StorageError;

/// So many bytes of records are held in memory.
const HELD: usize = 64 << 10;

/// Byte strings in the order in which they were added.
#[derive(Debug)]
pub(crate) struct RecordList {
    /// Where the temporary file is made; it has no name there.
    folder: Utf8PathBuf,
    /// So many bytes stay in memory.
    held: usize,
    file: Option<SpooledTempFile>,
    /// How long the file is.
    end: u64,
    /// Whether the file may stand elsewhere than at its end.
    was_read: bool,
    /// One record with its length, as it is written.
    framed: Vec<u8>,
}

/// The records of a list, one after the other.
pub(crate) struct Records<'a> {
    folder: &'a Utf8Path,
    file: Option<BufReader<&'a mut SpooledTempFile>>,
    left: u64,
    record: Vec<u8>,
}

impl RecordList {
    pub(crate) fn new(folder: &Utf8Path) -> Self {
        Self::holding(folder, HELD)
    }

    /// A list that stays in memory.
    pub(crate) fn in_memory(folder: &Utf8Path) -> Self {
        Self::holding(folder, usize::MAX)
    }

    fn holding(folder: &Utf8Path, held: usize) -> Self {
        Self { folder: folder.to_owned(), held, file: None, end: 0, was_read: false, framed: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Adds a record at the end.
    pub(crate) fn push(&mut self, record: &[u8]) -> Result<(), StorageError> {
        let file = if let Some(file) = &mut self.file {
            file
        } else {
            durable::create_dir_all(&self.folder)?;
            self.file.insert(SpooledTempFile::new_in(self.held, self.folder.as_std_path()))
        };
        self.framed.clear();
        self.framed.extend((record.len() as u64).to_le_bytes());
        self.framed.extend(record);
        let mut write = || {
            if std::mem::take(&mut self.was_read) {
                file.seek(SeekFrom::Start(self.end))?;
            }
            file.write_all(&self.framed)
        };
        write().map_err(StorageError::of("write in", &self.folder))?;
        self.end += self.framed.len() as u64;
        Ok(())
    }

    /// Leaves an empty list in its place.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self::holding(&self.folder, self.held);
        std::mem::replace(self, empty)
    }

    /// All records, the first one first; they stay.
    pub(crate) fn records(&mut self) -> Result<Records<'_>, StorageError> {
        self.was_read = true;
        if let Some(file) = &mut self.file {
            file.rewind().map_err(StorageError::of("read in", &self.folder))?;
        }
        let file = self.file.as_mut().map(BufReader::new);
        Ok(Records { folder: &self.folder, file, left: self.end, record: Vec::new() })
    }
}

impl Records<'_> {
    /// The next one.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, StorageError> {
        let Some(file) = self.file.as_mut().filter(|_| self.left > 0) else { return Ok(None) };
        let mut read = || {
            let mut length = [0; 8];
            file.read_exact(&mut length)?;
            self.record.clear();
            file.take(u64::from_le_bytes(length)).read_to_end(&mut self.record)
        };
        let length = read().map_err(StorageError::of("read in", self.folder))?;
        self.left = self.left.saturating_sub(8 + length as u64);
        Ok(Some(&self.record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_their_order_however_many_and_more_can_be_added() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(dir.path()).expect("UTF-8").join("not/yet");
        let record = |number: usize| number.to_le_bytes().repeat(number % 40);
        for count in [0, 3, 10_000] {
            let mut list = RecordList::new(&folder);
            assert!(list.is_empty());
            for number in 0..count {
                list.push(&record(number)).expect("added");
                if number % 1000 == 1 {
                    // Not to the end.
                    assert_eq!(
                        list.records().expect("read").next().expect("read"),
                        Some(record(0).as_slice())
                    );
                }
            }
            assert_eq!(list.is_empty(), count == 0);
            for _ in 0..2 {
                let mut records = list.records().expect("read");
                for number in 0..count {
                    assert_eq!(records.next().expect("read"), Some(record(number).as_slice()), "{number}");
                }
                assert_eq!(records.next().expect("read"), None);
            }
        }
    }
}
