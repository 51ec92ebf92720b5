//! A walk through a folder, in the order of the paths as text, that holds no more than the names of the folders it is in.
//!
//! [`Tree`](crate::tree::Tree) is such a walk held in memory as a whole.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use serde::{Deserialize, Serialize};

use crate::stamp::Stamp;
use crate::storage_error::StorageError;
use crate::tree_error::TreeError;

/// Folders may be nested so deep.
const MAX_DEPTH: usize = 128;
/// A tree may have so many entries; only links that multiply folders get there.
const MAX_ENTRIES: usize = 10_000_000;

/// What a walk does with symbolic links, special files and names that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// Links are followed inside the folder; a link out of it, a broken one, or anything special is an error.
    /// For data and models that others give us.
    Within,
    /// Links are followed anywhere; what has no content (broken links, sockets, …) goes to [`Entry::Other`].
    /// For what an asset left.
    Follow,
    /// Links are not followed but go to [`Entry::Other`]. For folders in which we delete.
    AsIs,
}

/// A file below a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TreeFile {
    pub(crate) relative: Utf8PathBuf,
    pub(crate) stamp: Stamp,
    /// Whether its owner may execute it.
    pub(crate) executable: bool,
    /// Its permissions: what owner, group and others may do.
    pub(crate) mode: u32,
}

/// Something that is neither a file nor a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) relative: PathBuf,
    pub(crate) what: &'static str,
}

/// What a walk comes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A file.
    File(TreeFile),
    /// A folder, before what lies in it.
    Folder(Utf8PathBuf),
    /// Something that is neither; in no order.
    Other(Other),
}

/// Gives what lies below a folder, one after the other; ends after the first error.
///
/// Files come sorted by path as text. A folder comes where its path with a `/` at its end is sorted to.
pub(crate) struct Walk {
    root: Utf8PathBuf,
    /// Without links, where links must not lead out.
    canonical: PathBuf,
    links: Links,
    levels: Vec<Level>,
    /// Found, and not yet given.
    others: Vec<Other>,
    seen: usize,
}

/// An open folder.
struct Level {
    folder: OwnedFd,
    /// Device and inode: a link must not lead back to it.
    identity: (u64, u64),
    relative: Utf8PathBuf,
    names: Names,
}

/// What lies in a folder, sorted, as few bytes each: there may be hundreds of thousands.
#[derive(Default)]
struct Names {
    text: String,
    /// Start and length of each name that has not been come by, the first one last.
    left: Vec<(u32, u16, Kind)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    LinkToFile,
    LinkToFolder,
    /// A link that is not followed.
    Link,
    Special,
}

impl Kind {
    fn is_folder(self) -> bool {
        matches!(self, Self::Folder | Self::LinkToFolder)
    }

    fn of(kind: FileType, file: Self, folder: Self) -> Self {
        match kind {
            FileType::RegularFile => file,
            FileType::Directory => folder,
            _ => Self::Special,
        }
    }

    /// Of something that is reached without following links.
    fn plain(kind: FileType) -> Self {
        if kind == FileType::Symlink { Self::Link } else { Self::of(kind, Self::File, Self::Folder) }
    }
}

impl Names {
    fn name(&self, (start, length, _): (u32, u16, Kind)) -> &str {
        let start = start as usize;
        self.text.get(start..start + usize::from(length)).unwrap_or_default()
    }

    /// `None` if there are more than can be counted.
    fn add(&mut self, name: &str, kind: Kind) -> Option<()> {
        let (start, length) = (u32::try_from(self.text.len()).ok()?, u16::try_from(name.len()).ok()?);
        self.text.push_str(name);
        self.left.push((start, length, kind));
        Some(())
    }

    fn sort(&mut self) {
        let mut left = std::mem::take(&mut self.left);
        left.sort_unstable_by(|a, b| {
            // What lies in a folder has a `/` behind the folder's name.
            let [a, b] = [a, b].map(|one| self.name(*one).bytes().chain(one.2.is_folder().then_some(b'/')));
            b.cmp(a)
        });
        self.left = left;
    }
}

