//! A listing of a folder: every file below it, sorted, with links and special files treated by a stated rule.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};

use crate::storage_error::StorageError;

/// Folders may be nested so deep.
const MAX_DEPTH: usize = 128;
/// A tree may have so many entries; only links that multiply folders get there.
const MAX_ENTRIES: usize = 10_000_000;

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
        let meta = fs_err::metadata(root).map_err(StorageError::of("read", root))?;
        let canonical = match links {
            Links::Within => fs_err::canonicalize(root).map_err(StorageError::of("read", root))?,
            Links::Follow | Links::AsIs => PathBuf::new(),
        };
        let mut walk =
            Walk { root, canonical, links, tree: Self::default(), ancestors: vec![(meta.dev(), meta.ino())] };
        walk.folder(Utf8Path::new(""))?;
        let mut tree = walk.tree;
        tree.files.sort_unstable_by(|a, b| a.relative.as_str().cmp(b.relative.as_str()));
        tree.folders.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        tree.others.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
        Ok(tree)
    }

    /// A tree of one file, whose relative path is empty.
    pub(crate) fn of_file(meta: &Metadata) -> Self {
        let file = TreeFile { relative: Utf8PathBuf::new(), stamp: Stamp::of(meta), executable: false };
        Self { files: vec![file], ..Self::default() }
    }

    pub(crate) fn has_folder(&self, relative: &Utf8Path) -> bool {
        self.folders.binary_search_by(|folder| folder.as_str().cmp(relative.as_str())).is_ok()
    }

    pub(crate) fn has_file(&self, relative: &Utf8Path) -> bool {
        self.files.binary_search_by(|file| file.relative.as_str().cmp(relative.as_str())).is_ok()
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

struct Walk<'a> {
    root: &'a Utf8Path,
    canonical: PathBuf,
    links: Links,
    tree: Tree,
    ancestors: Vec<(u64, u64)>,
}

impl Walk<'_> {
    fn folder(&mut self, relative: &Utf8Path) -> Result<(), TreeError> {
        let path = self.at(relative);
        if self.ancestors.len() > MAX_DEPTH {
            return Err(TreeError::TooBig { path });
        }
        let entries = fs_err::read_dir(&path).map_err(StorageError::of("list", &path))?;
        for entry in entries {
            let entry = entry.map_err(StorageError::of("list", &path))?;
            if self.tree.files.len() + self.tree.folders.len() > MAX_ENTRIES {
                return Err(TreeError::TooBig { path });
            }
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.other(relative.as_std_path().join(&name), "a name that is not UTF-8", |path| {
                    TreeError::Name { path: path.display().to_string() }
                })?;
                continue;
            };
            let inner = relative.join(name);
            let meta = entry.metadata().map_err(|e| StorageError::new("read", self.at(&inner), e))?;
            if meta.is_symlink() {
                self.link(inner)?;
            } else {
                self.entry(inner, &meta)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, relative: Utf8PathBuf, meta: &Metadata) -> Result<(), TreeError> {
        if meta.is_dir() {
            self.tree.folders.push(relative.clone());
            self.ancestors.push((meta.dev(), meta.ino()));
            self.folder(&relative)?;
            self.ancestors.pop();
        } else if meta.is_file() {
            let executable = meta.mode() & 0o100 != 0;
            self.tree.files.push(TreeFile { relative, stamp: Stamp::of(meta), executable });
        } else {
            let what = special(meta);
            let path = self.at(&relative);
            self.other(relative.into_std_path_buf(), what, |_| TreeError::Special { path, what })?;
        }
        Ok(())
    }

    fn link(&mut self, relative: Utf8PathBuf) -> Result<(), TreeError> {
        let path = self.at(&relative);
        if self.links == Links::AsIs {
            self.tree.others.push(Other { relative: relative.into_std_path_buf(), what: "a link" });
            return Ok(());
        }
        let Ok(meta) = fs_err::metadata(&path) else {
            return self
                .other(relative.into_std_path_buf(), "a broken link", |_| TreeError::LinkBroken { path });
        };
        if self.links == Links::Within {
            let target = fs_err::canonicalize(&path).map_err(StorageError::of("read", &path))?;
            if !target.starts_with(&self.canonical) {
                return Err(TreeError::LinkOut { path, target: target.display().to_string() });
            }
        }
        if meta.is_dir() && self.ancestors.contains(&(meta.dev(), meta.ino())) {
            return self.other(relative.into_std_path_buf(), "a link to its own folder", |_| {
                TreeError::LinkLoop { path }
            });
        }
        self.entry(relative, &meta)
    }

    /// Takes note of what has no content, or refuses it.
    fn other(
        &mut self,
        relative: PathBuf,
        what: &'static str,
        error: impl FnOnce(&Path) -> TreeError,
    ) -> Result<(), TreeError> {
        if self.links == Links::Within {
            return Err(error(&self.root.as_std_path().join(relative)));
        }
        self.tree.others.push(Other { relative, what });
        Ok(())
    }

    fn at(&self, relative: &Utf8Path) -> Utf8PathBuf {
        if relative.as_str().is_empty() { self.root.to_owned() } else { self.root.join(relative) }
    }
}

/// What kind of special file it is.
pub(crate) fn special(meta: &Metadata) -> &'static str {
    let kind = meta.file_type();
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
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
