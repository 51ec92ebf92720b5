//! A folder that only this user can see, which is recognised as a leftover once its process is gone.

use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;
use tempfile::TempDir;

/// Names of these folders begin so.
const PREFIX: &str = "alo-hand-off-";
/// How often another name is tried when somebody takes the new folder for a leftover.
const ATTEMPTS: usize = 10;

/// A folder of this process with the mode 0700, removed when dropped.
///
/// Its process holds a kernel lock on the folder itself, so one that can be locked belongs to a process that was killed.
#[derive(Debug)]
pub(super) struct PrivateFolder {
    // Dropped in this order: it is removed while it is locked.
    folder: TempDir,
    _lock: File,
}

impl PrivateFolder {
    /// Makes a folder in `parent`, after the leftovers of killed processes of this user there are removed.
    pub(super) fn make(parent: &Utf8Path) -> io::Result<Self> {
        Self::remove_leftovers(parent);
        for _ in 0..ATTEMPTS {
            let folder =
                tempfile::Builder::new().prefix(PREFIX).permissions(for_this_user()).tempdir_in(parent)?;
            let Ok(lock) = File::open(folder.path()) else { continue };
            match lock.file().try_lock() {
                Ok(()) if is_there(&folder, &lock) => return Ok(Self { folder, _lock: lock }),
                // Somebody was about to remove it, or has done so.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other(format!("no private folder can be kept in `{parent}`")))
    }

    /// Removes what killed processes of this user have left in `parent`. What cannot be removed stays for the next time.
    pub(super) fn remove_leftovers(parent: &Utf8Path) {
        let Ok(entries) = parent.read_dir_utf8() else { return };
        for entry in entries.filter_map(Result::ok) {
            if !entry.file_name().starts_with(PREFIX) {
                continue;
            }
            let is_ours = fs_err::symlink_metadata(entry.path())
                .is_ok_and(|found| found.is_dir() && found.uid() == rustix::process::getuid().as_raw());
            if is_ours
                && let Ok(lock) = File::open(entry.path().as_std_path())
                && lock.file().try_lock().is_ok()
            {
                let _ = fs_err::remove_dir_all(entry.path());
            }
        }
    }

    /// A file in it.
    pub(super) fn join(&self, name: &str) -> Option<Utf8PathBuf> {
        Utf8PathBuf::from_path_buf(self.folder.path().join(name)).ok()
    }
}

fn for_this_user() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o700)
}

/// Whether the folder that is locked is the one of that name.
fn is_there(folder: &TempDir, lock: &File) -> bool {
    match (fs_err::metadata(folder.path()), lock.metadata()) {
        (Ok(there), Ok(locked)) => (there.dev(), there.ino()) == (locked.dev(), locked.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn leftovers_go_and_folders_in_use_stay() {
        let parent = tempfile::tempdir().unwrap();
        let parent = Utf8Path::from_path(parent.path()).unwrap();
        let leftover = parent.join("alo-hand-off-killed");
        fs_err::create_dir(&leftover).unwrap();
        fs_err::write(leftover.join("1_data.pkl"), "x").unwrap();
        fs_err::create_dir(parent.join("alo-other")).unwrap();
        std::os::unix::fs::symlink(parent.join("alo-other"), parent.join("alo-hand-off-link")).unwrap();

        let used = PrivateFolder::make(parent).unwrap();
        let path = used.join("data").unwrap();
        fs_err::write(&path, "y").unwrap();
        assert!(!leftover.exists() && parent.join("alo-other").exists());
        assert!(fs_err::symlink_metadata(parent.join("alo-hand-off-link")).is_ok(), "links are left alone");
        let mode = fs_err::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);

        drop(PrivateFolder::make(parent).unwrap());
        assert!(path.exists(), "one that is in use is no leftover");
        drop(used);
        assert!(!path.parent().unwrap().exists());
    }
}
