//! What the cache holds, for people.

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use super::entry::CacheEntry;
use super::leftover::Leftovers;
use super::stock::Stock;

/// What the cache holds. A file of several names counts once.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CacheInfo {
    /// Its folder.
    pub folder: Utf8PathBuf,
    /// Environments, checkouts, repositories and tools, the one used last first.
    pub entries: Vec<CacheEntry>,
    /// What killed builds, fetches and prunes have left.
    pub leftovers: Leftovers,
}

impl CacheInfo {
    /// Looks at the cache. Changes nothing, waits for no one; an empty or absent cache is no error.
    ///
    /// ```
    /// # let cache = tempfile::tempdir()?;
    /// # let cache = camino::Utf8Path::from_path(cache.path()).unwrap();
    /// let info = alo_assets::CacheInfo::read(cache);
    /// assert_eq!((info.entries.len(), info.size()), (0, 0));
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn read(cache: &Utf8Path) -> Self {
        let Stock { mut entries, leftovers } = Stock::take(cache);
        entries.sort_by(|a, b| b.last_used.cmp(&a.last_used).then_with(|| a.folder.cmp(&b.folder)));
        let size = leftovers.iter().map(|leftover| leftover.size).sum();
        let leftovers = Leftovers { count: leftovers.len(), size };
        Self { folder: cache.to_owned(), entries, leftovers }
    }

    /// What all of it takes, in bytes.
    pub fn size(&self) -> u64 {
        self.leftovers.size + self.entries.iter().map(|entry| entry.size).sum::<u64>()
    }
}
