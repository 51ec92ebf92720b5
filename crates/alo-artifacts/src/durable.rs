//! Writing so that it lasts: temporary names, flushing, renaming.
//!
//! The rule of the house: a file that must survive is written under a temporary name in its own folder,
//! flushed, renamed, and the folder flushed. Every function here does exactly one such step, so that the
//! callers read as the order of durable steps that `docs/storage.md` states.

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::os::unix::fs::OpenOptionsExt;
use rustix::fs::{CWD, RenameFlags};
use tempfile::NamedTempFile;

use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::walk::Links;

/// What is written piece by piece goes to the system in calls of this size.
const PIECE: usize = 64 << 10;

/// Names of half-written files start with this; whoever lists a folder of ours ignores them.
pub(crate) const TEMP_PREFIX: &str = ".alo-tmp-";

pub(crate) fn read(path: &Utf8Path) -> Result<Vec<u8>, StorageError> {
    read_file(path).map_err(StorageError::of("read", path))
}

/// Reads a file that may be absent.
pub(crate) fn read_if_present(path: &Utf8Path) -> Result<Option<Vec<u8>>, StorageError> {
    match read_file(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::new("read", path, error)),
    }
}

/// Reads a file; waits for nobody who might write to what is a pipe in its place.
fn read_file(path: &Utf8Path) -> io::Result<Vec<u8>> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut file = fs_err::OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    let meta = file.metadata()?;
    if meta.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !meta.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn create_dir_all(path: &Utf8Path) -> Result<(), StorageError> {
    fs_err::create_dir_all(path).map_err(StorageError::of("create the folder", path))
}

pub(crate) fn rename(from: &Utf8Path, to: &Utf8Path) -> Result<(), StorageError> {
    fs_err::rename(from, to).map_err(StorageError::of("put in place", to))
}

/// Starts a temporary file beside a target, with the permissions the user's umask gives.
pub(crate) fn temp_beside(target: &Utf8Path) -> Result<NamedTempFile, StorageError> {
    temp_beside_as(target, TEMP_PREFIX)
}

/// [`temp_beside`] with a name that starts with `prefix`.
pub(crate) fn temp_beside_as(target: &Utf8Path, prefix: &str) -> Result<NamedTempFile, StorageError> {
    let folder = parent(target);
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(StorageError::of("write in", folder))
}

/// The folder a path lies in.
pub(crate) fn parent(path: &Utf8Path) -> &Utf8Path {
    match path.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder,
        _ => Utf8Path::new("."),
    }
}

/// Whether a write must outlast a power failure or only the death of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// Whole or absent after a kill.
    Kill,
    /// Whole or absent after a kill; there, once the call has returned, after a power failure.
    PowerFailure,
}

/// Writes a file whole or not at all, replacing an old one.
pub(crate) fn write(path: &Utf8Path, bytes: &[u8], lasting: Lasting) -> Result<(), StorageError> {
    create_dir_all(parent(path))?;
    let mut temp = temp_beside(path)?;
    temp.write_all(bytes).map_err(StorageError::of("write", path))?;
    persist(temp, path, lasting)
}

/// [`write()`] of what need not be in memory at once: `content` writes it piece by piece.
pub(crate) fn write_by(
    path: &Utf8Path,
    lasting: Lasting,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), StorageError> {
    create_dir_all(parent(path))?;
    let mut temp = temp_beside(path)?;
    let mut buffered = BufWriter::with_capacity(PIECE, temp.as_file_mut());
    content(&mut buffered).and_then(|()| buffered.flush()).map_err(StorageError::of("write", path))?;
    drop(buffered);
    persist(temp, path, lasting)
}

/// Gives a finished temporary file its name, replacing an old file.
pub(crate) fn persist(temp: NamedTempFile, path: &Utf8Path, lasting: Lasting) -> Result<(), StorageError> {
    if lasting == Lasting::PowerFailure {
        temp.as_file().sync_all().map_err(StorageError::of("flush", path))?;
    }
    temp.persist(path).map_err(|error| StorageError::new("put in place", path, error.error))?;
    if lasting == Lasting::PowerFailure {
        sync_dir(parent(path))?;
    }
    Ok(())
}

/// Makes the names in a folder survive a power failure.
pub(crate) fn sync_dir(folder: &Utf8Path) -> Result<(), StorageError> {
    let handle = fs_err::File::open(folder).map_err(StorageError::of("flush", folder))?;
    match handle.sync_all() {
        // Some network and FUSE file systems cannot flush a folder; there is nothing more to do on them.
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Err(StorageError::new("flush", folder, error))
        }
        _ => Ok(()),
    }
}

