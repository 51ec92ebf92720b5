//! Who may write and execute a file.

use std::os::unix::fs::PermissionsExt;

use camino::Utf8Path;

use crate::storage_error::StorageError;

/// Lets everybody execute a file who may read it.
pub(crate) fn make_executable(path: &Utf8Path) -> Result<(), StorageError> {
    change(path, |mode| mode | ((mode & 0o444) >> 2))
}

/// Takes the right to write from everybody.
pub(crate) fn make_read_only(path: &Utf8Path) -> Result<(), StorageError> {
    change(path, |mode| mode & 0o555)
}

/// Lets the owner read and write a file.
pub(crate) fn give_to_owner(path: &Utf8Path) -> Result<(), StorageError> {
    change(path, |mode| mode | 0o600)
}

/// The permissions of a file or folder: what owner, group and others may do.
pub(crate) fn mode(path: &Utf8Path) -> Result<u32, StorageError> {
    let meta = fs_err::symlink_metadata(path).map_err(StorageError::of("read", path))?;
    Ok(meta.permissions().mode() & 0o777)
}

/// Gives a file or folder these permissions.
pub(crate) fn set_mode(path: &Utf8Path, mode: u32) -> Result<(), StorageError> {
    change(path, |before| before & !0o777 | mode & 0o777)
}

fn change(path: &Utf8Path, wanted: impl FnOnce(u32) -> u32) -> Result<(), StorageError> {
    let before = fs_err::metadata(path).map_err(StorageError::of("read", path))?.permissions().mode();
    let wanted = wanted(before);
    if wanted == before {
        return Ok(());
    }
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(wanted))
        .map_err(StorageError::of("write", path))
}
