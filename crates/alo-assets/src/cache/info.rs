//! What the cache holds.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::size::DiskUse;
use super::usage::EnvironmentUse;

/// The record that a whole environment has.
const RECORD: &str = "alo-environment.json";

/// What the cache holds. Sizes are in bytes on the disk; a file of several names counts once.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CacheInfo {
    /// Its folder.
    pub folder: Utf8PathBuf,
    /// Repositories that code was fetched from.
    pub mirrors: CachePart,
    /// Commits whose files lie ready.
    pub checkouts: CachePart,
    /// Tools of alo's own: installers.
    pub tools: CachePart,
    /// What killed builds and prunes have left in the folder of environments.
    pub leftovers: CachePart,
    /// Environments, the one used last first.
    pub environments: Vec<CachedEnvironment>,
}

/// How many there are of something, and their size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CachePart {
    /// How many.
    pub count: usize,
    /// In bytes.
    pub size: u64,
}

/// An environment of the cache.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CachedEnvironment {
    /// What tells it from others.
    pub key: String,
    /// Its folder.
    pub folder: Utf8PathBuf,
    /// The version of its Python.
    pub python: String,
    /// What is installed: `name==version`, sorted by name.
    pub packages: Vec<String>,
    /// When it was used last, within an hour.
    pub last_used: Timestamp,
    /// In bytes.
    pub size: u64,
}

#[derive(Deserialize)]
struct Record {
    python: String,
    packages: Vec<String>,
}

impl CacheInfo {
    /// Looks at the cache. Changes nothing, waits for no one; an empty or absent cache is no error.
    ///
    /// ```
    /// # let cache = tempfile::tempdir()?;
    /// # let cache = camino::Utf8Path::from_path(cache.path()).unwrap();
    /// let info = alo_assets::CacheInfo::read(cache);
    /// assert_eq!(info.environments.len(), 0);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn read(cache: &Utf8Path) -> Self {
        let mut disk = DiskUse::default();
        let mut part = |folders: Vec<Utf8PathBuf>| CachePart {
            count: folders.len(),
            size: folders.iter().map(|folder| disk.of(folder)).sum(),
        };
        let git = cache.join("git");
        let mirrors = part(folders_in(&git.join("mirrors")));
        let checkouts =
            folders_in(&git.join("checkouts")).iter().flat_map(|parent| folders_in(parent)).collect();
        let checkouts = part(checkouts);
        let tools = part(folders_in(&cache.join("tools")));
        let (mut environments, mut leftovers) = (Vec::new(), CachePart::default());
        for folder in folders_in(&cache.join("envs")) {
            let size = disk.of(&folder);
            match CachedEnvironment::read(cache, &folder, size) {
                Some(found) => environments.push(found),
                None => leftovers = CachePart { count: leftovers.count + 1, size: leftovers.size + size },
            }
        }
        environments.sort_by(|a, b| b.last_used.cmp(&a.last_used).then_with(|| a.key.cmp(&b.key)));
        Self { folder: cache.to_owned(), mirrors, checkouts, tools, leftovers, environments }
    }

    /// What all of it takes, in bytes.
    pub fn size(&self) -> u64 {
        let parts = [self.mirrors, self.checkouts, self.tools, self.leftovers];
        parts.iter().map(|part| part.size).chain(self.environments.iter().map(|found| found.size)).sum()
    }
}

impl CachedEnvironment {
    fn read(cache: &Utf8Path, folder: &Utf8Path, size: u64) -> Option<Self> {
        let key = folder.file_name()?.to_owned();
        let record = folder.join(RECORD);
        let Record { python, packages } = serde_json::from_slice(&fs_err::read(&record).ok()?).ok()?;
        let built = || fs_err::metadata(&record).and_then(|known| known.modified()).ok();
        let last = EnvironmentUse::last(cache, &key).or_else(built).unwrap_or(SystemTime::UNIX_EPOCH);
        let last_used = Timestamp::try_from(last).unwrap_or(Timestamp::UNIX_EPOCH);
        Some(Self { key, folder: folder.to_owned(), python, packages, last_used, size })
    }
}

/// Folders in a folder, by name. None if there is no such folder.
pub(super) fn folders_in(parent: &Utf8Path) -> Vec<Utf8PathBuf> {
    let Ok(entries) = parent.read_dir_utf8() else { return Vec::new() };
    let mut folders: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path().to_owned())
        .collect();
    folders.sort();
    folders
}
