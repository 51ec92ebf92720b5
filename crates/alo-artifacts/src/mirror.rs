//! One source of data beside its copy: what has to be done so that the copy is the same.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::durable::{self, StorageError};
use crate::manifest::{CopyStamp, LoadedFrom, Manifest};
use crate::source::DataSource;
use crate::transfer::{Job, Work};
use crate::tree::{Links, Stamp, Tree, TreeError, TreeFile};

/// One source beside its copy.
pub(crate) struct Mirror {
    /// What lies at `input/<kind>/<name>` is no folder although the source is one, or the other way round.
    replace: Option<Utf8PathBuf>,
    remove: Vec<std::path::PathBuf>,
    create: Vec<Utf8PathBuf>,
    pub(crate) jobs: Vec<Job>,
    /// What is up to date already; the jobs add the rest.
    pub(crate) loaded: LoadedFrom,
}

impl Mirror {
    /// Lists both sides and decides what has to be done; nothing is touched.
    pub(crate) fn compare(
        source: &DataSource,
        input: &Utf8Path,
        known: Option<&Manifest>,
    ) -> Result<Self, TreeError> {
        let target = input.join(&source.name);
        let wanted =
            if source.is_file { single(&source.path)? } else { Tree::list(&source.path, Links::Within)? };
        let present = match fs_err::symlink_metadata(&target) {
            Ok(meta) if meta.is_dir() && !source.is_file => Some(Tree::list(&target, Links::AsIs)?),
            Ok(meta) if meta.is_file() && source.is_file => Some(single(&target)?),
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(StorageError::new("read", &target, error).into()),
        };
        let replace = (present.is_none() && target.symlink_metadata().is_ok()).then(|| target.clone());
        let present = present.unwrap_or_default();
        let at = |root: &Utf8Path, relative: &Utf8Path| {
            if source.is_file { root.to_owned() } else { root.join(relative) }
        };
        let trusted = known.is_some_and(Manifest::is_trusted);
        let entries = known.and_then(|known| known.source(&source.path, &source.name));
        let mut loaded = LoadedFrom {
            text: source.text.clone(),
            path: source.path.clone(),
            name: source.name.clone(),
            is_file: source.is_file,
            files: std::collections::BTreeMap::new(),
            tags: std::collections::BTreeMap::new(),
        };
        let mut jobs = Vec::new();
        for file in &wanted.files {
            let key = at(source.name.as_str().into(), &file.relative);
            let entry = entries.and_then(|entries| entries.files.get(&key));
            let copy = find(&present, &file.relative).map(|copy| CopyStamp::from(copy.stamp));
            let work = match (entry, copy) {
                (Some(entry), Some(copy)) if entry.source == Some(file.stamp) && entry.copy == copy => {
                    if trusted {
                        loaded.files.insert(key, entry.clone());
                        continue;
                    }
                    Work::Verify(entry.digest.clone())
                }
                (_, Some(copy)) if copy.size == file.stamp.size => Work::Compare,
                _ => Work::Copy,
            };
            let (from, to) = (at(&source.path, &file.relative), at(&target, &file.relative));
            jobs.push(Job { from, to, source: file.stamp, work });
        }
        let create = if source.is_file {
            Vec::new()
        } else {
            let missing =
                wanted.folders.iter().filter(|folder| present.folders.binary_search_by(by(folder)).is_err());
            std::iter::once(target.clone()).chain(missing.map(|folder| target.join(folder))).collect()
        };
        let gone_folders =
            present.folders.iter().filter(|folder| wanted.folders.binary_search_by(by(folder)).is_err());
        let gone_files =
            present.files.iter().map(|file| &file.relative).filter(|file| find(&wanted, file).is_none());
        let remove = gone_folders
            .chain(gone_files)
            .map(|gone| gone.as_std_path())
            .chain(present.others.iter().map(|other| other.relative.as_path()))
            .map(|gone| target.as_std_path().join(gone))
            .collect();
        Ok(Self { replace, remove, create, jobs, loaded })
    }

    /// Whether the copy differs from the source, as far as is known.
    pub(crate) fn changes(&self) -> bool {
        self.replace.is_some() || !self.remove.is_empty() || !self.jobs.is_empty()
    }

    /// Makes room: removes what is no longer in the source and creates the folders.
    pub(crate) fn prepare(&self) -> Result<(), StorageError> {
        if let Some(path) = &self.replace {
            durable::remove(path)?;
        }
        for path in &self.remove {
            durable::remove_std(path)?;
        }
        for folder in &self.create {
            durable::create_dir_all(folder)?;
        }
        Ok(())
    }
}

/// A tree of one file, whose relative path is empty.
fn single(path: &Utf8Path) -> Result<Tree, StorageError> {
    let meta = fs_err::metadata(path).map_err(StorageError::of("read", path))?;
    let file = TreeFile { relative: Utf8PathBuf::new(), stamp: Stamp::of(&meta), executable: false };
    Ok(Tree { files: vec![file], ..Tree::default() })
}

fn find<'a>(tree: &'a Tree, relative: &Utf8Path) -> Option<&'a TreeFile> {
    let at = tree.files.binary_search_by(|file| file.relative.as_str().cmp(relative.as_str())).ok()?;
    tree.files.get(at)
}

fn by(path: &Utf8Path) -> impl Fn(&Utf8PathBuf) -> std::cmp::Ordering {
    move |other| other.as_str().cmp(path.as_str())
}
