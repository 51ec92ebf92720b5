//! What of a finished run goes into the history: copied once, shared with the runs that kept the same.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use super::data_list::DATA;
use super::file_list::{FILES, FileList, KeptFile};
use super::objects::{Key, Objects, SMALL};
use super::record::FILE;
use super::run_folder::{LOCK, PINNED};
use crate::copy::{CopyError, Meter, copy_plain, digest_file};
use crate::digest;
use crate::durable;
use crate::files_error::FilesError;
use crate::layout::ArtifactLayout;
use crate::permissions;
use crate::storage_error::StorageError;
use crate::tree::{Links, Stamp, Tree, TreeError, TreeFile};

/// What of a finished run goes into the history.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep<'a> {
    /// Where artifacts and logs lie: staged or current.
    pub layout: Option<&'a ArtifactLayout>,
    /// Keep all but the logs: models, output, extra output, report, score.
    pub artifacts: bool,
    /// Keep the logs.
    pub logs: bool,
}

impl Keep<'_> {
    /// Only the record.
    pub fn nothing() -> Self {
        Self::default()
    }

    fn wants(&self, path: &Utf8Path) -> bool {
        if path.starts_with("log") { self.logs } else { self.artifacts }
    }
}

/// What was kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What had to be left out, in words.
    pub(super) left_out: Vec<String>,
    /// Bytes that no other run has.
    pub(super) new_bytes: u64,
}

/// Puts artifacts and logs into a run's folder, with the list of them, and flushes what is new.
///
/// In this order: equal contents of earlier runs are linked, others copied; the list is written; all is flushed; only
/// then the new contents are shared with the runs to come.
pub(super) fn keep(objects: &Objects, folder: &Utf8Path, keep: &Keep<'_>) -> Result<Kept, FilesError> {
    let root = keep.layout.map(ArtifactLayout::root).filter(|root| root.is_dir());
    let tree = root.map(|root| wanted(root, keep)).transpose()?.unwrap_or_default();
    for inner in &tree.folders {
        durable::create_dir_all(&folder.join(inner))?;
    }
    let mut keeper = Keeper { objects, folder, new: BTreeMap::new(), new_bytes: 0 };
    let (mut files, mut written) = (BTreeMap::new(), Vec::new());
    if keeper.share_data(&mut files)? {
        written.push(own_file(DATA));
    }
    for file in tree.files {
        let from = root.map(|root| root.join(&file.relative)).unwrap_or_default();
        let (kept, is_new) = keeper.take(&from, &file)?;
        files.insert(file.relative.clone(), kept);
        if is_new {
            written.push(file);
        }
    }
    if files.is_empty() && tree.folders.is_empty() {
        return Ok(Kept::default());
    }
    let new_bytes = keeper.new_bytes + FileList::new(files).write(folder)?;
    written.push(own_file(FILES));
    durable::sync_tree(folder, &Tree { files: written, ..Tree::default() })?;
    for (key, path) in &keeper.new {
        objects.publish(key, path);
    }
    let left_out = tree
        .others
        .iter()
        .map(|other| format!("`{}` is {} and not kept in the history", other.relative.display(), other.what));
    Ok(Kept { left_out: left_out.collect(), new_bytes })
}

/// Removes what [`keep`] has put into a run's folder, as far as that can be done.
pub(super) fn take_back(folder: &Utf8Path) {
    for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_none_or(|name| name == FILES || !is_own_name(name)) {
            durable::remove_std(&entry.path()).ok();
        }
    }
}

/// What lies in the artifacts and is to be kept.
fn wanted(root: &Utf8Path, keep: &Keep<'_>) -> Result<Tree, TreeError> {
    let mut tree = Tree::list(root, Links::Follow)?;
    tree.files.retain(|file| keep.wants(&file.relative) && !is_own_name(file.relative.as_str()));
    tree.folders.retain(|folder| keep.wants(folder));
    tree.others.retain(|other| Utf8Path::from_path(&other.relative).is_none_or(|path| keep.wants(path)));
    Ok(tree)
}

