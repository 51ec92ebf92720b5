//! What a finished run leaves on its way into the history: collected in the run's folder, then digested, shared and
//! flushed.
//!
//! Collecting needs the artifacts, settling only the run's folder: it can go on while something else uses them.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::data_list::DATA;
use super::file_list::{FILES, FileList, KeptFile};
use super::keep::{Keep, LOGS, is_own_name};
use super::objects::{Key, Objects, SMALL};
use crate::copy::{CopyError, Meter, copy_plain, digest_file};
use crate::digest;
use crate::durable;
use crate::files_error::FilesError;
use crate::layout::ProjectLayout;
use crate::permissions;
use crate::stamp::Stamp;
use crate::storage_error::StorageError;
use crate::unflushed::Unflushed;
use crate::value_list::ValueList;
use crate::walk::{Entry, Links, Other, TreeFile, Walk};

/// When a file is digested, which tells whether an earlier run has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digests {
    /// Before it is collected: what an earlier run has is linked and never copied.
    First,
    /// When it is settled: so many bytes are copied at once, and the copies give way to links where an earlier run has
    /// them. Only what memory takes easily, so that a copy without need does not come to the disk.
    Later(u64),
}

/// A file in a run's folder.
#[derive(Debug, Serialize, Deserialize)]
enum CollectedFile {
    /// Digested, and shared if it can be.
    Kept(Utf8PathBuf, KeptFile),
    /// Neither yet.
    Copied(TreeFile),
}

/// Artifacts and logs in a run's folder, not flushed yet.
#[derive(Debug)]
pub(super) struct Collected {
    objects: Objects,
    folder: Utf8PathBuf,
    /// Where long lists are kept.
    state: Utf8PathBuf,
    /// What could not be collected, in words.
    pub(super) left_out: Vec<String>,
    files: ValueList<CollectedFile>,
    /// Files that are there and have to be flushed.
    written: Unflushed,
    /// Whether the run has left a folder.
    has_folders: bool,
    /// Contents that this run was the first to have, and where they lie below its folder.
    new: HashMap<Key, Box<Utf8Path>>,
    new_bytes: u64,
}

impl Collected {
    /// Nothing yet.
    fn new(project: &ProjectLayout, folder: &Utf8Path) -> Self {
        let state = project.state();
        Self {
            objects: Objects::new(project),
            folder: folder.to_owned(),
            left_out: Vec::new(),
            files: ValueList::new(&state),
            state,
            written: Unflushed::default(),
            has_folders: false,
            new: HashMap::new(),
            new_bytes: 0,
        }
    }

    /// Puts artifacts and logs into a run's folder: small files are written, large ones that an earlier run has are
    /// linked, others copied.
    pub(super) fn collect(
        project: &ProjectLayout,
        folder: &Utf8Path,
        keep: &Keep<'_>,
        digests: Digests,
    ) -> Result<Self, FilesError> {
        let mut collected = Self::new(project, folder);
        let mut room = if let Digests::Later(bytes) = digests { bytes } else { 0 };
        // Written when the run began; runs on the same data share it.
        if folder.join(DATA).is_file() {
            collected.files.push(&CollectedFile::Copied(own_file(DATA)))?;
        }
        for entry in keep.entries()? {
            let file = match entry? {
                Entry::File(file) => file,
                Entry::Folder(inner) => {
                    durable::create_dir_all(&folder.join(inner))?;
                    collected.has_folders = true;
                    continue;
                }
                Entry::Other(Other { relative, what }) => {
                    let told = format!("`{}` is {what} and not kept in the history", relative.display());
                    collected.left_out.push(told);
                    continue;
                }
            };
            let from = keep.root().map(|root| root.join(&file.relative)).unwrap_or_default();
            let is_later = (SMALL..=room).contains(&file.stamp.size) && collected.copy(&from, &file).is_ok();
            if is_later {
                room -= file.stamp.size;
                collected.files.push(&CollectedFile::Copied(file))?;
            } else {
                let path = file.relative.clone();
                let kept = collected.take(&from, file)?;
                collected.files.push(&CollectedFile::Kept(path, kept))?;
            }
        }
        collected.left_out.sort_unstable();
        Ok(collected)
    }

    /// What of the logs lies in a run's folder already.
    pub(super) fn logs(project: &ProjectLayout, folder: &Utf8Path) -> Result<Self, FilesError> {
        let mut logs = Self::new(project, folder);
        for entry in Walk::open(folder, Links::AsIs)? {
            if let Entry::File(file) = entry?
                && (file.relative.starts_with(LOGS) || file.relative == DATA)
            {
                logs.files.push(&CollectedFile::Copied(file))?;
            }
        }
        logs.has_folders = folder.join(LOGS).is_dir();
        Ok(logs)
    }

