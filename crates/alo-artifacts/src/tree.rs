//! A listing of a folder: every file below it, sorted, with links and special files treated by a stated rule.
//!
//! All of it is in memory; a [`Walk`] holds no more than the folders it is in.

use camino::{Utf8Path, Utf8PathBuf};

use crate::tree_error::TreeError;
use crate::walk::{Entry, Links, Other, TreeFile, Walk};

/// A listing, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) files: Vec<TreeFile>,
    pub(crate) folders: Vec<Utf8PathBuf>,
    pub(crate) others: Vec<Other>,
}

impl Tree {
    /// Lists a folder, which may itself be reached through a link.
    pub(crate) fn list(root: &Utf8Path, links: Links) -> Result<Self, TreeError> {
        let mut tree = Self::default();
        for entry in Walk::open(root, links)? {
            match entry? {
                Entry::File(file) => tree.files.push(file),
                Entry::Folder(folder) => tree.folders.push(folder),
                Entry::Other(other) => tree.others.push(other),
            }
        }
        tree.folders.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        tree.others.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
        Ok(tree)
    }

    /// Sum of the files' sizes.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.stamp.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use fs_err::os::unix::fs::symlink;

    use super::*;

    fn tree(files: &[&str]) -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").join("root");
        for file in files {
            let path = root.join(file);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
            fs_err::write(path, file).expect("written");
        }
        (dir, root)
    }

    fn names(tree: &Tree) -> Vec<&str> {
        tree.files.iter().map(|file| file.relative.as_str()).collect()
    }

    #[test]
    fn files_are_sorted_and_counted() {
        let (_dir, root) = tree(&["b", "a/2", "a/1", "a-b/x", "가/나"]);
        let listed = Tree::list(&root, Links::Within).expect("listed");
        assert_eq!(names(&listed), ["a-b/x", "a/1", "a/2", "b", "가/나"]);
        assert_eq!(listed.bytes(), 1 + 3 + 3 + 5 + 7);
    }

    #[test]
    fn links_inside_are_followed_and_links_out_refused() {
        let (_dir, root) = tree(&["a/1", "../secret"]);
        symlink("a", root.join("inside")).expect("linked");
        symlink("a/1", root.join("one")).expect("linked");
        let listed = Tree::list(&root, Links::Within).expect("listed");
        assert_eq!(names(&listed), ["a/1", "inside/1", "one"]);
        symlink("../secret", root.join("out")).expect("linked");
        let error = Tree::list(&root, Links::Within).expect_err("it leads out");
        assert!(matches!(error, TreeError::LinkOut { .. }), "{error}");
        assert_eq!(
            names(&Tree::list(&root, Links::Follow).expect("listed")),
            ["a/1", "inside/1", "one", "out"]
        );
        assert_eq!(Tree::list(&root, Links::AsIs).expect("listed").others.len(), 3);
    }

    type Make = fn(&Utf8Path);

    #[test]
    fn loops_broken_links_and_special_files_are_refused_from_others_and_skipped_from_assets() {
        let (_dir, root) = tree(&["a/1"]);
        let cases: [(&str, Make); 3] = [
            ("loop", |path| symlink(".", path).expect("linked")),
            ("broken", |path| symlink("nowhere", path).expect("linked")),
            ("pipe", |path| {
                rustix::fs::mknodat(
                    rustix::fs::CWD,
                    path.as_std_path(),
                    rustix::fs::FileType::Fifo,
                    0o600.into(),
                    0,
                )
                .expect("made");
            }),
        ];
        for (name, make) in cases {
            make(&root.join(name));
            let error = Tree::list(&root, Links::Within).expect_err("refused");
            assert!(error.to_string().contains(name) && error.hint().is_some(), "{error}");
            let listed = Tree::list(&root, Links::Follow).expect("listed");
            assert_eq!((names(&listed), listed.others.len()), (vec!["a/1"], 1));
            fs_err::remove_file(root.join(name)).expect("removed");
        }
    }

    #[test]
    fn names_with_newlines_are_fine_and_other_encodings_are_named() {
        use std::os::unix::ffi::OsStrExt;
        let (_dir, root) = tree(&["a\nb"]);
        assert_eq!(names(&Tree::list(&root, Links::Within).expect("listed")), ["a\nb"]);
        let odd = root.as_std_path().join(std::ffi::OsStr::from_bytes(b"\xb0\xa1"));
        fs_err::write(odd, "").expect("written");
        assert!(matches!(Tree::list(&root, Links::Within), Err(TreeError::Name { .. })));
        assert_eq!(Tree::list(&root, Links::Follow).expect("listed").others.len(), 1);
    }
}
