//! The rows of one source, read piece by piece.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::row::{FileEntry, HEAD, Row, State};

/// How much is read at a time.
const PIECE: usize = 64 << 10;

/// The files that are there, sorted by path. Ends where nothing can be understood any longer: what is not told is compared
/// by content.
pub(crate) struct Rows<'a> {
    file: &'a File,
    /// What has not been read.
    left: Range<u64>,
    buffer: Vec<u8>,
    /// Where the present row starts in the buffer.
    at: usize,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(file: &'a File, range: Range<u64>) -> Self {
        Self { file, left: range, buffer: Vec::new(), at: 0 }
    }

    /// The present file: its path below the source, and what is known of it.
    pub(crate) fn current(&mut self) -> Option<(&str, FileEntry)> {
        let (row, end) = loop {
            let (row, end) = self.present()?;
            if row.state == State::Done {
                break (row, end);
            }
            self.at = end;
        };
        let path = std::str::from_utf8(self.buffer.get(self.at + HEAD..end)?).ok()?;
        Some((path, row.entry))
    }

    /// Goes on to the next file.
    pub(crate) fn advance(&mut self) {
        if let Some((_, end)) = self.present() {
            self.at = end;
        }
    }

    /// Where the file lies in which the present row begins.
    pub(crate) fn offset(&self) -> u64 {
        self.left.start - (self.buffer.len() - self.at) as u64
    }

    /// The present row, whatever its state, and where it ends in the buffer.
    fn present(&mut self) -> Option<(Row, usize)> {
        self.hold(HEAD)?;
        let (row, path) = Row::decode(self.buffer.get(self.at..self.at + HEAD)?)?;
        self.hold(HEAD + path)?;
        Some((row, self.at + HEAD + path))
    }

    /// Makes the buffer hold so many bytes from the present row on.
    fn hold(&mut self, count: usize) -> Option<()> {
        if self.buffer.len() - self.at >= count {
            return Some(());
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let held = self.buffer.len();
        let more = usize::try_from(self.left.end - self.left.start).map_or(PIECE, |left| left.min(PIECE));
        if held + more < count {
            return None;
        }
        self.buffer.resize(held + more, 0);
        if self.file.read_exact_at(&mut self.buffer[held..], self.left.start).is_err() {
            self.buffer.truncate(held);
            self.left = self.left.end..self.left.end;
            return None;
        }
        self.left.start += more as u64;
        Some(())
    }
}
