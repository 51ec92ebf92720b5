//! A folder or file beside its copy: what has to be done so that the copy is the same.

use std::ops::Range;
use std::thread;

use camino::{Utf8Path, Utf8PathBuf};

use super::beside;
use super::known_rows::KnownRows;
use super::room::Room;
use super::side::Side;
use super::there::There;
use crate::batches::Batches;
use crate::digest;
use crate::durable::{self, TEMP_PREFIX};
use crate::manifest::{Draft, LoadedFrom, Manifest, Row, Source, Work};
use crate::source::DataSource;
use crate::stamp::{CopyStamp, Stamp};
use crate::storage_error::StorageError;
use crate::transfer::Place;
use crate::tree_error::TreeError;
use crate::walk::{Entry, Walk};
use crate::walk::{Links, TreeFile};

/// The folder in which the copy of a folder is made for the first time: what is in it may be half written, and is
/// compared by content when loading goes on. The name of any source gives one that no file system finds too long.
pub(crate) fn unfinished(name: &str) -> String {
    let mut fields = digest::Fields::<blake3::Hasher>::default();
    fields.add(name.as_bytes());
    format!("{TEMP_PREFIX}{}", digest::short(&fields.finish()))
}

/// One source in the file system beside its copy.
pub(crate) struct LocalMirror {
    room: Room,
    /// A finished folder and the name it gets.
    finished: Option<(Utf8PathBuf, Utf8PathBuf)>,
    /// Where its rows stand in the draft; none if they are those that are known.
    rows: Option<Range<u64>>,
    /// Bytes that need room on the disk.
    pub(crate) needed: u64,
    /// Whether nothing is to be done and nothing to be written down.
    pub(crate) is_as_known: bool,
}

impl LocalMirror {
    /// Goes through both sides and decides what has to be done; nothing is touched. What is known but not trusted is
    /// compared by content.
    ///
    /// Rows are added to the draft, files that need something to the batches. Also gives where files are copied from and
    /// to: the place with that index.
    pub(crate) fn compare(
        source: &DataSource,
        index: usize,
        input: &Utf8Path,
        known: Option<&Manifest>,
        draft: &mut Draft,
        batches: &mut Batches,
    ) -> Result<(Self, Place), TreeError> {
        let target = input.join(&source.name);
        let mut made_in = target.clone();
        let mut there = There::at(&target, source.is_file)?;
        let blocked = there == There::Another;
        let is_new = there != There::Copy && !source.is_file;
        if is_new {
            // As long as nothing lies in its place, it is made beside it.
            made_in = input.join(unfinished(&source.name));
            there = There::at(&made_in, false)?;
        }
        let mut room = Room::new(&made_in, draft.folder());
        if blocked {
            room.remove(target.as_std_path())?;
        }
        if there == There::Another {
            room.remove(made_in.as_std_path())?;
        }
        if !source.is_file && there != There::Copy {
            room.create(Utf8Path::new(""))?;
        }
        let known = known.and_then(|known| Some((known, known.source(&source.path, &source.name)?)));
        let mut files = Files { known: KnownRows::new(known, draft), batches, index, is_new, needed: 0 };
        let mut each = |file: &TreeFile, copy: Option<Stamp>| files.add(file, copy);
        if source.is_file {
            let copy = if there == There::Copy { Some(single(&target)?) } else { None };
            let mut wanted = Side::new(std::iter::once(Ok(Entry::File(single(&source.path)?))))?;
            let mut present = Side::new(copy.map(|copy| Ok(Entry::File(copy))).into_iter())?;
            beside::walk(&mut wanted, &mut present, &mut room, &mut each)?;
        } else {
            let walk = Walk::open(&source.path, Links::Within)?;
            let copy = if there == There::Copy { Some(Walk::open(&made_in, Links::AsIs)?) } else { None };
            thread::scope(|scope| {
                let mut wanted = Side::ahead(scope, walk)?;
                let mut present = match copy {
                    Some(copy) => Side::ahead(scope, copy)?,
                    None => Side::new(std::iter::empty())?,
                };
                beside::walk(&mut wanted, &mut present, &mut room, &mut each)
            })?;
        }
        let needed = files.needed;
        let rows = files.known.finish()?;
        let is_as_known = rows.is_none()
            && room.is_there()
            && !is_new
            && known.is_some_and(|(_, known)| known.text == source.text);
        let place = Place { from: source.path.clone(), to: made_in.clone() };
        let finished = is_new.then_some((made_in, target));
        Ok((Self { room, finished, rows, needed, is_as_known }, place))
    }

    /// Where its rows stand in the draft, to which those that are known are added now.
    pub(crate) fn rows(
        &self,
        source: &DataSource,
        known: Option<&Manifest>,
        draft: &mut Draft,
    ) -> Result<LoadedFrom, StorageError> {
        KnownRows::described(self.rows.as_ref(), source, known, draft)
    }

    /// Removes what is no longer in the source and makes the folders.
    pub(crate) fn prepare(&mut self) -> Result<(), StorageError> {
        self.room.make()
    }

    /// Gives a folder that was made for the first time its name.
    pub(crate) fn finish(&self) -> Result<(), StorageError> {
        self.finished.as_ref().map_or(Ok(()), |(made_in, target)| durable::rename(made_in, target))
    }
}

/// The files of a source as they are come by.
struct Files<'a> {
    known: KnownRows<'a>,
    batches: &'a mut Batches,
    /// Of the place they are copied from.
    index: usize,
    /// Whether nobody sees the copy yet.
    is_new: bool,
    needed: u64,
}

impl Files<'_> {
    /// Decides what has to be done for a file, which may have a copy.
    fn add(&mut self, file: &TreeFile, copy: Option<Stamp>) -> Result<(), StorageError> {
        let path = file.relative.as_str();
        let entry = self.known.find(path)?;
        let work = match (entry, copy.map(CopyStamp::from)) {
            (Some(entry), Some(copy)) if entry.source == Source::File(file.stamp) && entry.copy == copy => {
                if self.known.is_trusted() {
                    return self.known.keep(path, entry);
                }
                Work::Verify
            }
            (_, Some(copy)) if copy.size == file.stamp.size => Work::Compare,
            (_, None) if self.is_new => Work::Create,
            _ => Work::Replace,
        };
        if matches!(work, Work::Create | Work::Replace) {
            self.needed += file.stamp.size;
        }
        let row = Row::left(work, file.stamp, entry.map(|entry| entry.digest));
        let rows = self.known.put(path, &row)?;
        self.batches.add(rows, self.index, file.stamp.size);
        Ok(())
    }
}

/// A single file as an entry without a path.
fn single(path: &Utf8Path) -> Result<TreeFile, StorageError> {
    let meta = fs_err::metadata(path).map_err(StorageError::of("read", path))?;
    Ok(TreeFile { relative: Utf8PathBuf::new(), stamp: Stamp::of(&meta), executable: false, mode: 0o644 })
}
