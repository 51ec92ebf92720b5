//! A folder or file beside its copy: what has to be done so that the copy is the same.

use std::iter::Peekable;
use std::sync::Arc;
use std::thread;

use camino::{Utf8Path, Utf8PathBuf};

use super::room::Room;
use super::there::There;
use crate::digest;
use crate::durable::{self, TEMP_PREFIX};
use crate::manifest::{FileEntry, LoadedFrom, Manifest};
use crate::source::DataSource;
use crate::storage_error::StorageError;
use crate::transfer::{Job, Place, Work};
use crate::tree::{CopyStamp, Links, Tree, TreeError, TreeFile};

/// What lies at a source and at its copy.
pub(crate) struct Sides {
    wanted: Tree,
    /// What lies where the copy is made, and what is in the way there or at its place.
    there: There,
    /// The copy's place.
    target: Utf8PathBuf,
    /// Where the copy is made: its place or, as long as nothing lies there, a folder beside it.
    made_in: Utf8PathBuf,
}

impl Sides {
    /// Lists both sides at once.
    pub(crate) fn list(source: &DataSource, input: &Utf8Path) -> Result<Self, TreeError> {
        let target = input.join(&source.name);
        let (wanted, there) = thread::scope(|scope| {
            let there = scope.spawn(|| There::at(&target, source.is_file));
            let wanted =
                if source.is_file { single(&source.path) } else { Tree::list(&source.path, Links::Within) };
            (wanted, there.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (wanted, mut there) = (wanted?, there?);
        let mut made_in = target.clone();
        if !there.is_copy && !source.is_file {
            made_in = input.join(unfinished(&source.name));
            let begun = There::at(&made_in, false)?;
            there.in_the_way.extend(begun.in_the_way);
            there.tree = begun.tree;
        }
        Ok(Self { wanted, there, target, made_in })
    }

    /// Whether every file, and nothing else, is as it was when it was written down.
    fn are_as_known(&self, known: &LoadedFrom) -> bool {
        let (wanted, present) = (&self.wanted, &self.there.tree);
        let same = |((file, copy), (key, entry)): ((&TreeFile, &TreeFile), (&String, &FileEntry))| {
            copy.relative.as_str() == file.relative.as_str()
                && is_key(key, &known.name, &file.relative)
                && entry.source == Some(file.stamp)
                && entry.copy == copy.stamp.into()
        };
        self.made_in == self.target
            && present.others.is_empty()
            && wanted.folders == present.folders
            && wanted.files.len() == present.files.len()
            && wanted.files.len() == known.files.len()
            && wanted.files.iter().zip(&present.files).zip(&known.files).all(same)
    }
}

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
    pub(crate) jobs: Vec<Job>,
    /// What is up to date already; the jobs add the rest.
    pub(crate) loaded: LoadedFrom,
    /// Whether nothing is to be done, so that `loaded` is left empty: it is what is known.
    pub(crate) is_as_known: bool,
}

impl LocalMirror {
    /// Decides what has to be done; nothing is touched. What is known but not trusted is compared by content.
    pub(crate) fn compare(source: &DataSource, sides: Sides, known: Option<&Manifest>) -> Self {
        let is_trusted = known.is_some_and(Manifest::is_trusted);
        let known = known.and_then(|known| known.source(&source.path, &source.name));
        let mut mirror = Self {
            room: Room::default(),
            finished: None,
            jobs: Vec::new(),
            loaded: LoadedFrom::new(source),
            is_as_known: is_trusted
                && known.is_some_and(|known| known.text == source.text && sides.are_as_known(known)),
        };
        if mirror.is_as_known {
            return mirror;
        }
        let Sides { wanted, there, target, made_in } = sides;
        let place = Place { name: source.name.clone(), from: source.path.clone(), to: made_in.clone() };
        let place = Arc::new(place);
        let is_new = made_in != target;
        let mut entries = known.into_iter().flat_map(|known| &known.files).peekable();
        let mut copies = there.tree.files.iter().map(|file| (&file.relative, file.stamp)).peekable();
        for file in &wanted.files {
            let key = key_of(&source.name, &file.relative);
            let entry = advance(&mut entries, |name| name.as_str().cmp(&key));
            let copy = advance(&mut copies, |name| name.as_str().cmp(file.relative.as_str()));
            let work = match (entry, copy.map(CopyStamp::from)) {
                (Some(entry), Some(copy)) if entry.source == Some(file.stamp) && entry.copy == copy => {
                    if is_trusted {
                        mirror.loaded.files.insert(key, entry.clone());
                        continue;
                    }
                    Work::Verify(entry.digest.clone())
                }
                (_, Some(copy)) if copy.size == file.stamp.size => Work::Compare,
                (_, None) if is_new => Work::Create,
                _ => Work::Replace,
            };
            mirror.jobs.push(Job { place: Arc::clone(&place), key, source: file.stamp, work });
        }
        let root = (!source.is_file).then_some(Utf8Path::new(""));
        let folders = root.into_iter().chain(wanted.folders.iter().map(Utf8PathBuf::as_path));
        mirror.room = Room::for_copy(
            &made_in,
            &there,
            folders,
            |folder| wanted.has_folder(folder),
            |file| wanted.has_file(file),
        );
        mirror.finished = is_new.then_some((made_in, target));
        mirror
    }

    /// Whether the copy differs from the source, as far as is known.
    pub(crate) fn changes(&self) -> bool {
        self.finished.is_some() || self.room.removes() || !self.jobs.is_empty()
    }

    /// Removes what is no longer in the source and makes the folders.
    pub(crate) fn prepare(&self) -> Result<(), StorageError> {
        self.room.make()
    }

    /// What is up to date, but for the jobs.
    pub(crate) fn into_loaded(self, known: Option<&Manifest>) -> LoadedFrom {
        let same = known.and_then(|known| known.source(&self.loaded.path, &self.loaded.name));
        same.filter(|_| self.is_as_known).cloned().unwrap_or(self.loaded)
    }

    /// Gives a folder that was made for the first time its name.
    pub(crate) fn finish(&self) -> Result<(), StorageError> {
        self.finished.as_ref().map_or(Ok(()), |(made_in, target)| durable::rename(made_in, target))
    }
}

/// The path relative to `input/<kind>`.
fn key_of(name: &str, relative: &Utf8Path) -> String {
    if relative.as_str().is_empty() { name.to_owned() } else { format!("{name}/{relative}") }
}

fn is_key(key: &str, name: &str, relative: &Utf8Path) -> bool {
    match key.strip_prefix(name) {
        Some("") => relative.as_str().is_empty(),
        Some(rest) => rest.strip_prefix('/') == Some(relative.as_str()),
        None => false,
    }
}

/// Goes on in a sorted list to what `place` calls equal; gives it if it is there.
fn advance<K, V>(
    list: &mut Peekable<impl Iterator<Item = (K, V)>>,
    place: impl Fn(&K) -> std::cmp::Ordering,
) -> Option<V> {
    while list.next_if(|(key, _)| place(key).is_lt()).is_some() {}
    list.next_if(|(key, _)| place(key).is_eq()).map(|(_, value)| value)
}

/// The source, if that is a single file.
fn single(path: &Utf8Path) -> Result<Tree, TreeError> {
    Ok(Tree::of_file(&fs_err::metadata(path).map_err(StorageError::of("read", path))?))
}