/// A file of the history's own, to be flushed with the others.
fn own_file(name: &str) -> TreeFile {
    let stamp = Stamp { size: 0, modified: 0, changed: 0, inode: 0 };
    TreeFile { relative: name.into(), stamp, executable: false }
}

/// Puts files into a run's folder.
struct Keeper<'a> {
    objects: &'a Objects,
    folder: &'a Utf8Path,
    /// Contents that this run was the first to have, and where they lie.
    new: BTreeMap<Key, Utf8PathBuf>,
    new_bytes: u64,
}

impl Keeper<'_> {
    /// Puts a file into the run's folder; whether its content was written anew.
    fn take(&mut self, from: &Utf8Path, file: &TreeFile) -> Result<(KeptFile, bool), FilesError> {
        let to = self.folder.join(&file.relative);
        if file.stamp.size < SMALL {
            let kept = self.write_small(from, &to, file.executable)?;
            return Ok((kept, true));
        }
        let (sha256, stamp) = digest_file::<Sha256>(from, &Meter::default())?;
        let kept = KeptFile { bytes: stamp.size, sha256: sha256.to_string(), executable: file.executable };
        let Some(key) = kept.key() else {
            // It has shrunk since it was listed.
            return Ok((self.write_small(from, &to, file.executable)?, true));
        };
        if let Some(same) = self.new.get(&key)
            && fs_err::hard_link(same, &to).is_ok()
        {
            return Ok((kept, false));
        }
        if self.objects.link(&key, from, &to) {
            return Ok((kept, false));
        }
        copy_plain(from, &to)?;
        if Stamp::of(&fs_err::metadata(from).map_err(StorageError::of("read", from))?) != stamp {
            return Err(CopyError::Changing { path: from.to_owned() }.into());
        }
        // Several runs may share it.
        permissions::make_read_only(&to)?;
        self.new_bytes += kept.bytes;
        self.new.insert(key, to);
        Ok((kept, true))
    }

    /// The list of the data is in the folder already; runs on the same data share it. Whether it is there and new.
    fn share_data(&mut self, files: &mut BTreeMap<Utf8PathBuf, KeptFile>) -> Result<bool, FilesError> {
        let path = self.folder.join(DATA);
        if !path.is_file() {
            return Ok(false);
        }
        let (sha256, stamp) = digest_file::<Sha256>(&path, &Meter::default())?;
        let kept = KeptFile { bytes: stamp.size, sha256: sha256.to_string(), executable: false };
        let key = kept.key();
        files.insert(DATA.into(), kept);
        let beside = self.folder.join(format!("{}{DATA}", durable::TEMP_PREFIX));
        if let Some(key) = &key
            && self.objects.link(key, &path, &beside)
        {
            durable::rename(&beside, &path)?;
            return Ok(false);
        }
        permissions::make_read_only(&path)?;
        self.new_bytes += stamp.size;
        self.new.extend(key.map(|key| (key, path)));
        Ok(true)
    }

    fn write_small(
        &mut self,
        from: &Utf8Path,
        to: &Utf8Path,
        executable: bool,
    ) -> Result<KeptFile, StorageError> {
        let content = durable::read(from)?;
        fs_err::write(to, &content).map_err(StorageError::of("write", to))?;
        if executable {
            permissions::make_executable(to)?;
        }
        permissions::make_read_only(to)?;
        let bytes = content.len() as u64;
        self.new_bytes += bytes;
        Ok(KeptFile { bytes, sha256: digest::hex(&Sha256::digest(&content)), executable })
    }
}

/// Whether a name at the top of a run's folder is the history's own.
pub(super) fn is_own_name(name: &str) -> bool {
    [FILE, FILES, LOCK, PINNED, DATA, "experimental_plan.yaml", "alo.lock"].contains(&name)
}
