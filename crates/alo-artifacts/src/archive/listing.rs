//! What lies in a folder that is packed: listed before the archive is begun, held in memory only while it is little.

use camino::Utf8Path;

use super::empty_folders::EmptyFolders;
use crate::tree_error::TreeError;
use crate::value_list::ValueList;
use crate::walk::{Entry, Links, Other, TreeFile, Walk};

/// The members of an archive to be.
pub(super) struct Listing {
    /// Sorted by path as text.
    pub(super) files: ValueList<TreeFile>,
    /// How many files.
    pub(super) count: u64,
    pub(super) empty_folders: EmptyFolders,
    /// What has no content, sorted by path. The folder of nothing else counts as empty.
    pub(super) others: Vec<Other>,
}

impl Listing {
    /// Lists a folder; a long list is kept in the folder `beside`.
    pub(super) fn of(folder: &Utf8Path, beside: &Utf8Path) -> Result<Self, TreeError> {
        let mut listing = Self {
            files: ValueList::new(beside),
            count: 0,
            empty_folders: EmptyFolders::new(beside),
            others: Vec::new(),
        };
        for entry in Walk::open(folder, Links::Follow)? {
            match entry? {
                Entry::File(file) => {
                    listing.empty_folders.passed(&file.relative)?;
                    listing.files.push(&file)?;
                    listing.count += 1;
                }
                Entry::Folder(folder) => listing.empty_folders.folder(folder)?,
                Entry::Other(other) => listing.others.push(other),
            }
        }
        listing.empty_folders.complete()?;
        listing.others.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
        Ok(listing)
    }
}

#[cfg(test)]
mod tests {
    use fs_err::os::unix::fs::symlink;

    use super::*;

    /// Lists these files, folders (with a `/` behind) and links to nothing (with a `!`): files, empty folders, others.
    fn listing(paths: &[&str]) -> (Vec<String>, Vec<String>, usize) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").join("root");
        fs_err::create_dir_all(&root).expect("created");
        for path in paths {
            let at = root.join(path.trim_end_matches(['/', '!']));
            let folder = if path.ends_with('/') { &at } else { at.parent().expect("a parent") };
            fs_err::create_dir_all(folder).expect("created");
            match path.chars().last() {
                Some('/') => {}
                Some('!') => symlink("nowhere", &at).expect("linked"),
                _ => fs_err::write(at, "").expect("written"),
            }
        }
        let mut listing =
            Listing::of(&root, Utf8Path::from_path(dir.path()).expect("UTF-8")).expect("listed");
        let files = listing.files.values().expect("read");
        let files: Vec<_> = files.map(|file| file.expect("read").relative.into_string()).collect();
        assert_eq!(listing.count, files.len() as u64);
        let folders = listing.empty_folders.paths().expect("read");
        let folders = folders.map(|folder| folder.expect("read").into_string()).collect();
        (files, folders, listing.others.len())
    }

    #[test]
    fn folders_without_anything_are_listed_in_the_order_of_their_text() {
        let (files, folders, _) = listing(&["a/1", "a-b/x", "a/empty/", "b/", "a/deep/er/", "z/y"]);
        assert_eq!(files, ["a-b/x", "a/1", "z/y"]);
        assert_eq!(folders, ["a/deep/er", "a/empty", "b"]);
        // A walk comes by `a-b` first.
        let (_, folders, _) = listing(&["a/", "a-b/", "a.c/", "a!b/x", "a0/", "b/c/", "b-/", "b/c-d/"]);
        assert_eq!(folders, ["a", "a-b", "a.c", "a0", "b-", "b/c", "b/c-d"]);
        let (_, folders, _) = listing(&["a/x", "ab/"]);
        assert_eq!(folders, ["ab"]);
        assert_eq!(listing(&[]), (Vec::new(), Vec::new(), 0));
    }

    #[test]
    fn what_has_no_content_fills_no_folder() {
        let (files, folders, others) = listing(&["a/x!", "b/x!", "b/y", "c/1!", "c/sub/", "c/z!", "d!"]);
        assert_eq!((files.as_slice(), others), (["b/y".to_owned()].as_slice(), 5));
        assert_eq!(folders, ["a", "c/sub"]);
    }

    #[test]
    fn as_many_as_there_are() {
        let names: Vec<String> = (0..2000).flat_map(|at| [format!("{at}/"), format!("{at}-/")]).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (_, folders, _) = listing(&names);
        let mut sorted: Vec<_> = names.iter().map(|name| name.trim_end_matches('/')).collect();
        sorted.sort_unstable();
        assert_eq!(folders, sorted);
    }
}
