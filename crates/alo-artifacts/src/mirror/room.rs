//! Room for a copy: what is no longer in the source goes, and the folders are made, before files arrive.

use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};

use super::there::There;
use crate::durable;
use crate::storage_error::StorageError;

/// What has to be removed and made at the place of a copy.
#[derive(Debug, Default)]
pub(super) struct Room {
    remove: Vec<PathBuf>,
    create: Vec<Utf8PathBuf>,
}

impl Room {
    /// Decides for a copy at `root`: `folders` are those that the source has, and `has_folder` and `has_file` tell whether
    /// it has one of a path. The paths are relative.
    pub(super) fn for_copy<'a>(
        root: &Utf8Path,
        there: &There,
        folders: impl Iterator<Item = &'a Utf8Path>,
        has_folder: impl Fn(&Utf8Path) -> bool,
        has_file: impl Fn(&Utf8Path) -> bool,
    ) -> Self {
        let tree = &there.tree;
        let gone_folders = tree.folders.iter().filter(|folder| !has_folder(folder));
        let gone_files = tree.files.iter().map(|file| &file.relative).filter(|file| !has_file(file));
        let others = tree.others.iter().map(|other| other.relative.as_path());
        let gone = gone_folders.chain(gone_files).map(|gone| gone.as_std_path()).chain(others);
        let gone = gone.map(|gone| root.as_std_path().join(gone));
        let missing = folders.filter(|folder| !tree.has_folder(folder));
        Self {
            remove: there.in_the_way.iter().cloned().chain(gone).collect(),
            create: missing.map(|folder| root.join(folder)).collect(),
        }
    }

    /// Whether anything has to be removed.
    pub(super) fn removes(&self) -> bool {
        !self.remove.is_empty()
    }

    /// Removes what has to go, never through a link, and makes the folders.
    pub(super) fn make(&self) -> Result<(), StorageError> {
        for path in &self.remove {
            durable::remove_std(path)?;
        }
        for folder in &self.create {
            durable::create_dir_all(folder)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_source_has_not_goes_and_what_it_has_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let copy = Utf8Path::from_path(dir.path()).unwrap().join("copy");
        fs_err::create_dir_all(copy.join("old/deep")).unwrap();
        fs_err::create_dir_all(copy.join("kept")).unwrap();
        fs_err::write(copy.join("old/deep/file"), "").unwrap();
        fs_err::write(copy.join("kept/file"), "").unwrap();
        fs_err::write(dir.path().join("precious"), "").unwrap();
        fs_err::os::unix::fs::symlink("../../precious", copy.join("kept/link")).unwrap();
        let there = There::at(&copy, false).unwrap();
        let folders = ["kept", "new/er"].map(Utf8Path::new);
        let room = Room::for_copy(
            &copy,
            &there,
            folders.into_iter(),
            |folder| folders.contains(&folder),
            |file| file == "kept/file",
        );
        assert!(room.removes());
        room.make().unwrap();
        let after = There::at(&copy, false).unwrap().tree;
        assert_eq!(after.folders, ["kept", "new", "new/er"]);
        assert_eq!((after.files.len(), after.others.len()), (1, 0));
        assert!(dir.path().join("precious").exists());
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_makes_room() {
        let dir = tempfile::tempdir().unwrap();
        let copy = Utf8Path::from_path(dir.path()).unwrap().join("copy");
        fs_err::write(&copy, "").unwrap();
        let there = There::at(&copy, false).unwrap();
        assert!(!there.is_copy);
        let room = Room::for_copy(&copy, &there, std::iter::once(Utf8Path::new("")), |_| true, |_| true);
        room.make().unwrap();
        assert!(copy.is_dir());
    }
}
