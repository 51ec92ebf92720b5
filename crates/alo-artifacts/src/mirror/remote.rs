//! One prefix of a bucket beside its copy: what has to be done so that the copy is the same.

use std::cell::RefCell;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

use super::beside;
use super::known_rows::KnownRows;
use super::room::Room;
use super::side::Side;
use super::there::There;
use crate::load_error::LoadError;
use crate::manifest::{Draft, LoadedFrom, Manifest, Row, Source};
use crate::s3::{Fetch, Found, Present, Remote, RemoteObject, list};
use crate::source::DataSource;
use crate::stamp::{CopyStamp, Stamp};
use crate::storage_error::StorageError;
use crate::tree_error::TreeError;
use crate::value_list::ValueList;
use crate::walk::{Entry, Walk};
use crate::walk::{Links, TreeFile};

/// One source in S3 beside its copy.
pub(crate) struct RemoteMirror {
    pub(crate) remote: Remote,
    room: Room,
    /// The objects that are to be looked at or fetched; the row of each stands there in the draft.
    pub(crate) jobs: ValueList<Fetch>,
    /// How many these are.
    pub(crate) objects: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Bytes that need room on the disk.
    pub(crate) needed: u64,
    /// Whether files are up to date already.
    pub(crate) has_files: bool,
    rows: Option<Range<u64>>,
    /// Whether nothing is to be done and nothing to be written down.
    pub(crate) is_as_known: bool,
}

impl RemoteMirror {
    /// Lists both sides and decides what has to be done; nothing is touched. Rows are added to the draft.
    pub(crate) fn compare(
        source: &DataSource,
        remote: &Remote,
        input: &Utf8Path,
        known: Option<&Manifest>,
        draft: &mut Draft,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, LoadError> {
        let found = if source.is_file { Found::Object } else { Found::Folder };
        let mut listed = list(remote, found, draft.folder(), cancelled)?;
        let target = input.join(&source.name);
        let there = There::at(&target, source.is_file)?;
        let mut room = Room::new(&target, draft.folder());
        if there == There::Another {
            room.remove(target.as_std_path())?;
        }
        if there != There::Copy && !source.is_file {
            room.create(Utf8Path::new(""))?;
        }
        let mut present = match there {
            There::Copy if source.is_file => {
                let meta = fs_err::metadata(&target).map_err(StorageError::of("read", &target))?;
                Side::new(std::iter::once(Ok(Entry::File(file(Utf8Path::new(""), Stamp::of(&meta))))))?
            }
            There::Copy => Side::new(Walk::open(&target, Links::AsIs)?)?,
            There::Another | There::Nothing => Side::new(std::iter::empty())?,
        };
        let known = known.and_then(|known| Some((known, known.source(&source.path, &source.name)?)));
        let is_same_text = known.is_some_and(|(_, known)| known.text == source.text);
        let mut jobs = ValueList::new(draft.folder());
        let (mut objects, mut bytes, mut needed, mut has_files) = (0, 0, 0, false);
        let mut known = KnownRows::new(known, draft);
        // The object whose file is the current one of the walk.
        let in_hand = RefCell::new(None);
        let mut wanted = Side::new(entries(listed.files()?, &in_hand))?;
        beside::walk(&mut wanted, &mut present, &mut room, &mut |_, copy| {
            let Some(object) = in_hand.take() else { return Ok(()) };
            let copy = copy.map(CopyStamp::from);
            let entry = known.find(object.relative.as_str())?;
            let entry = entry.filter(|entry| entry.source == Source::object(&object.tag()));
            let present = match (entry, copy) {
                (Some(entry), Some(copy)) if entry.copy == copy && known.is_trusted() => {
                    has_files = true;
                    return known.keep(object.relative.as_str(), entry);
                }
                (Some(entry), Some(copy)) if copy.size == object.size => Present::Copy(entry.digest),
                (None, Some(copy)) if copy.size == object.size => Present::SameSize,
                _ => Present::Nothing,
            };
            objects += 1;
            bytes += object.size;
            if present == Present::Nothing {
                needed += object.size;
            }
            let row = known.put(object.relative.as_str(), &Row::to_fetch())?.start;
            let to = if source.is_file { target.clone() } else { target.join(&object.relative) };
            jobs.push(&Fetch { row, object, to, present })
        })?;
        let rows = known.finish()?;
        let is_as_known = rows.is_none() && room.is_there() && is_same_text;
        let remote = remote.clone();
        Ok(Self { remote, room, jobs, objects, bytes, needed, has_files, rows, is_as_known })
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

    /// Removes what is no longer in the bucket and makes the folders.
    pub(crate) fn prepare(&mut self) -> Result<(), StorageError> {
        self.room.make()
    }
}

/// Objects as the files, and the folders these lie in, that their copy shall have. With a file its object is put in hand.
fn entries(
    objects: impl Iterator<Item = Result<RemoteObject, StorageError>>,
    in_hand: &RefCell<Option<RemoteObject>>,
) -> impl Iterator<Item = Result<Entry, TreeError>> {
    let mut last = Utf8PathBuf::new();
    let mut of = move |object: RemoteObject| {
        let path = &object.relative;
        let folders = path.ancestors().skip(1);
        let new = folders.filter(|folder| !folder.as_str().is_empty() && !last.starts_with(folder));
        let mut entries: Vec<_> = new.map(|folder| Entry::Folder(folder.to_owned())).collect();
        entries.reverse();
        // Of an object there is no stamp.
        let stamp = Stamp { size: object.size, modified: 0, changed: 0, inode: 0 };
        entries.push(Entry::File(file(path, stamp)));
        last.clone_from(path);
        in_hand.replace(Some(object));
        entries
    };
    objects.flat_map(move |object| match object {
        Ok(object) => of(object).into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error.into())],
    })
}

fn file(path: &Utf8Path, stamp: Stamp) -> TreeFile {
    TreeFile { relative: path.to_owned(), stamp, executable: false, mode: 0o644 }
}
