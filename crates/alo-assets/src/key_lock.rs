//! A lock of the kernel for one key of the cache, shared by all `alo` processes of the user.

use std::fs::TryLockError;
use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

/// How often a waiting process looks again (and whether it has been cancelled).
const POLL: Duration = Duration::from_millis(20);

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The lock file cannot be made, or the file system has no locks.
    #[error("failed to lock `{path}`")]
    Io {
        /// The lock file.
        path: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The caller no longer wants it.
    #[error("cancelled while another alo process was at work")]
    Cancelled,
}

/// The right to build one thing of the cache. Ends when dropped, or when the process does, however it ends.
#[derive(Debug)]
pub(crate) struct KeyLock {
    // Never removed from the disk: whoever waits has it open, and a new file of that name would be another lock.
    _file: fs_err::File,
}

impl KeyLock {
    /// Waits for the lock of `key` below `cache`.
    pub(crate) fn acquire(
        cache: &Utf8Path,
        key: &str,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, LockError> {
        let (path, file) = open(cache, key)?;
        loop {
            match file.file().try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if cancelled() => return Err(LockError::Cancelled),
                Err(TryLockError::WouldBlock) => std::thread::sleep(POLL),
                Err(TryLockError::Error(source)) => return Err(LockError::Io { path, source }),
            }
        }
    }

    /// The lock of `key` below `cache` if nobody has it.
    pub(crate) fn try_acquire(cache: &Utf8Path, key: &str) -> Result<Option<Self>, LockError> {
        let (path, file) = open(cache, key)?;
        match file.file().try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }
}

fn open(cache: &Utf8Path, key: &str) -> Result<(Utf8PathBuf, fs_err::File), LockError> {
    let folder = cache.join("locks");
    let path = folder.join(format!("{key}.lock"));
    let file = fs_err::create_dir_all(&folder)
        .and_then(|()| fs_err::OpenOptions::new().create(true).append(true).open(path.as_std_path()));
    match file {
        Ok(file) => Ok((path, file)),
        Err(source) => Err(LockError::Io { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_second_taker_waits_until_it_is_cancelled_or_the_first_lets_go() {
        let cache = tempfile::tempdir().unwrap();
        let cache = Utf8Path::from_path(cache.path()).unwrap();
        let first = KeyLock::acquire(cache, "k", &|| false).unwrap();
        let asked = Cell::new(0);
        let refused = KeyLock::acquire(cache, "k", &|| {
            asked.set(asked.get() + 1);
            asked.get() > 1
        });
        assert!(matches!(refused, Err(LockError::Cancelled)));
        KeyLock::acquire(cache, "other", &|| true).unwrap();
        drop(first);
        KeyLock::acquire(cache, "k", &|| true).unwrap();
    }
}
