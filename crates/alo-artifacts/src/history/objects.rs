//! Contents that runs share: `history/.objects/<2 digits>/<SHA-256>`, of which the files of runs are hard links.
//!
//! An object is nothing but another name of a file that some run has kept and flushed, so a power failure never leaves
//! an object that is not whole, and a history without `.objects` is complete. It is read-only and never shares its
//! blocks' inode with a folder that anybody writes to. Where hard links are not possible every run has its own copy.

use std::io::Read;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};

use super::run_folder::names_in;
use crate::digest::{CHUNK, ContentDigest};
use crate::durable;
use crate::layout::ProjectLayout;
use crate::storage_error::StorageError;

/// Files below this size are not shared: a block of the disk is the least that a file takes.
pub(super) const SMALL: u64 = 4096;

/// What a file is shared by: its content and whether it can be executed, which is a property of the one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) digest: ContentDigest,
    pub(super) executable: bool,
}

impl Key {
    fn name(&self) -> String {
        if self.executable { format!("{}-x", self.digest) } else { self.digest.to_string() }
    }
}

/// The shared contents of a history.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    root: Utf8PathBuf,
}

impl Objects {
    pub(super) fn new(layout: &ProjectLayout) -> Self {
        Self { root: layout.objects() }
    }

    fn path(&self, key: &Key) -> Utf8PathBuf {
        let name = key.name();
        self.root.join(name.get(..2).unwrap_or_default()).join(name)
    }

    /// Makes `to` a name of the object with the content of `from`, if there is one. The contents are compared: an object
    /// that somebody has damaged is not given to another run.
    pub(super) fn link(&self, key: &Key, from: &Utf8Path, to: &Utf8Path) -> bool {
        let object = self.path(key);
        is_plain_file(&object) && same_content(&object, from) && fs_err::hard_link(&object, to).is_ok()
    }

    /// Shares a file of a run, which must be flushed, with the runs to come; an object that could not be linked to gives
    /// way. A failure only means that the content is stored again the next time.
    pub(super) fn publish(&self, key: &Key, file: &Utf8Path) {
        let object = self.path(key);
        if durable::create_dir_all(durable::parent(&object)).is_err() {
            return;
        }
        match fs_err::hard_link(file, &object) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let beside = object.with_file_name(format!("{}{}", durable::TEMP_PREFIX, key.name()));
                durable::remove(&beside).ok();
                if fs_err::hard_link(file, &beside).is_ok() && fs_err::rename(&beside, &object).is_err() {
                    durable::remove(&beside).ok();
                }
            }
            _ => {}
        }
    }

    /// Which file an object is.
    pub(super) fn inode(&self, key: &Key) -> Option<u64> {
        fs_err::symlink_metadata(self.path(key)).ok().map(|meta| meta.ino())
    }

    /// Removes the object of a run's file that is about to go, unless another run has it, too.
    pub(super) fn release(&self, key: &Key, file: &Utf8Path) -> Result<(), StorageError> {
        let object = self.path(key);
        let (Ok(kept), Ok(meta)) = (fs_err::symlink_metadata(file), fs_err::symlink_metadata(&object)) else {
            return Ok(());
        };
        let is_last = meta.nlink() <= 2 && (kept.dev(), kept.ino()) == (meta.dev(), meta.ino());
        if is_last { durable::remove(&object) } else { Ok(()) }
    }

    /// Removes what no run has any longer, after a kill or when runs were removed by hand.
    pub(super) fn sweep(&self) -> Result<(), StorageError> {
        for folder in names_in(&self.root)?.into_iter().filter(|name| name.len() == 2) {
            let folder = self.root.join(folder);
            let entries = fs_err::read_dir(&folder).map_err(StorageError::of("list", &folder))?;
            for entry in entries {
                let entry = entry.map_err(StorageError::of("list", &folder))?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = folder.join(&name);
                let unused =
                    || fs_err::symlink_metadata(&path).is_ok_and(|meta| meta.is_file() && meta.nlink() == 1);
                if name.starts_with(durable::TEMP_PREFIX) || (is_object_name(&name) && unused()) {
                    durable::remove(&path)?;
                }
            }
        }
        Ok(())
    }
}

