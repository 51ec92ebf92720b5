//! A file in the manifest: a head of fixed length, which is filled in when the file has arrived, then its path.

use crate::digest::ContentDigest;
use crate::stamp::{CopyStamp, Stamp};

/// The length of a row without its path.
pub(super) const HEAD: usize = 84;
/// How much is kept of the digest of what tells the version of an object.
const VERSION: usize = 24;

/// One file: the source as it was read and the copy as it was left, with the BLAKE3 digest of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileEntry {
    pub(crate) source: Source,
    pub(crate) copy: CopyStamp,
    pub(crate) digest: ContentDigest,
}

/// What the source of a file is recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nothing: it was written so shortly before it was read that a later change may not show in its times.
    Unsettled,
    /// A file, of the size of the copy.
    File(Stamp),
    /// An object: the first bytes of the digest of what changes when the object changes.
    Object([u8; VERSION]),
}

impl Source {
    /// An object that this tells the version of.
    pub(crate) fn object(tag: &str) -> Self {
        let digest = blake3::hash(tag.as_bytes());
        Self::Object(digest.as_bytes().first_chunk().copied().unwrap_or([0; VERSION]))
    }
}

/// What has to be done for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// There is no copy, and its folder is not yet in its place, so that nobody sees it half written.
    Create,
    /// The copy is missing or of another size, in a folder that others know: it appears whole.
    Replace,
    /// There is a copy of the same size; copied only when the contents differ.
    Compare,
    /// The source is as it was, but the copy might have been lost: it must have the digest of the row.
    Verify,
    /// An object: what there is to do is known elsewhere.
    Fetch,
}

/// How far a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The copy is there.
    Done,
    /// Not yet: the row tells the source as it was listed.
    Left(Work),
}

/// The head of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) state: State,
    pub(crate) entry: FileEntry,
}

impl Row {
    /// A file of which that has to be done; `expected` is what its copy must be, to be verified.
    pub(crate) fn left(work: Work, source: Stamp, expected: Option<ContentDigest>) -> Self {
        let copy = CopyStamp { size: source.size, modified: 0, inode: 0 };
        let entry = FileEntry { source: Source::File(source), copy, digest: expected.unwrap_or_default() };
        Self { state: State::Left(work), entry }
    }

    /// An object that is not there.
    pub(crate) fn to_fetch() -> Self {
        let copy = CopyStamp { size: 0, modified: 0, inode: 0 };
        let entry = FileEntry { source: Source::Unsettled, copy, digest: ContentDigest::default() };
        Self { state: State::Left(Work::Fetch), entry }
    }

    pub(crate) fn done(entry: FileEntry) -> Self {
        Self { state: State::Done, entry }
    }

    /// The head of a row whose path has that length.
    pub(super) fn encode(&self, path: u16) -> [u8; HEAD] {
        let state = match self.state {
            State::Done => 0,
            State::Left(Work::Create) => 1,
            State::Left(Work::Replace) => 2,
            State::Left(Work::Compare) => 3,
            State::Left(Work::Verify) => 4,
            State::Left(Work::Fetch) => 5,
        };
        let FileEntry { source, copy, digest } = &self.entry;
        let (kind, known) = match source {
            Source::Unsettled => (0, [0; VERSION]),
            Source::File(stamp) => (
                1,
                joined([
                    stamp.modified.to_le_bytes(),
                    stamp.changed.to_le_bytes(),
                    stamp.inode.to_le_bytes(),
                ]),
            ),
            Source::Object(version) => (2, *version),
        };
        let mut head = [0; HEAD];
        let mut rest = head.as_mut_slice();
        let fields: [&[u8]; 8] = [
            &path.to_le_bytes(),
            &[state],
            &[kind],
            &copy.size.to_le_bytes(),
            &copy.modified.to_le_bytes(),
            &copy.inode.to_le_bytes(),
            &known,
            &digest.0,
        ];
        for field in fields {
            let (place, after) = rest.split_at_mut(field.len());
            place.copy_from_slice(field);
            rest = after;
        }
        head
    }

    /// Reads a head; gives the length of the path behind it. `None` if it was not written here.
    pub(super) fn decode(head: &[u8]) -> Option<(Self, usize)> {
        let mut rest = head;
        let path = u16::from_le_bytes(take(&mut rest)?);
        let [state, kind] = take(&mut rest)?;
        let size = u64::from_le_bytes(take(&mut rest)?);
        let modified = i64::from_le_bytes(take(&mut rest)?);
        let inode = u64::from_le_bytes(take(&mut rest)?);
        let known: [u8; VERSION] = take(&mut rest)?;
        let digest = ContentDigest(take(&mut rest)?);
        let state = match state {
            0 => State::Done,
            1 => State::Left(Work::Create),
            2 => State::Left(Work::Replace),
            3 => State::Left(Work::Compare),
            4 => State::Left(Work::Verify),
            5 => State::Left(Work::Fetch),
            _ => return None,
        };
        let source = match kind {
            0 => Source::Unsettled,
            1 => {
                let mut known = known.as_slice();
                Source::File(Stamp {
                    size,
                    modified: i64::from_le_bytes(take(&mut known)?),
                    changed: i64::from_le_bytes(take(&mut known)?),
                    inode: u64::from_le_bytes(take(&mut known)?),
                })
            }
            2 => Source::Object(known),
            _ => return None,
        };
        let entry = FileEntry { source, copy: CopyStamp { size, modified, inode }, digest };
        Some((Self { state, entry }, path.into()))
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*field)
}

fn joined(parts: [[u8; 8]; 3]) -> [u8; VERSION] {
    let mut all = [0; VERSION];
    for (place, part) in all.chunks_mut(8).zip(parts) {
        place.copy_from_slice(&part);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_reads_as_it_was_written() {
        let copy = CopyStamp { size: 3, modified: -1_700_000_000_123_456_789, inode: u64::MAX };
        let stamp = Stamp { size: 3, modified: 5, changed: i64::MIN, inode: 8 };
        for source in [Source::Unsettled, Source::File(stamp), Source::Object([7; VERSION])] {
            let done = Row::done(FileEntry { source, copy, digest: ContentDigest([9; 32]) });
            assert_eq!(Row::decode(&done.encode(300)), Some((done, 300)));
        }
        for work in [Work::Create, Work::Replace, Work::Compare, Work::Verify, Work::Fetch] {
            let row = Row::left(work, stamp, None);
            assert_eq!(Row::decode(&row.encode(0)), Some((row, 0)));
        }
        assert_eq!(Row::decode(&[9; HEAD]), None);
        assert_eq!(Row::decode(&[0; HEAD - 1]), None);
    }
}