impl Walk {
    /// Opens a folder, which may itself be reached through a link.
    pub(crate) fn open(root: &Utf8Path, links: Links) -> Result<Self, TreeError> {
        let canonical = match links {
            Links::Within => fs_err::canonicalize(root).map_err(StorageError::of("read", root))?,
            Links::Follow | Links::AsIs => PathBuf::new(),
        };
        let folder = openat(rustix::fs::CWD, root.as_std_path(), flags(true), Mode::empty());
        let folder = folder.map_err(|error| StorageError::new("list", root, error.into()))?;
        let mut walk =
            Self { root: root.to_owned(), canonical, links, levels: Vec::new(), others: Vec::new(), seen: 0 };
        walk.enter(folder, Utf8PathBuf::new())?;
        Ok(walk)
    }

    /// Goes into an open folder: reads the names in it.
    fn enter(&mut self, folder: OwnedFd, relative: Utf8PathBuf) -> Result<(), TreeError> {
        let path = self.at(&relative);
        let too_big = || TreeError::TooBig { path: path.clone() };
        if self.levels.len() == MAX_DEPTH {
            return Err(too_big());
        }
        let failed = |error: rustix::io::Errno| StorageError::new("list", &path, error.into());
        let stat = fstat(&folder).map_err(failed)?;
        let mut level = Level { folder, identity: identity(&stat), relative, names: Names::default() };
        for entry in Dir::read_from(&level.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            self.seen += 1;
            if self.seen > MAX_ENTRIES {
                return Err(too_big());
            }
            let Ok(name) = name.to_str() else {
                let name: std::ffi::OsString =
                    std::os::unix::ffi::OsStringExt::from_vec(name.to_bytes().to_vec());
                let relative = level.relative.as_std_path().join(name);
                self.other(relative, "a name that is not UTF-8", |path| TreeError::Name {
                    path: path.display().to_string(),
                })?;
                continue;
            };
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    let stat = self.stat(&level, name, AtFlags::SYMLINK_NOFOLLOW)?;
                    FileType::from_raw_mode(stat.st_mode)
                }
                kind => kind,
            };
            let kind = match Kind::plain(kind) {
                Kind::Link if self.links != Links::AsIs => match self.link(&level, name)? {
                    Some(kind) => kind,
                    None => continue,
                },
                kind => kind,
            };
            level.names.add(name, kind).ok_or_else(too_big)?;
        }
        level.names.sort();
        self.levels.push(level);
        Ok(())
    }

    /// What a link leads to; nothing if that has no content.
    fn link(&mut self, level: &Level, name: &str) -> Result<Option<Kind>, TreeError> {
        let relative = level.relative.join(name);
        let path = self.at(&relative);
        let Ok(stat) = statat(&level.folder, name, AtFlags::empty()) else {
            self.other(relative.into_std_path_buf(), "a broken link", |_| TreeError::LinkBroken { path })?;
            return Ok(None);
        };
        if self.links == Links::Within {
            let target = fs_err::canonicalize(&path).map_err(StorageError::of("read", &path))?;
            if !target.starts_with(&self.canonical) {
                return Err(TreeError::LinkOut { path, target: target.display().to_string() });
            }
        }
        let kind = Kind::of(FileType::from_raw_mode(stat.st_mode), Kind::LinkToFile, Kind::LinkToFolder);
        let above = self.levels.iter().chain([level]).any(|level| level.identity == identity(&stat));
        if kind.is_folder() && above {
            self.other(relative.into_std_path_buf(), "a link to its own folder", |_| TreeError::LinkLoop {
                path,
            })?;
            return Ok(None);
        }
        Ok(Some(kind))
    }

    /// Takes note of what has no content, or refuses it.
    fn other(
        &mut self,
        relative: PathBuf,
        what: &'static str,
        error: impl FnOnce(PathBuf) -> TreeError,
    ) -> Result<(), TreeError> {
        if self.links == Links::Within {
            return Err(error(self.root.as_std_path().join(relative)));
        }
        self.others.push(Other { relative, what });
        Ok(())
    }

    /// The next entry, if any.
    fn step(&mut self) -> Result<Option<Entry>, TreeError> {
        loop {
            if let Some(other) = self.others.pop() {
                return Ok(Some(Entry::Other(other)));
            }
            let Some(level) = self.levels.last_mut() else { return Ok(None) };
            let Some(next) = level.names.left.pop() else {
                self.levels.pop();
                continue;
            };
            let Some(level) = self.levels.last() else { return Ok(None) };
            let (name, kind) = (level.names.name(next), next.2);
            let relative = level.relative.join(name);
            match kind {
                Kind::Folder | Kind::LinkToFolder => {
                    let folder = openat(&level.folder, name, flags(kind != Kind::Folder), Mode::empty());
                    let path = || self.at(&relative);
                    let folder = folder.map_err(|error| StorageError::new("list", path(), error.into()))?;
                    self.enter(folder, relative.clone())?;
                    return Ok(Some(Entry::Folder(relative)));
                }
                Kind::File | Kind::LinkToFile => {
                    let follow =
                        if kind == Kind::File { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
                    let stat = self.stat(level, name, follow)?;
                    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                        let error = std::io::Error::other("it was replaced while it was listed");
                        return Err(StorageError::new("read", self.at(&relative), error).into());
                    }
                    let (stamp, executable) = (Stamp::of_stat(&stat), stat.st_mode & 0o100 != 0);
                    let mode = stat.st_mode & 0o777;
                    return Ok(Some(Entry::File(TreeFile { relative, stamp, executable, mode })));
                }
                Kind::Link => self.others.push(Other { relative: relative.into(), what: "a link" }),
                Kind::Special => {
                    let stat = self.stat(level, name, AtFlags::empty())?;
                    let (path, what) = (self.at(&relative), special(FileType::from_raw_mode(stat.st_mode)));
                    self.other(relative.into(), what, |_| TreeError::Special { path, what })?;
                }
            }
        }
    }

    fn stat(&self, level: &Level, name: &str, flags: AtFlags) -> Result<Stat, StorageError> {
        let failed = |error: rustix::io::Errno| {
            StorageError::new("read", self.at(&level.relative.join(name)), error.into())
        };
        statat(level.folder.as_fd(), name, flags).map_err(failed)
    }

    fn at(&self, relative: &Utf8Path) -> Utf8PathBuf {
        if relative.as_str().is_empty() { self.root.clone() } else { self.root.join(relative) }
    }
}

impl Iterator for Walk {
    type Item = Result<Entry, TreeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.step();
        if next.is_err() {
            self.levels.clear();
            self.others.clear();
        }
        next.transpose()
    }
}

/// How a folder is opened; a link in its place only where it was seen to be one.
fn flags(is_link: bool) -> OFlags {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if is_link { flags } else { flags | OFlags::NOFOLLOW }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
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
    use super::*;

    #[test]
    fn entries_come_in_the_order_of_their_paths_as_text() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
        for file in ["a/2", "a/1/x", "a-b/x", "a.c", "가/나", "z/1/2/3", "z1", "z/10"] {
            let path = root.join(file);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
            fs_err::write(path, file).expect("written");
        }
        let walk = Walk::open(root, Links::Within).expect("opened");
        let texts: Vec<String> = walk
            .map(|entry| match entry.expect("an entry") {
                Entry::File(file) => file.relative.into_string(),
                Entry::Folder(folder) => format!("{folder}/"),
                Entry::Other(other) => panic!("{other:?}"),
            })
            .collect();
        let mut sorted = texts.clone();
        sorted.sort();
        assert_eq!(texts, sorted);
        assert_eq!(texts.len(), 8 + 7);
    }
}
