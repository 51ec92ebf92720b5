//! Which environments are in use, and when each was used last.
//!
//! Both are kept by one file for each environment, beside the locks of builds: whoever uses the environment holds a shared
//! kernel lock on it, which ends with its process, and its time of modification is that of the last use.

use std::fs::TryLockError;
use std::io;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::{File, OpenOptions};

/// The time of the last use is as coarse as this, so that a warm run rarely writes it.
const COARSE: Duration = Duration::from_secs(3600);

/// Keeps an environment from being pruned while a run uses it.
#[derive(Debug)]
pub struct EnvironmentUse {
    // Never removed from the disk: a new file of that name would be another lock.
    _file: File,
}

impl EnvironmentUse {
    /// Marks the environment of that key below `cache` as used now, for as long as the value lives. Waits for no one but a
    /// prune that is removing this very environment.
    ///
    /// # Errors
    /// The cache cannot be written, or its file system has no locks.
    pub fn begin(cache: &Utf8Path, key: &str) -> io::Result<Self> {
        let file = open(cache, key)?;
        file.file().lock_shared()?;
        let now = SystemTime::now();
        let is_recent = file
            .metadata()
            .and_then(|known| known.modified())
            .is_ok_and(|last| now.duration_since(last).is_ok_and(|ago| ago < COARSE));
        if !is_recent {
            file.file().set_modified(now)?;
        }
        Ok(Self { _file: file })
    }

    /// The right to remove an environment; `None` while somebody uses it.
    pub(super) fn exclude(cache: &Utf8Path, key: &str) -> io::Result<Option<Self>> {
        let file = open(cache, key)?;
        match file.file().try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// When the environment was used last, within an hour; `None` if that is not known.
    pub(super) fn last(cache: &Utf8Path, key: &str) -> Option<SystemTime> {
        fs_err::metadata(path(cache, key)).and_then(|known| known.modified()).ok()
    }
}

fn path(cache: &Utf8Path, key: &str) -> Utf8PathBuf {
    cache.join("locks").join(format!("use-{key}.lock"))
}

fn open(cache: &Utf8Path, key: &str) -> io::Result<File> {
    fs_err::create_dir_all(cache.join("locks"))?;
    OpenOptions::new().create(true).append(true).open(path(cache, key).as_std_path())
}
