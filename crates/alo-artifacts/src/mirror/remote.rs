//! One prefix of a bucket beside its copy: what has to be done so that the copy is the same.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::room::Room;
use super::there::There;
use crate::load_error::LoadError;
use crate::manifest::{LoadedFrom, Manifest};
use crate::s3::{Fetch, Found, Present, Remote, list};
use crate::source::DataSource;
use crate::storage_error::StorageError;
use crate::tree::{CopyStamp, Stamp};

/// One source in S3 beside its copy.
pub(crate) struct RemoteMirror {
    pub(crate) remote: Remote,
    room: Room,
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
        let there = There::at(&target, source.is_file)?;
        let mut mirror = Self {
            remote: remote.clone(),
            room: Room::default(),
            jobs: Vec::new(),
            loaded: LoadedFrom::new(source),
        };
        let copies: BTreeMap<&Utf8Path, Stamp> =
            there.tree.files.iter().map(|file| (file.relative.as_path(), file.stamp)).collect();
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
        mirror.room = Room::for_copy(
            &target,
            &there,
            folders.iter().map(Utf8PathBuf::as_path).filter(|_| !source.is_file),
            |folder| folders.contains(folder),
            |file| wanted.contains(file),
        );
        Ok(mirror)
    }

    /// Whether the copy differs from the bucket, as far as is known.
    pub(crate) fn changes(&self) -> bool {
        self.room.removes() || !self.jobs.is_empty()
    }

    /// Removes what is no longer in the bucket and makes the folders.
    pub(crate) fn prepare(&self) -> Result<(), StorageError> {
        self.room.make()
    }
}