fn is_object_name(name: &str) -> bool {
    let digest = name.strip_suffix("-x").unwrap_or(name);
    digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_plain_file(path: &Utf8Path) -> bool {
    fs_err::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// Whether two files hold the same bytes; one that cannot be read does not.
fn same_content(one: &Utf8Path, other: &Utf8Path) -> bool {
    let (Ok(mut one), Ok(mut other)) = (fs_err::File::open(one), fs_err::File::open(other)) else {
        return false;
    };
    let sizes = [&one, &other].map(|file| file.metadata().map(|meta| meta.len()).ok());
    let Some(size) = sizes[0].filter(|_| sizes[0] == sizes[1]) else { return false };
    let chunk = usize::try_from(size).map_or(CHUNK, |size| size.clamp(1, CHUNK));
    let (mut left, mut right) = (vec![0; chunk], vec![0; chunk]);
    let mut rest = size;
    while rest > 0 {
        let count = usize::try_from(rest).map_or(chunk, |rest| rest.min(chunk));
        let read = one.read_exact(&mut left[..count]).and_then(|()| other.read_exact(&mut right[..count]));
        if read.is_err() || left[..count] != right[..count] {
            return false;
        }
        rest -= count as u64;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn history() -> (tempfile::TempDir, Utf8PathBuf, Objects) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        let objects = Objects::new(&ProjectLayout::new(root.clone()));
        (dir, root, objects)
    }

    fn key() -> Key {
        Key { digest: ContentDigest([0xab; 32]), executable: false }
    }

    fn links(path: &Utf8Path) -> u64 {
        fs_err::metadata(path).expect("there").nlink()
    }

    #[test]
    fn runs_share_a_content_until_the_last_one_goes() {
        let (_dir, root, objects) = history();
        for name in ["source", "one"] {
            fs_err::write(root.join(name), "content").expect("written");
        }
        assert!(!objects.link(&key(), &root.join("source"), &root.join("two")));
        objects.publish(&key(), &root.join("one"));
        assert!(objects.link(&key(), &root.join("source"), &root.join("two")));
        assert_eq!((links(&root.join("one")), links(&root.join("source"))), (3, 1));
        objects.release(&key(), &root.join("two")).expect("released");
        fs_err::remove_file(root.join("two")).expect("removed");
        assert!(objects.path(&key()).exists());
        objects.release(&key(), &root.join("one")).expect("released");
        assert!(!objects.path(&key()).exists());
        assert!(Objects::new(&ProjectLayout::new(root)).sweep().is_ok());
    }

    #[test]
    fn a_damaged_object_is_given_to_nobody_and_gives_way() {
        let (_dir, root, objects) = history();
        for (name, content) in [("source", "content"), ("one", "content"), ("two", "content")] {
            fs_err::write(root.join(name), content).expect("written");
        }
        objects.publish(&key(), &root.join("one"));
        fs_err::write(root.join("one"), "damaged").expect("written");
        assert!(!objects.link(&key(), &root.join("source"), &root.join("three")));
        objects.publish(&key(), &root.join("two"));
        assert!(objects.link(&key(), &root.join("source"), &root.join("three")));
        assert_eq!(fs_err::read_to_string(root.join("three")).expect("read"), "content");
        assert_eq!(links(&root.join("one")), 1);
        // The file of one run is released without taking the object of another one.
        objects.release(&key(), &root.join("one")).expect("released");
        assert!(objects.path(&key()).exists());
    }

    #[test]
    fn a_sweep_removes_what_no_run_has_and_nothing_foreign() {
        let (_dir, root, objects) = history();
        fs_err::write(root.join("one"), "content").expect("written");
        objects.publish(&key(), &root.join("one"));
        let folder = durable::parent(&objects.path(&key())).to_owned();
        fs_err::write(folder.join("note"), "mine").expect("written");
        objects.sweep().expect("swept");
        assert!(objects.path(&key()).exists());
        fs_err::set_permissions(root.join("one"), std::fs::Permissions::from_mode(0o444)).expect("set");
        fs_err::remove_file(root.join("one")).expect("removed");
        objects.sweep().expect("swept");
        assert!(!objects.path(&key()).exists() && folder.join("note").exists());
    }
}
