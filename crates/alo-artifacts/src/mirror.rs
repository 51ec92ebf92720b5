//! One source of data beside its copy: what has to be done so that the copy is the same.

use std::io;
use std::iter::Peekable;
use std::sync::Arc;
use std::thread;

use camino::{Utf8Path, Utf8PathBuf};

use crate::digest;
use crate::durable::{self, TEMP_PREFIX};
use crate::manifest::{FileEntry, LoadedFrom, Manifest};
use crate::source::DataSource;
use crate::storage_error::StorageError;
use crate::transfer::{Job, Place, Work};
use crate::tree::{CopyStamp, Links, Stamp, Tree, TreeError, TreeFile};

/// What lies at a source and at its copy.
pub(crate) struct Sides {
    wanted: Tree,
    present: Tree,
    /// The copy's place.
    target: Utf8PathBuf,
    /// Where the copy is made: its place or, as long as nothing lies there, a folder beside it.
    made_in: Utf8PathBuf,
    /// What lies at either of these is no folder although the source is one, or the other way round.
    in_the_way: Vec<Utf8PathBuf>,
}

impl Sides {
    /// Lists both sides at once.
    pub(crate) fn list(source: &DataSource, input: &Utf8Path) -> Result<Self, TreeError> {
        let target = input.join(&source.name);
        let (wanted, there) = thread::scope(|scope| {
            let there = scope.spawn(|| lies_at(&target, source.is_file));
            let wanted =
                if source.is_file { single(&source.path) } else { Tree::list(&source.path, Links::Within) };
            (wanted, there.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (wanted, there) = (wanted?, there?);
        let mut sides = Self {
            wanted,
            present: Tree::default(),
            made_in: target.clone(),
            target,
            in_the_way: Vec::new(),
        };
        let is_new = !matches!(there, There::Copy(_));
        sides.has(there);
        if is_new && !source.is_file {
            sides.made_in = input.join(unfinished(&source.name));
            let begun = lies_at(&sides.made_in, false)?;
            sides.has(begun);
        }
        Ok(sides)
    }

    /// Takes note of what lies where the copy is made.
    fn has(&mut self, there: There) {
        match there {
            There::Copy(tree) => self.present = tree,
            There::Another => self.in_the_way.push(self.made_in.clone()),
            There::Nothing => {}
        }
    }

    /// Whether every file, and nothing else, is as it was when it was written down.
    fn are_as_known(&self, known: &LoadedFrom) -> bool {
        let (wanted, present) = (&self.wanted, &self.present);
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

enum There {
    Copy(Tree),
    Another,
    Nothing,
}

fn lies_at(target: &Utf8Path, is_file: bool) -> Result<There, TreeError> {
    match fs_err::symlink_metadata(target) {
        Ok(meta) if meta.is_dir() && !is_file => Ok(There::Copy(Tree::list(target, Links::AsIs)?)),
        Ok(meta) if meta.is_file() && is_file => Ok(There::Copy(single(target)?)),
        Ok(_) => Ok(There::Another),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(There::Nothing),
        Err(error) => Err(StorageError::new("read", target, error).into()),
    }
}

/// One source beside its copy.
pub(crate) struct Mirror {
    remove: Vec<std::path::PathBuf>,
    create: Vec<Utf8PathBuf>,
    /// A finished folder and the name it gets.
    finished: Option<(Utf8PathBuf, Utf8PathBuf)>,
    pub(crate) jobs: Vec<Job>,
    /// What is up to date already; the jobs add the rest.
    pub(crate) loaded: LoadedFrom,
    /// Whether nothing is to be done, so that `loaded` is left empty: it is what is known.
    pub(crate) is_as_known: bool,
}

impl Mirror {
    /// Decides what has to be done; nothing is touched. What is known but not trusted is compared by content.
    pub(crate) fn compare(source: &DataSource, sides: Sides, known: Option<&Manifest>) -> Self {
        let is_trusted = known.is_some_and(Manifest::is_trusted);
        let known = known.and_then(|known| known.source(&source.path, &source.name));
        let mut mirror = Self {
            remove: Vec::new(),
            create: Vec::new(),
            finished: None,
            jobs: Vec::new(),
            loaded: LoadedFrom::new(source),
            is_as_known: is_trusted
                && known.is_some_and(|known| known.text == source.text && sides.are_as_known(known)),
        };
        if mirror.is_as_known {
            return mirror;
        }
        let Sides { wanted, present, target, made_in, in_the_way } = sides;
        let place = Place { name: source.name.clone(), from: source.path.clone(), to: made_in.clone() };
        let place = Arc::new(place);
        let is_new = made_in != target;
        let mut entries = known.into_iter().flat_map(|known| &known.files).peekable();
        let mut copies = present.files.iter().map(|file| (&file.relative, file.stamp)).peekable();
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
        if !source.is_file {
            let missing = wanted.folders.iter().filter(|folder| !has(&present.folders, folder));
            mirror.create =
                std::iter::once(made_in.clone()).chain(missing.map(|folder| made_in.join(folder))).collect();
        }
        let gone_folders = present.folders.iter().filter(|folder| !has(&wanted.folders, folder));
        let gone_files =
            present.files.iter().map(|file| &file.relative).filter(|file| !has_file(&wanted, file));
        let gone = gone_folders
            .chain(gone_files)
            .map(|gone| gone.as_std_path())
            .chain(present.others.iter().map(|other| other.relative.as_path()))
            .map(|gone| made_in.as_std_path().join(gone));
        mirror.remove = in_the_way.into_iter().map(Utf8PathBuf::into_std_path_buf).chain(gone).collect();
        mirror.finished = is_new.then_some((made_in, target));
        mirror
    }

    /// Whether the copy differs from the source, as far as is known.
    pub(crate) fn changes(&self) -> bool {
        self.finished.is_some() || !self.remove.is_empty() || !self.jobs.is_empty()
    }

    /// Makes room: removes what is no longer in the source and creates the folders.
    pub(crate) fn prepare(&self) -> Result<(), StorageError> {
        for path in &self.remove {
            durable::remove_std(path)?;
        }
        for folder in &self.create {
            durable::create_dir_all(folder)?;
        }
        Ok(())
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

/// A tree of one file, whose relative path is empty.
fn single(path: &Utf8Path) -> Result<Tree, TreeError> {
    let meta = fs_err::metadata(path).map_err(StorageError::of("read", path))?;
    let file = TreeFile { relative: Utf8PathBuf::new(), stamp: Stamp::of(&meta), executable: false };
    Ok(Tree { files: vec![file], ..Tree::default() })
}

fn has(folders: &[Utf8PathBuf], relative: &Utf8Path) -> bool {
    folders.binary_search_by(|folder| folder.as_str().cmp(relative.as_str())).is_ok()
}

fn has_file(tree: &Tree, relative: &Utf8Path) -> bool {
    tree.files.binary_search_by(|file| file.relative.as_str().cmp(relative.as_str())).is_ok()
}
