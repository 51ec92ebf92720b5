//! One prefix of a bucket beside its copy: what has to be done so that the copy is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};

use super::download::{Fetch, Present};
use super::listing::{Found, list};
use super::remote::Remote;
use crate::durable;
use crate::load_error::LoadError;
use crate::manifest::{LoadedFrom, Manifest};
use crate::source::DataSource;
use crate::storage_error::StorageError;
use crate::tree::{CopyStamp, Links, Stamp, Tree};

/// One remote source beside its copy.
pub(crate) struct RemoteMirror {
    pub(crate) remote: Remote,
    remove: Vec<PathBuf>,
    create: BTreeSet<Utf8PathBuf>,
    pub(crate) jobs: Vec<Fetch>,
    /// What is up to date already; the jobs add the rest.
    pub(crate) loaded: LoadedFrom,
}

impl RemoteMirror {
    /// Lists both sides and decides what has to be done; nothing is touched.
    pub(crate) fn compare(
        source: &DataSource,
        remote: &Remote,
        input: &Utf8Path,
        known: Option<&Manifest>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, LoadError> {
        let found = if source.is_file { Found::Object } else { Found::Folder };
        let objects = list(remote, found, cancelled)?;
        let target = input.join(&source.name);
        let at = |root: &Utf8Path, relative: &Utf8Path| {
            if source.is_file { root.to_owned() } else { root.join(relative) }
        };
        let trusted = known.is_some_and(Manifest::is_trusted);
        let entries = known.and_then(|known| known.source(&source.path, &source.name));
        let (present, in_the_way) = present(&target, source.is_file)?;
        let mut mirror = Self {
            remote: remote.clone(),
            remove: Vec::new(),
            create: BTreeSet::new(),
            jobs: Vec::new(),
            loaded: LoadedFrom::new(source),
        };
        let copies: BTreeMap<&Utf8Path, Stamp> =
            present.files.iter().map(|file| (file.relative.as_path(), file.stamp)).collect();
        let mut folders: BTreeSet<Utf8PathBuf> = BTreeSet::new();
        let mut wanted: BTreeSet<Utf8PathBuf> = BTreeSet::new();
        for object in objects {
            folders.extend(object.relative.ancestors().skip(1).map(Utf8Path::to_owned));
            wanted.insert(object.relative.clone());
            let key = at(source.name.as_str().into(), &object.relative);
            let copy = copies.get(object.relative.as_path()).map(|stamp| CopyStamp::from(*stamp));
            let entry = entries.and_then(|entries| {
                let same = entries.tags.get(&key).is_some_and(|tag| *tag == object.tag);
                entries.files.get(key.as_str()).filter(|_| same)
            });
            let to = at(&target, &object.relative);
            let present = match (entry, copy) {
                (Some(entry), Some(copy)) if entry.copy == copy && trusted => {
                    mirror.loaded.tags.insert(key.clone(), object.tag);
                    mirror.loaded.files.insert(key.into_string(), entry.clone());
                    continue;
                }
                (Some(entry), Some(copy)) if copy.size == object.size => Present::Copy(entry.digest.clone()),
                (None, Some(copy)) if copy.size == object.size => Present::SameSize,
                _ => Present::Nothing,
            };
            mirror.jobs.push(Fetch { object, to, present });
        }
        if !source.is_file {
            mirror.create = folders.iter().map(|folder| target.join(folder)).collect();
        }
        let gone_folders = present.folders.iter().filter(|folder| !folders.contains(*folder));
        let gone_files =
            present.files.iter().map(|file| &file.relative).filter(|file| !wanted.contains(*file));
        let others = present.others.iter().map(|other| target.as_std_path().join(&other.relative));
        mirror.remove = in_the_way;
        mirror.remove.extend(
            gone_folders.chain(gone_files).map(|gone| target.join(gone).into_std_path_buf()).chain(others),
        );
        Ok(mirror)
    }

    /// Whether the copy differs from the bucket, as far as is known.
    pub(crate) fn changes(&self) -> bool {
        !self.remove.is_empty() || !self.jobs.is_empty()
    }

    /// Makes room: removes what is no longer in the bucket and creates the folders.
    pub(crate) fn prepare(&self) -> Result<(), StorageError> {
        for path in &self.remove {
            durable::remove_std(path)?;
        }
        for folder in &self.create {
            durable::create_dir_all(folder)?;
        }
        Ok(())
    }
}

/// What lies at the target; a file in the place of a folder, or the other way round, is only to be removed.
fn present(target: &Utf8Path, is_file: bool) -> Result<(Tree, Vec<PathBuf>), LoadError> {
    match fs_err::symlink_metadata(target) {
        Ok(meta) if meta.is_dir() && !is_file => Ok((Tree::list(target, Links::AsIs)?, Vec::new())),
        Ok(meta) if meta.is_file() && is_file => {
            let file = crate::tree::TreeFile {
                relative: Utf8PathBuf::new(),
                stamp: Stamp::of(&meta),
                executable: false,
            };
            Ok((Tree { files: vec![file], ..Tree::default() }, Vec::new()))
        }
        Ok(_) => Ok((Tree::default(), vec![target.as_std_path().to_owned()])),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((Tree::default(), Vec::new())),
        Err(error) => Err(StorageError::new("read", target, error).into()),
    }
}
