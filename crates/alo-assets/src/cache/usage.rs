//! What of the cache is in use, and when each thing was used last.
//!
//! Both are kept by one file for each thing, beside the locks of those who make it: whoever uses it holds a shared kernel lock on
//! that file, which ends with its process, and the file's time of modification is that of the last use.

use std::fs::TryLockError;
use std::io;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::{File, OpenOptions};

use super::place::Place;
use crate::key_lock::LockError;

/// The time of the last use is as coarse as this, so that a warm run rarely writes it.
const COARSE: Duration = Duration::from_secs(3600);

/// Keeps something from being pruned from the cache. Ends when dropped, or when the process does, however it ends.
#[derive(Debug)]
pub struct CacheUse {
    // Never removed from the disk: a new file of that name would be another lock.
    _file: File,
}

/// The right to remove something that nobody uses. Ends when dropped.
#[derive(Debug)]
pub(crate) struct NoUse {
    _file: File,
}

impl CacheUse {
    /// Marks that place below `cache` as used now, for as long as the value lives. Waits for no one but a prune that is
    /// removing this very place: whoever looks what is there only then finds it whole, or not at all.
    pub(crate) fn begin(cache: &Utf8Path, place: &Place) -> Result<Self, LockError> {
        let path = path(cache, place);
        let file = Self::start(&path);
        file.map(|file| Self { _file: file }).map_err(|source| LockError::Io { path, source })
    }

    fn start(path: &Utf8Path) -> io::Result<File> {
        let file = make(path)?;
        file.file().lock_shared()?;
        let now = SystemTime::now();
        let is_recent = file
            .metadata()
            .and_then(|known| known.modified())
            .is_ok_and(|last| now.duration_since(last).is_ok_and(|ago| ago < COARSE));
        if !is_recent {
            file.file().set_modified(now)?;
        }
        Ok(file)
    }

    /// When the place was used last, within an hour; `None` if that is not known.
    pub(crate) fn last(cache: &Utf8Path, place: &Place) -> Option<SystemTime> {
        fs_err::metadata(path(cache, place)).and_then(|known| known.modified()).ok()
    }
}

impl NoUse {
    /// Keeps everybody from beginning to use that place; `None` while somebody uses it.
    pub(crate) fn begin(cache: &Utf8Path, place: &Place) -> Result<Option<Self>, LockError> {
        let path = path(cache, place);
        Self::lock(make(&path), path)
    }

    /// Whether nobody uses that place now. Leaves no trace.
    pub(crate) fn is_so(cache: &Utf8Path, place: &Place) -> Result<bool, LockError> {
        let path = path(cache, place);
        match OpenOptions::new().append(true).open(path.as_std_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            opened => Self::lock(opened, path).map(|free| free.is_some()),
        }
    }

    fn lock(file: io::Result<File>, path: Utf8PathBuf) -> Result<Option<Self>, LockError> {
        let locked = file.map_err(TryLockError::Error).and_then(|file| {
            file.file().try_lock()?;
            Ok(file)
        });
        match locked {
            Ok(file) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }
}

fn path(cache: &Utf8Path, place: &Place) -> Utf8PathBuf {
    cache.join("locks").join(format!("{}.lock", place.user_lock()))
}

fn make(path: &Utf8Path) -> io::Result<File> {
    fs_err::create_dir_all(path.parent().unwrap_or(path))?;
    OpenOptions::new().create(true).append(true).open(path.as_std_path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Utf8PathBuf, Place) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        (folder, cache, Place::Tool { name: "uv-1".into() })
    }

    #[test]
    fn a_use_is_noted_at_most_once_an_hour() {
        let (_keep, cache, place) = cache();
        drop(CacheUse::begin(&cache, &place).unwrap());
        let set = |time| make(&path(&cache, &place)).unwrap().file().set_modified(time).unwrap();
        let old = SystemTime::now() - Duration::from_secs(7200);
        set(old);
        drop(CacheUse::begin(&cache, &place).unwrap());
        let noted = CacheUse::last(&cache, &place).unwrap();
        assert!(noted > old);
        let recent = noted - Duration::from_secs(60);
        set(recent);
        drop(CacheUse::begin(&cache, &place).unwrap());
        assert_eq!(CacheUse::last(&cache, &place).unwrap(), recent);
    }

    #[test]
    fn whoever_only_asks_leaves_no_trace() {
        let (_keep, cache, place) = cache();
        assert!(NoUse::is_so(&cache, &place).unwrap());
        assert_eq!(CacheUse::last(&cache, &place), None);
        let used = CacheUse::begin(&cache, &place).unwrap();
        assert!(!NoUse::is_so(&cache, &place).unwrap() && NoUse::begin(&cache, &place).unwrap().is_none());
        drop(used);
        assert!(NoUse::is_so(&cache, &place).unwrap() && NoUse::begin(&cache, &place).unwrap().is_some());
    }
}
