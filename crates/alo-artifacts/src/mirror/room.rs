//! Room for a copy: what is no longer in the source goes, and the folders are made, before files arrive.

use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};

use crate::durable;
use crate::path_list::PathList;
use crate::storage_error::StorageError;

/// What has to be removed and made at the place of a copy.
pub(super) struct Room {
    root: Utf8PathBuf,
    remove: PathList,
    create: PathList,
}

impl Room {
    /// For a copy at `root`, of which nothing is known yet; long lists are kept in `state` meanwhile.
    pub(super) fn new(root: &Utf8Path, state: &Utf8Path) -> Self {
        Self { root: root.to_owned(), remove: PathList::new(state), create: PathList::new(state) }
    }

    /// That is to be removed, a path below the root or an absolute one. Of a folder all that is in it goes, too.
    pub(super) fn remove(&mut self, path: &Path) -> Result<(), StorageError> {
        self.remove.push(&self.root.as_std_path().join(path))
    }

    /// That folder below the root is to be made, and those that it lies in.
    pub(super) fn create(&mut self, folder: &Utf8Path) -> Result<(), StorageError> {
        self.create.push(self.root.join(folder).as_std_path())
    }

    /// Whether nothing has to be removed or made.
    pub(super) fn is_there(&self) -> bool {
        self.remove.is_empty() && self.create.is_empty()
    }

    /// Removes what has to go, never through a link, and makes the folders.
    pub(super) fn make(&mut self) -> Result<(), StorageError> {
        self.remove.take(durable::remove_std)?;
        self.create.take(|path| Utf8Path::from_path(path).map_or(Ok(()), durable::create_dir_all))
    }
}

#[cfg(test)]
mod tests {
    use super::super::beside;
    use super::super::side::Side;
    use super::*;
    use crate::tree::Tree;
    use crate::walk::Links;
    use crate::walk::Walk;

    #[test]
    fn what_the_source_has_not_goes_and_what_it_has_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let place = Utf8Path::from_path(dir.path()).unwrap();
        let (source, copy) = (place.join("source"), place.join("copy"));
        for folder in ["copy/old/deep", "copy/kept", "copy/was-folder", "source/kept", "source/new/er"] {
            fs_err::create_dir_all(place.join(folder)).unwrap();
        }
        for file in ["copy/old/deep/file", "copy/kept/file", "copy/was-folder/x", "precious", "copy/was-file"]
        {
            fs_err::write(place.join(file), "").unwrap();
        }
        for file in ["source/kept/file", "source/was-folder", "source/kept/link"] {
            fs_err::write(place.join(file), "").unwrap();
        }
        fs_err::create_dir(source.join("was-file")).unwrap();
        fs_err::os::unix::fs::symlink("../../precious", copy.join("kept/link")).unwrap();
        let mut room = Room::new(&copy, place);
        let mut files = Vec::new();
        beside::walk(
            &mut Side::new(Walk::open(&source, Links::Within).unwrap()).unwrap(),
            &mut Side::new(Walk::open(&copy, Links::AsIs).unwrap()).unwrap(),
            &mut room,
            &mut |file, copy| {
                files.push((file.relative.to_string(), copy.is_some()));
                Ok(())
            },
        )
        .unwrap();
        let expected = [("kept/file", true), ("kept/link", false), ("was-folder", false)];
        assert_eq!(files, expected.map(|(name, there)| (name.to_owned(), there)));
        assert!(!room.is_there());
        room.make().unwrap();
        assert!(room.is_there());
        let after = Tree::list(&copy, Links::AsIs).unwrap();
        assert_eq!(after.folders, ["kept", "new", "new/er", "was-file"]);
        assert_eq!((after.files.len(), after.others.len()), (1, 0));
        assert!(place.join("precious").exists());
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_makes_room() {
        let dir = tempfile::tempdir().unwrap();
        let copy = Utf8Path::from_path(dir.path()).unwrap().join("copy");
        fs_err::write(&copy, "").unwrap();
        let mut room = Room::new(&copy, &copy.with_file_name("state"));
        room.remove(copy.as_std_path()).unwrap();
        room.create(Utf8Path::new("")).unwrap();
        room.make().unwrap();
        assert!(copy.is_dir());
    }
}
