//! A listing of a folder: every file below it, sorted, with links and special files treated by a stated rule.
//!
//! All of it is in memory; a [`Walk`] holds no more than the folders it is in.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FileType, Stat};

use crate::storage_error::StorageError;
use crate::walk::{Entry, Walk};

/// What a listing does with symbolic links, special files and names that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// Links are followed inside the folder; a link out of it, a broken one, or anything special is an error.
    /// For data and models that others give us.
    Within,
    /// Links are followed anywhere; what has no content (broken links, sockets, …) goes to [`Tree::others`].
    /// For what an asset left.
    Follow,
    /// Links are not followed but go to [`Tree::others`]. For folders in which we delete.
    AsIs,
}

/// A file in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeFile {
    pub(crate) relative: Utf8PathBuf,
    pub(crate) stamp: Stamp,
    /// Whether its owner may execute it.
    pub(crate) executable: bool,
}

/// What tells, without reading it, whether a file has changed. Times are nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) changed: i64,
    pub(crate) inode: u64,
}

impl Stamp {
    pub(crate) fn of(meta: &Metadata) -> Self {
        Self {
            size: meta.len(),
            modified: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            changed: nanoseconds(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
        }
    }

    pub(crate) fn of_stat(stat: &Stat) -> Self {
        // The types of these differ from system to system.
        let at =
            |seconds: i128, nanos: i128| i64::try_from(seconds * 1_000_000_000 + nanos).unwrap_or(i64::MAX);
        Self {
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified: at(stat.st_mtime.into(), stat.st_mtime_nsec.into()),
            changed: at(stat.st_ctime.into(), stat.st_ctime_nsec.into()),
            inode: stat.st_ino,
        }
    }
}

fn nanoseconds(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// What a copy is recognised by. The time of its last change of status is left out: a backup tool may touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopyStamp {
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) inode: u64,
}

impl From<Stamp> for CopyStamp {
    fn from(stamp: Stamp) -> Self {
        Self { size: stamp.size, modified: stamp.modified, inode: stamp.inode }
    }
}

/// Something that is neither a file nor a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) relative: PathBuf,
    pub(crate) what: &'static str,
}

/// A listing, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) files: Vec<TreeFile>,
    pub(crate) folders: Vec<Utf8PathBuf>,
    pub(crate) others: Vec<Other>,
}

/// A folder that cannot be taken as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// Something could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A link leads out of the folder.
    #[error("the link `{path}` leads out of its folder, to `{target}`")]
    LinkOut {
        /// The link.
        path: Utf8PathBuf,
        /// Where it leads.
        target: String,
    },
    /// A link leads nowhere.
    #[error("the link `{path}` leads nowhere")]
    LinkBroken {
        /// The link.
        path: Utf8PathBuf,
    },
    /// A link leads back to a folder it lies in.
    #[error("the link `{path}` leads back to a folder that contains it")]
    LinkLoop {
        /// The link.
        path: Utf8PathBuf,
    },
    /// A device, socket or pipe.
    #[error("`{path}` is {what}, not a file")]
    Special {
        /// The thing.
        path: Utf8PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A name that is not UTF-8.
    #[error("the name of `{path}` is not UTF-8")]
    Name {
        /// The path, with the odd bytes replaced.
        path: String,
    },
    /// Nested too deep, or too many entries.
    #[error("`{path}` is nested too deep or holds too many files")]
    TooBig {
        /// Where the limit was reached.
        path: Utf8PathBuf,
    },
}

impl TreeError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::LinkOut { path, target } => {
                Some(format!("replace `{path}` by a copy, or name `{target}` itself in the plan"))
            }
            Self::LinkBroken { path } | Self::LinkLoop { path } | Self::Special { path, .. } => {
                Some(format!("remove `{path}` from the folder"))
            }
            Self::Name { .. } => Some("rename it; `convmv -f cp949 -t utf8` converts Korean names".into()),
            Self::TooBig { .. } => None,
        }
    }
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

    /// The folders in which nothing lies: no file names them.
    pub(crate) fn empty_folders(&self) -> impl Iterator<Item = &Utf8PathBuf> {
        let inner = |folder: &Utf8Path, path: &Utf8Path| path != folder && path.starts_with(folder);
        self.folders.iter().enumerate().filter_map(move |(at, folder)| {
            // Sorted by text: what lies in a folder need not follow it directly (`a`, `a-b`, `a/c`).
            let next_folder = self.folders[at + 1..]
                .iter()
                .take_while(|next| next.as_str().starts_with(folder.as_str()))
                .any(|next| inner(folder, next));
            let from = self.files.partition_point(|file| file.relative.as_str() < folder.as_str());
            let has_file = self.files[from..]
                .iter()
                .take_while(|file| file.relative.as_str().starts_with(folder.as_str()))
                .any(|file| inner(folder, &file.relative));
            (!next_folder && !has_file).then_some(folder)
        })
    }
}

/// What kind of special file it is.
pub(crate) fn special(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        _ => "a device",
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
    fn empty_folders_are_those_without_anything() {
        let (_dir, root) = tree(&["a/1", "a-b/x"]);
        for folder in ["a/empty", "b", "a/deep/er"] {
            fs_err::create_dir_all(root.join(folder)).expect("created");
        }
        let listed = Tree::list(&root, Links::Within).expect("listed");
        let empty: Vec<_> = listed.empty_folders().map(|folder| folder.as_str()).collect();
        assert_eq!(empty, ["a/deep/er", "a/empty", "b"]);
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