    /// Digests what is not digested yet and gives way to equal contents of earlier runs; writes the list; flushes all; and
    /// only then shares the new contents with the runs to come. Gives the bytes that no other run has.
    pub(super) fn settle(mut self) -> Result<u64, FilesError> {
        if self.files.is_empty() && !self.has_folders {
            return Ok(0);
        }
        let mut kept = ValueList::new(&self.state);
        for file in self.files.take().values()? {
            kept.push(&match file? {
                CollectedFile::Kept(path, file) => (path, file),
                CollectedFile::Copied(file) => (file.relative.clone(), self.share(file)?),
            })?;
        }
        let new_bytes = self.new_bytes + FileList::write(&self.folder, kept.values()?)?;
        self.written.add(FILES.into());
        self.written.flush(&self.folder)?;
        for (key, file) in &self.new {
            self.objects.publish(key, &self.folder.join(file));
        }
        Ok(new_bytes)
    }

    /// Puts a file into the run's folder whose content may be that of an earlier run.
    fn take(&mut self, from: &Utf8Path, file: TreeFile) -> Result<KeptFile, FilesError> {
        let to = self.folder.join(&file.relative);
        if file.stamp.size < SMALL {
            return Ok(self.write_small(from, &to, &file)?);
        }
        let (sha256, stamp) = digest_file::<Sha256>(from, &Meter::default())?;
        let kept = KeptFile { bytes: stamp.size, sha256: sha256.to_string(), executable: file.executable };
        let Some(key) = kept.key() else {
            // It has shrunk since it was listed.
            return Ok(self.write_small(from, &to, &file)?);
        };
        if self.links_to_new(&key, &to) || self.objects.link(&key, from, &to) {
            return Ok(kept);
        }
        self.copy(from, &TreeFile { stamp, ..file.clone() })?;
        self.is_new(key, stamp.size, file)?;
        Ok(kept)
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
    fn share(&mut self, file: TreeFile) -> Result<KeptFile, FilesError> {
        let path = self.folder.join(&file.relative);
        let (sha256, stamp) = digest_file::<Sha256>(&path, &Meter::default())?;
        let kept = KeptFile { bytes: stamp.size, sha256: sha256.to_string(), executable: file.executable };
        let Some(key) = kept.key() else {
            permissions::make_read_only(&path)?;
            self.new_bytes += stamp.size;
            self.written.add(&file.relative);
            return Ok(kept);
        };
        let name = path.file_name().unwrap_or_default();
        let beside = path.with_file_name(format!("{}{name}", durable::TEMP_PREFIX));
        if self.links_to_new(&key, &beside) || self.objects.link(&key, &path, &beside) {
            durable::rename(&beside, &path)?;
        } else {
            self.is_new(key, stamp.size, file)?;
        }
        Ok(kept)
    }

    /// Makes a path a name of an equal content that this run was the first to have, if there is one.
    fn links_to_new(&self, key: &Key, path: &Utf8Path) -> bool {
        let same = self.new.get(key);
        same.is_some_and(|same| fs_err::hard_link(self.folder.join(same), path).is_ok())
    }

    /// A content that no earlier run has lies in the run's folder.
    fn is_new(&mut self, key: Key, bytes: u64, file: TreeFile) -> Result<(), FilesError> {
        let path = self.folder.join(&file.relative);
        permissions::make_read_only(&path)?;
        self.new_bytes += bytes;
        self.written.add(&file.relative);
        self.new.insert(key, file.relative.into_boxed_path());
        Ok(())
    }

    fn write_small(
        &mut self,
        from: &Utf8Path,
        to: &Utf8Path,
        file: &TreeFile,
    ) -> Result<KeptFile, StorageError> {
        let content = durable::read(from)?;
        fs_err::write(to, &content).map_err(StorageError::of("write", to))?;
        if file.executable {
            permissions::make_executable(to)?;
        }
        permissions::make_read_only(to)?;
        let bytes = content.len() as u64;
        self.new_bytes += bytes;
        let sha256 = digest::hex(&Sha256::digest(&content));
        self.written.add(&file.relative);
        Ok(KeptFile { bytes, sha256, executable: file.executable })
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
    TreeFile { relative: name.into(), stamp, executable: false, mode: 0o644 }
}
