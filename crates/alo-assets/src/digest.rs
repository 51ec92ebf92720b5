//! What a folder of code holds: a digest of its files, and a cheap way to see that nothing has changed.

use std::fmt::Write;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What no digest covers: byte-code that Python writes by itself, and git's own files.
const IGNORED: [&str; 2] = ["__pycache__", ".git"];
/// What builds make themselves in `build/`, by the beginnings of the names.
const BUILT: [&str; 4] = ["bdist.", "lib", "scripts-", "temp."];
/// A file changed this shortly before it was looked at may change again without its time showing it.
const RACY: Duration = Duration::from_secs(2);

/// The state of a folder at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderState {
    /// SHA-256 over the sorted relative paths and the contents, in hexadecimal.
    pub(crate) digest: String,
    /// SHA-256 over paths, sizes, times and inodes: equal means that no file needs to be read.
    stamp: String,
    /// Whether every change after this moment shows in the stamp.
    settled: bool,
}

struct Entry {
    path: Utf8PathBuf,
    meta: std::fs::Metadata,
}

impl FolderState {
    /// Reads the whole folder.
    pub(crate) fn read(folder: &Utf8Path) -> io::Result<Self> {
        let entries = entries(folder)?;
        Self::of(folder, &entries)
    }

    /// Reads the folder only if its stamp differs from what is known.
    pub(crate) fn refresh(folder: &Utf8Path, known: Option<&Self>) -> io::Result<Self> {
        let entries = entries(folder)?;
        match known {
            Some(known) if known.settled && known.stamp == stamp(&entries) => Ok(known.clone()),
            _ => Self::of(folder, &entries),
        }
    }

    fn of(folder: &Utf8Path, entries: &[Entry]) -> io::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let last = entries
            .iter()
            .map(|entry| entry.meta.mtime().max(entry.meta.ctime()))
            .max()
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map(Duration::from_secs);
        let settled = last.is_none_or(|last| last + RACY < now);
        Ok(Self { digest: content(folder, entries)?, stamp: stamp(entries), settled })
    }

    /// Whether the state can be kept and used by [`refresh`](Self::refresh).
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }
}

/// The files of a folder that is a package, without what builds leave there.
pub(crate) struct PackageFiles<'a> {
    folder: &'a Utf8Path,
    entries: Vec<Entry>,
}

impl<'a> PackageFiles<'a> {
    /// Lists the files.
    pub(crate) fn list(folder: &'a Utf8Path) -> io::Result<Self> {
        let is_build = is_output(&folder.join("build"));
        let is_left = |path: &Utf8Path| {
            let name = path.file_name().unwrap_or_default();
            (is_build && path == "build") || name == ".eggs" || name.ends_with(".egg-info")
        };
        Ok(Self { folder, entries: entries_without(folder, &is_left)? })
    }

    /// SHA-256 over the sorted relative paths and the contents, in hexadecimal.
    pub(crate) fn digest(&self) -> io::Result<String> {
        content(self.folder, &self.entries)
    }

    /// Copies the files to `to`, and git's own, which may tell the version.
    pub(crate) fn copy(&self, to: &Utf8Path) -> io::Result<()> {
        fs_err::create_dir(to)?;
        copy_entries(self.folder, &self.entries, to)?;
        let git = self.folder.join(".git");
        if git.is_dir() {
            // Git wants both, even empty.
            for name in ["objects", "refs"] {
                fs_err::create_dir_all(to.join(".git").join(name))?;
            }
            copy_entries(&git, &entries(&git)?, &to.join(".git"))
        } else if git.is_file() {
            fs_err::copy(&git, to.join(".git")).map(drop)
        } else {
            Ok(())
        }
    }
}

/// Whether a folder `build` is what builds have left, and not a part of the package.
fn is_output(folder: &Utf8Path) -> bool {
    let Ok(entries) = folder.read_dir_utf8() else { return false };
    entries.flatten().all(|entry| BUILT.iter().any(|start| entry.file_name().starts_with(start)))
}

fn copy_entries(from: &Utf8Path, entries: &[Entry], to: &Utf8Path) -> io::Result<()> {
    let root = from.canonicalize_utf8()?;
    for Entry { path, meta } in entries {
        let (source, target) = (from.join(path), to.join(path));
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent)?;
        }
        if meta.is_symlink() {
            let link = Utf8PathBuf::try_from(fs_err::read_link(&source)?)
                .map_err(camino::FromPathBufError::into_io_error)?;
            // A link that leads out of the folder goes on to lead there.
            let outside = source.canonicalize_utf8().ok().filter(|place| !place.starts_with(&root));
            std::os::unix::fs::symlink(outside.unwrap_or(link), &target)?;
        } else if meta.is_file() {
            fs_err::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// All files and links below the folder, sorted by path.
fn entries(folder: &Utf8Path) -> io::Result<Vec<Entry>> {
    entries_without(folder, &|_| false)
}

/// As [`entries`], without those that are left out, by their relative paths.
fn entries_without(folder: &Utf8Path, is_left: &dyn Fn(&Utf8Path) -> bool) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    let mut waiting = vec![Utf8PathBuf::new()];
    while let Some(below) = waiting.pop() {
        for entry in fs_err::read_dir(folder.join(&below))? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let text = format!("`{}` has a name that is not UTF-8", entry.path().display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            };
            if IGNORED.contains(&name) {
                continue;
            }
            let path = below.join(name);
            if is_left(&path) {
                continue;
            }
            let meta = entry.metadata()?;
            if meta.is_dir() {
                waiting.push(path);
            } else {
                found.push(Entry { path, meta });
            }
        }
    }
    found.sort_by(|one, other| one.path.as_str().cmp(other.path.as_str()));
    Ok(found)
}

