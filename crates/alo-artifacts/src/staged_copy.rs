//! Artifacts that begin as a copy of those of other steps: several runs continue from the same first steps.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::os::unix::fs::MetadataExt;

use camino::Utf8Path;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::copy::copy_tree;
use crate::layout::ArtifactLayout;
use crate::staging::{StagedArtifacts, StagingError};
use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::walk::{Links, TreeFile};

impl StagedArtifacts {
    /// Copies everything that lies in `other` into these artifacts. Both are the caller's own afterwards: no file is shared.
    ///
    /// Links with absolute paths into `other` lead to the copy; names of one file are names of one file in the copy; times
    /// and permissions are those of what was copied.
    pub fn copy_from(&self, other: &ArtifactLayout) -> Result<(), StagingError> {
        let (from, to) = (other.root(), self.layout().root());
        let tree = Tree::list(from, Links::AsIs)?;
        copy_tree(&tree, from, to)?;
        for link in &tree.others {
            copy_link(from, to, &link.relative)?;
        }
        Ok(make_alike(&tree, from, to)?)
    }
}

/// Copies a link; what is neither a file, a folder nor a link (a socket) is nothing that a later step could use.
fn copy_link(from: &Utf8Path, to: &Utf8Path, relative: &std::path::Path) -> Result<(), StorageError> {
    let Ok(target) = fs_err::read_link(from.as_std_path().join(relative)) else { return Ok(()) };
    let target = match target.strip_prefix(from) {
        Ok(inner) => to.as_std_path().join(inner),
        Err(_) => target,
    };
    let link = to.as_std_path().join(relative);
    fs_err::os::unix::fs::symlink(target, &link).map_err(StorageError::of("write", to))
}

/// Gives a copy what its content does not tell. What has several names is one file again.
fn make_alike(tree: &Tree, from: &Utf8Path, to: &Utf8Path) -> Result<(), StorageError> {
    let mut first = BTreeMap::new();
    for TreeFile { relative, stamp, .. } in &tree.files {
        let path = to.join(relative);
        match first.entry(stamp.inode) {
            Entry::Vacant(place) => {
                place.insert(relative);
                like(&from.join(relative), &path)?;
            }
            Entry::Occupied(place) => {
                fs_err::remove_file(&path).map_err(StorageError::of("write", &path))?;
                fs_err::hard_link(to.join(place.get()), &path).map_err(StorageError::of("write", &path))?;
            }
        }
    }
    // A folder's time is that of its last change: what lies in it comes first.
    tree.folders.iter().rev().try_for_each(|folder| like(&from.join(folder), &to.join(folder)))
}

/// Gives a file or folder the permissions and times of another.
fn like(from: &Utf8Path, to: &Utf8Path) -> Result<(), StorageError> {
    let meta = fs_err::metadata(from).map_err(StorageError::of("read", from))?;
    fs_err::set_permissions(to, meta.permissions()).map_err(StorageError::of("write", to))?;
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let times = Timestamps {
        last_access: time(meta.atime(), meta.atime_nsec()),
        last_modification: time(meta.mtime(), meta.mtime_nsec()),
    };
    utimensat(CWD, to.as_std_path(), &times, AtFlags::empty())
        .map_err(|error| StorageError::new("write", to, error.into()))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use alo_plan::PipelineKind;
    use camino::Utf8PathBuf;

    use super::*;
    use crate::layout::ProjectLayout;
    use crate::run_id::RunId;

    fn two_runs() -> (tempfile::TempDir, StagedArtifacts, StagedArtifacts) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8PathBuf::try_from(dir.path().to_owned()).expect("UTF-8");
        let project = ProjectLayout::new(root);
        let staged = |number| {
            let run = RunId::new(jiff::Timestamp::UNIX_EPOCH, number, "x");
            StagedArtifacts::begin(&project, PipelineKind::Train, &run).expect("staged")
        };
        (dir, staged(1), staged(2))
    }

    #[test]
    fn a_copy_is_whole_and_its_own() {
        let (_dir, one, two) = two_runs();
        let models = one.layout().models();
        fs_err::create_dir_all(models.join("empty")).expect("made");
        fs_err::write(models.join("m"), "one").expect("written");
        fs_err::os::unix::fs::symlink(models.join("m"), models.join("latest")).expect("linked");
        two.copy_from(one.layout()).expect("copied");
        let copied = two.layout().models();
        fs_err::write(copied.join("latest"), "two").expect("written");
        assert_eq!(fs_err::read_to_string(copied.join("m")).expect("read"), "two");
        assert_eq!(fs_err::read_to_string(models.join("m")).expect("read"), "one");
        assert!(copied.join("empty").is_dir());
    }

    #[test]
    fn a_copy_has_the_permissions_times_and_names_of_what_was_copied() {
        let (_dir, one, two) = two_runs();
        let output = one.layout().output();
        fs_err::create_dir_all(output.join("a/b")).expect("made");
        fs_err::write(output.join("a/b/file"), "x").expect("written");
        fs_err::hard_link(output.join("a/b/file"), output.join("a/again")).expect("linked");
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::new(1000, 7);
        for (name, mode) in [("a/b/file", 0o451), ("a/b", 0o700), ("a", 0o751)] {
            let path = output.join(name);
            fs_err::File::open(&path).expect("opened").file().set_modified(long_ago).expect("set");
            fs_err::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
        }
        two.copy_from(one.layout()).expect("copied");
        let copied = two.layout().output();
        for (name, mode) in [("a/b/file", 0o451), ("a/b", 0o700), ("a", 0o751)] {
            let meta = fs_err::metadata(copied.join(name)).expect("there");
            assert_eq!((meta.modified().expect("known"), meta.mode() & 0o777), (long_ago, mode), "{name}");
        }
        let inode = |name: &str| fs_err::metadata(copied.join(name)).expect("there").ino();
        assert_eq!(inode("a/b/file"), inode("a/again"));
        assert_ne!(inode("a/again"), fs_err::metadata(output.join("a/again")).expect("there").ino());
    }
}