/// Flushes the whole file system a folder lies on.
pub(crate) fn sync_all_of(folder: &Utf8Path) -> Result<(), StorageError> {
    let handle = fs_err::File::open(folder).map_err(StorageError::of("flush", folder))?;
    #[cfg(target_os = "linux")]
    {
        rustix::fs::syncfs(handle.file().as_fd())
            .map_err(|error| StorageError::new("flush", folder, error.into()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = handle.file().as_fd();
        rustix::fs::sync();
        Ok(())
    }
}

/// Swaps two existing files or folders in one atomic step; `false` when the file system cannot.
pub(crate) fn exchange(one: &Utf8Path, other: &Utf8Path) -> Result<bool, StorageError> {
    use rustix::io::Errno;
    match rustix::fs::renameat_with(CWD, one.as_std_path(), CWD, other.as_std_path(), RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
        Err(error) => Err(StorageError::new("put in place", other, error.into())),
    }
}

/// Removes a file, a link (never what it points to) or a whole folder; absent is fine.
pub(crate) fn remove(path: &Utf8Path) -> Result<(), StorageError> {
    let result = match fs_err::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => remove_folder(path),
        Ok(_) => fs_err::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StorageError::new("remove", path, error)),
        _ => Ok(()),
    }
}

/// [`remove`] for a path that may not be UTF-8.
pub(crate) fn remove_std(path: &std::path::Path) -> Result<(), StorageError> {
    if let Some(path) = Utf8Path::from_path(path) {
        return remove(path);
    }
    let result = match fs_err::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs_err::remove_dir_all(path),
        Ok(_) => fs_err::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(StorageError::new("remove", path.to_string_lossy().into_owned(), error))
        }
        _ => Ok(()),
    }
}

/// Bytes a user may still write on the disk of a folder.
pub(crate) fn free_space(folder: &Utf8Path) -> Result<u64, StorageError> {
    let stat = rustix::fs::statvfs(folder.as_std_path())
        .map_err(|error| StorageError::new("ask for the free space of", folder, error.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Removes a folder; an asset may have left read-only folders in it, which are ours to open.
fn remove_folder(path: &Utf8Path) -> io::Result<()> {
    match fs_err::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            if let Ok(tree) = Tree::list(path, Links::AsIs) {
                for folder in
                    std::iter::once(Utf8Path::new("")).chain(tree.folders.iter().map(Utf8PathBuf::as_path))
                {
                    let folder = path.join(folder);
                    if let Ok(meta) = fs_err::symlink_metadata(&folder) {
                        let mode = meta.permissions().mode() | 0o700;
                        fs_err::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).ok();
                    }
                }
            }
            fs_err::remove_dir_all(path)
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temp() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        (dir, root)
    }

    #[test]
    fn a_write_replaces_whole_files_and_leaves_no_temporary_name() {
        let (_dir, root) = temp();
        let path = root.join("deep/er/file");
        for lasting in [Lasting::Kill, Lasting::PowerFailure] {
            write(&path, b"one", lasting).expect("written");
            write(&path, b"two", lasting).expect("written");
            assert_eq!(read(&path).expect("read"), b"two");
            assert_eq!(fs_err::read_dir(root.join("deep/er")).expect("listed").count(), 1);
        }
        assert_eq!(read_if_present(&root.join("absent")).expect("no error"), None);
    }

    #[test]
    fn removing_a_link_leaves_its_target() {
        let (_dir, root) = temp();
        write(&root.join("far/kept"), b"x", Lasting::Kill).expect("written");
        fs_err::create_dir(root.join("near")).expect("created");
        fs_err::os::unix::fs::symlink(root.join("far"), root.join("near/link")).expect("linked");
        remove(&root.join("near")).expect("removed");
        remove(&root.join("near")).expect("absent is fine");
        assert!(root.join("far/kept").exists() && !root.join("near").exists());
    }

    #[test]
    fn an_exchange_swaps_folders() {
        let (_dir, root) = temp();
        write(&root.join("a/1"), b"", Lasting::Kill).expect("written");
        write(&root.join("b/2"), b"", Lasting::Kill).expect("written");
        if exchange(&root.join("a"), &root.join("b")).expect("no error") {
            assert!(root.join("a/2").exists() && root.join("b/1").exists());
        }
    }
}
