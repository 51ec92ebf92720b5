//! What a finished run leaves on its way into the history: collected in the run's folder, then digested, shared and
//! flushed.
//!
//! Collecting needs the artifacts, settling only the run's folder: it can go on while something else uses them.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use super::data_list::DATA;
use super::file_list::{FILES, FileList, KeptFile};
use super::keep::{Keep, LOGS, is_own_name};
use super::objects::{Key, Objects, SMALL};
use crate::copy::{CopyError, Meter, copy_plain, digest_file};
use crate::digest;
use crate::durable;
use crate::files_error::FilesError;
use crate::permissions;
use crate::stamp::Stamp;
use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::walk::{Links, TreeFile};

/// When a file is digested, which tells whether an earlier run has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digests {
    /// Before it is collected: what an earlier run has is linked and never copied.
    First,
    /// When it is settled: so many bytes are copied at once, and the copies give way to links where an earlier run has
    /// them. Only what memory takes easily, so that a copy without need does not come to the disk.
    Later(u64),
}

/// Artifacts and logs in a run's folder, not flushed yet.
#[derive(Debug)]
pub(super) struct Collected {
    objects: Objects,
    folder: Utf8PathBuf,
    /// What could not be collected, in words.
    pub(super) left_out: Vec<String>,
    /// The list of what is kept.
    files: BTreeMap<Utf8PathBuf, KeptFile>,
    /// Files that are there and neither digested nor shared yet.
    later: Vec<TreeFile>,
    /// Files that are there and have to be flushed.
    written: Vec<TreeFile>,
    /// Whether the run has left a folder.
    has_folders: bool,
    /// Contents that this run was the first to have, and where they lie.
    new: BTreeMap<Key, Utf8PathBuf>,
    new_bytes: u64,
}

impl Collected {
    /// Puts artifacts and logs into a run's folder: small files are written, large ones that an earlier run has are
    /// linked, others copied.
    pub(super) fn collect(
        objects: Objects,
        folder: &Utf8Path,
        keep: &Keep<'_>,
        digests: Digests,
    ) -> Result<Self, FilesError> {
        let tree = keep.tree()?;
        for inner in &tree.folders {
            durable::create_dir_all(&folder.join(inner))?;
        }
        let left_out = tree.others.iter().map(|other| {
            format!("`{}` is {} and not kept in the history", other.relative.display(), other.what)
        });
        let mut collected = Self {
            objects,
            folder: folder.to_owned(),
            left_out: left_out.collect(),
            files: BTreeMap::new(),
            later: Vec::new(),
            written: Vec::new(),
            has_folders: !tree.folders.is_empty(),
            new: BTreeMap::new(),
            new_bytes: 0,
        };
        let mut room = if let Digests::Later(bytes) = digests { bytes } else { 0 };
        // Written when the run began; runs on the same data share it.
        if folder.join(DATA).is_file() {
            collected.later.push(own_file(DATA));
        }
        for file in tree.files {
            let from = keep.root().map(|root| root.join(&file.relative)).unwrap_or_default();
            let is_later = (SMALL..=room).contains(&file.stamp.size) && collected.copy(&from, &file).is_ok();
            if is_later {
                room -= file.stamp.size;
                collected.later.push(file);
            } else {
                collected.take(&from, file)?;
            }
        }
        Ok(collected)
    }

    /// What of the logs lies in a run's folder already.
    pub(super) fn logs(objects: Objects, folder: &Utf8Path) -> Result<Self, FilesError> {
        let mut tree = Tree::list(folder, Links::AsIs)?;
        tree.files.retain(|file| file.relative.starts_with(LOGS) || file.relative == DATA);
        Ok(Self {
            objects,
            folder: folder.to_owned(),
            left_out: Vec::new(),
            files: BTreeMap::new(),
            later: tree.files,
            written: Vec::new(),
            has_folders: folder.join(LOGS).is_dir(),
            new: BTreeMap::new(),
            new_bytes: 0,
        })
    }

    /// Digests what is not digested yet and gives way to equal contents of earlier runs; writes the list; flushes all; and
    /// only then shares the new contents with the runs to come. Gives the bytes that no other run has.
    pub(super) fn settle(mut self) -> Result<u64, FilesError> {
        for file in std::mem::take(&mut self.later) {
            self.share(file)?;
        }
        if self.files.is_empty() && !self.has_folders {
            return Ok(0);
        }
        let new_bytes = self.new_bytes + FileList::new(self.files).write(&self.folder)?;
        self.written.push(own_file(FILES));
        durable::sync_tree(&self.folder, &Tree { files: self.written, ..Tree::default() })?;
        for (key, path) in &self.new {
            self.objects.publish(key, path);
        }
        Ok(new_bytes)
    }