fn stamp(entries: &[Entry]) -> String {
    let mut hash = Sha256::new();
    for Entry { path, meta } in entries {
        hash.update(path.as_str());
        hash.update([0]);
        for number in [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()] {
            hash.update(number.to_le_bytes());
        }
        for number in [meta.len(), meta.ino(), u64::from(meta.mode())] {
            hash.update(number.to_le_bytes());
        }
    }
    hexadecimal(&hash.finalize())
}

fn content(folder: &Utf8Path, entries: &[Entry]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for Entry { path, meta } in entries {
        let full = folder.join(path);
        let mut file = Sha256::new();
        let kind = if meta.is_symlink() {
            file.update(fs_err::read_link(&full)?.as_os_str().as_encoded_bytes());
            "link"
        } else if meta.is_file() {
            copy(&full, &mut file)?;
            "file"
        } else {
            "special"
        };
        // Each field ends where no path can go on, so no two folders look alike.
        hash.update(format!("{kind}\0{path}\0"));
        hash.update(file.finalize());
    }
    Ok(hexadecimal(&hash.finalize()))
}

fn copy(path: &Utf8Path, hash: &mut Sha256) -> io::Result<()> {
    use io::Read;
    let mut file = fs_err::File::open(path)?;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        hash.update(chunk.get(..count).unwrap_or_default());
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The SHA-256 of a file's content, in hexadecimal.
pub(crate) fn of_file(path: &Utf8Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    copy(path, &mut hash)?;
    Ok(hexadecimal(&hash.finalize()))
}

/// The SHA-256 of a text, in hexadecimal.
pub(crate) fn of_text(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(folder.path().to_owned()).unwrap();
        fs_err::create_dir_all(path.join("deep")).unwrap();
        fs_err::write(path.join("a.py"), "a").unwrap();
        fs_err::write(path.join("deep/b.py"), "b").unwrap();
        (folder, path)
    }

    #[test]
    fn depends_on_names_and_contents_alone() {
        let (_one, one) = folder();
        let (_other, other) = folder();
        let digest = FolderState::read(&one).unwrap().digest;
        assert_eq!(digest, FolderState::read(&other).unwrap().digest);
        fs_err::create_dir(other.join("__pycache__")).unwrap();
        fs_err::write(other.join("__pycache__/a.pyc"), "x").unwrap();
        assert_eq!(digest, FolderState::read(&other).unwrap().digest);
        fs_err::rename(other.join("a.py"), other.join("c.py")).unwrap();
        assert_ne!(digest, FolderState::read(&other).unwrap().digest);
    }

    #[test]
    fn what_builds_leave_is_no_part_of_a_package() {
        let (_keep, folder) = folder();
        let digest = || PackageFiles::list(&folder).unwrap().digest().unwrap();
        let clean = digest();
        assert_eq!(clean, FolderState::read(&folder).unwrap().digest);
        for file in
            ["build/lib/a.py", "build/bdist.linux-x86_64/x", "p.egg-info/PKG-INFO", "deep/q.egg-info/x"]
        {
            fs_err::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
            fs_err::write(folder.join(file), "").unwrap();
        }
        assert_eq!(digest(), clean);
        fs_err::create_dir(folder.join(".git")).unwrap();
        fs_err::write(folder.join(".git/HEAD"), "ref").unwrap();
        std::os::unix::fs::symlink("a.py", folder.join("inner")).unwrap();
        std::os::unix::fs::symlink("..", folder.join("outer")).unwrap();
        let copy = folder.with_file_name("copy");
        let files = PackageFiles::list(&folder).unwrap();
        files.copy(&copy).unwrap();
        assert!(!copy.join("build").exists() && !copy.join("p.egg-info").exists());
        assert_eq!(fs_err::read_to_string(copy.join(".git/HEAD")).unwrap(), "ref");
        assert_eq!(fs_err::read_to_string(copy.join("inner")).unwrap(), "a");
        assert_eq!(fs_err::read_link(copy.join("outer")).unwrap(), folder.parent().unwrap());
        fs_err::remove_dir_all(&copy).unwrap();
        // A package that has such a folder.
        fs_err::write(folder.join("build/__init__.py"), "").unwrap();
        assert_ne!(digest(), clean);
    }

    #[test]
    fn a_change_right_after_a_look_is_seen() {
        let (_keep, folder) = folder();
        let known = FolderState::read(&folder).unwrap();
        assert!(!known.is_settled());
        fs_err::write(folder.join("a.py"), "z").unwrap();
        assert_ne!(FolderState::refresh(&folder, Some(&known)).unwrap().digest, known.digest);
    }

    #[test]
    fn a_folder_that_has_settled_is_not_read_again() {
        let (_keep, folder) = folder();
        let known =
            FolderState { settled: true, digest: "known".to_owned(), ..FolderState::read(&folder).unwrap() };
        assert_eq!(FolderState::refresh(&folder, Some(&known)).unwrap().digest, "known");
        fs_err::write(folder.join("a.py"), "zz").unwrap();
        assert_ne!(FolderState::refresh(&folder, Some(&known)).unwrap().digest, "known");
    }
}