    /// Puts a file into the run's folder whose content may be that of an earlier run.
    fn take(&mut self, from: &Utf8Path, file: TreeFile) -> Result<(), FilesError> {
        let to = self.folder.join(&file.relative);
        if file.stamp.size < SMALL {
            return Ok(self.write_small(from, &to, file)?);
        }
        let (sha256, stamp) = digest_file::<Sha256>(from, &Meter::default())?;
        let kept = KeptFile { bytes: stamp.size, sha256: sha256.to_string(), executable: file.executable };
        let Some(key) = kept.key() else {
            // It has shrunk since it was listed.
            return Ok(self.write_small(from, &to, file)?);
        };
        self.files.insert(file.relative.clone(), kept);
        if self.new.get(&key).is_some_and(|same| fs_err::hard_link(same, &to).is_ok())
            || self.objects.link(&key, from, &to)
        {
            return Ok(());
        }
        self.copy(from, &TreeFile { stamp, ..file.clone() })?;
        self.is_new(key, stamp.size, file)
    }

    /// Copies a file into the run's folder as it was listed.
    fn copy(&self, from: &Utf8Path, file: &TreeFile) -> Result<(), FilesError> {
        let to = self.folder.join(&file.relative);
        let copied = copy_plain(from, &to).map_err(FilesError::from).and_then(|_| {
            let now = Stamp::of(&fs_err::metadata(from).map_err(StorageError::of("read", from))?);
            if now == file.stamp { Ok(()) } else { Err(CopyError::Changing { path: from.to_owned() }.into()) }
        });
        if copied.is_err() {
            // A link to an equal content may be possible yet.
            durable::remove(&to).ok();
        }
        copied
    }

    /// Digests a file in the run's folder and replaces it by the equal one of an earlier run, if there is one.
    fn share(&mut self, file: TreeFile) -> Result<(), FilesError> {
        let path = self.folder.join(&file.relative);
        let (sha256, stamp) = digest_file::<Sha256>(&path, &Meter::default())?;
        let kept = KeptFile { bytes: stamp.size, sha256: sha256.to_string(), executable: file.executable };
        let key = kept.key();
        self.files.insert(file.relative.clone(), kept);
        let Some(key) = key else {
            permissions::make_read_only(&path)?;
            self.new_bytes += stamp.size;
            self.written.push(file);
            return Ok(());
        };
        let name = path.file_name().unwrap_or_default();
        let beside = path.with_file_name(format!("{}{name}", durable::TEMP_PREFIX));
        if self.new.get(&key).is_some_and(|same| fs_err::hard_link(same, &beside).is_ok())
            || self.objects.link(&key, &path, &beside)
        {
            return Ok(durable::rename(&beside, &path)?);
        }
        self.is_new(key, stamp.size, file)
    }

    /// A content that no earlier run has lies in the run's folder.
    fn is_new(&mut self, key: Key, bytes: u64, file: TreeFile) -> Result<(), FilesError> {
        let path = self.folder.join(&file.relative);
        permissions::make_read_only(&path)?;
        self.new_bytes += bytes;
        self.new.insert(key, path);
        self.written.push(file);
        Ok(())
    }

    fn write_small(&mut self, from: &Utf8Path, to: &Utf8Path, file: TreeFile) -> Result<(), StorageError> {
        let content = durable::read(from)?;
        fs_err::write(to, &content).map_err(StorageError::of("write", to))?;
        if file.executable {
            permissions::make_executable(to)?;
        }
        permissions::make_read_only(to)?;
        let bytes = content.len() as u64;
        self.new_bytes += bytes;
        let sha256 = digest::hex(&Sha256::digest(&content));
        self.files.insert(file.relative.clone(), KeptFile { bytes, sha256, executable: file.executable });
        self.written.push(file);
        Ok(())
    }
}

/// Removes what was collected in a run's folder, as far as that can be done; but not what is called `spared`.
pub(super) fn take_back(folder: &Utf8Path, spared: Option<&str>) {
    for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let goes = name.to_str().is_none_or(|name| name == FILES || !is_own_name(name));
        if goes && name.to_str() != spared {
            durable::remove_std(&entry.path()).ok();
        }
    }
}

/// A file of the history's own.
fn own_file(name: &str) -> TreeFile {
    let stamp = Stamp { size: 0, modified: 0, changed: 0, inode: 0 };
    TreeFile { relative: name.into(), stamp, executable: false }
}
