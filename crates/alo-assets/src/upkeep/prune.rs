//! Removes from the cache what is not needed any more.

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::entry::CacheEntry;
use super::error::PruneError;
use super::removal::{Removal, Remover};
use super::stock::Stock;

/// What may stay.
#[derive(Debug, Clone, Default)]
pub struct PruneLimits {
    /// What was not used for so long goes. Default: nothing goes for its age.
    pub unused_for: Option<SignedDuration>,
    /// Entries go, the one used longest ago first, until the cache takes at most so many bytes. Default: any size.
    pub max_size: Option<u64>,
    /// Only tells what would go. Default: false.
    pub dry_run: bool,
}

/// What has gone.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// What has gone, or would go, the one used longest ago first.
    pub entries: Vec<CacheEntry>,
    /// How many leftovers of killed builds, fetches and prunes have gone, or would go.
    pub leftovers: usize,
    /// What stays because it is in use.
    pub in_use: Vec<CacheEntry>,
    /// Checkouts that stay because somebody has edited them.
    pub edited: Vec<CacheEntry>,
    /// The bytes that have become free, or would.
    pub freed: u64,
}

/// Removes from the cache what the limits do not let stay, and what killed processes have left.
///
/// Safe beside running alo processes: what they use or make stays, and so does fetched code that somebody has edited. No link is
/// followed out of the cache.
///
/// # Errors
/// See [`PruneError`]; what was removed before stays removed.
pub fn prune(cache: &Utf8Path, limits: &PruneLimits, now: Timestamp) -> Result<Pruned, PruneError> {
    let remover = Remover { cache, is_dry: limits.dry_run };
    let Stock { mut entries, leftovers } = Stock::take(cache);
    entries.sort_by(|a, b| a.last_used.cmp(&b.last_used).then_with(|| a.folder.cmp(&b.folder)));
    let mut size: u64 = entries.iter().map(|entry| entry.size).sum();
    let mut pruned = Pruned::default();
    for leftover in leftovers {
        if remover.leftover(&leftover)? == Removal::Gone {
            pruned.leftovers += 1;
            pruned.freed += leftover.size;
        } else {
            size += leftover.size;
        }
    }
    for entry in entries {
        let is_old = limits.unused_for.is_some_and(|limit| now.duration_since(entry.last_used) > limit);
        let is_too_much = limits.max_size.is_some_and(|limit| size > limit);
        if !is_old && !is_too_much {
            continue;
        }
        match remover.entry(&entry)? {
            Removal::Gone => {
                size = size.saturating_sub(entry.size);
                pruned.freed += entry.size;
                pruned.entries.push(entry);
            }
            Removal::InUse => pruned.in_use.push(entry),
            Removal::Edited => pruned.edited.push(entry),
        }
    }
    Ok(pruned)
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;
    use crate::CacheInfo;
    use crate::cache::{CacheUse, Place};
    use crate::key_lock::KeyLock;

    struct Cache {
        _folder: tempfile::TempDir,
        path: Utf8PathBuf,
        now: Timestamp,
    }

    impl Cache {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = Utf8PathBuf::from_path_buf(folder.path().join("cache")).unwrap();
            Self { _folder: folder, path, now: Timestamp::now() }
        }

        /// Something of 64 KiB, used so many days ago.
        fn add(&self, place: &Place, days: i64) -> Utf8PathBuf {
            let folder = place.folder(&self.path);
            fs_err::create_dir_all(&folder).unwrap();
            fs_err::write(folder.join("content"), vec![1; 65536]).unwrap();
            let (mark, text) = match place {
                Place::Environment { .. } => {
                    ("alo-environment.json", r#"{"python": "3.10.1", "packages": ["a==1"], "more": 1}"#)
                }
                Place::Mirror { .. } => ("HEAD", "ref: refs/heads/main\n"),
                _ => ("uv", "#!/bin/sh\n"),
            };
            fs_err::write(folder.join(mark), text).unwrap();
            drop(CacheUse::begin(&self.path, place).unwrap());
            let then = self.now - SignedDuration::from_hours(24 * days);
            let lock = fs_err::read_dir(self.path.join("locks")).unwrap().map(|entry| entry.unwrap());
            let lock = lock.max_by_key(|entry| entry.metadata().unwrap().modified().unwrap()).unwrap();
            let lock = fs_err::OpenOptions::new().append(true).open(lock.path()).unwrap();
            lock.file().set_modified(then.into()).unwrap();
            folder
        }

        fn prune(&self, limits: &PruneLimits) -> Pruned {
            prune(&self.path, limits, self.now).unwrap()
        }

        /// The names of what is there, sorted.
        fn left(&self) -> Vec<String> {
            let info = CacheInfo::read(&self.path);
            let mut names: Vec<_> =
                info.entries.iter().map(|entry| entry.content.name().to_owned()).collect();
            names.sort();
            names
        }
    }

    fn environment(key: &str) -> Place {
        Place::Environment { key: key.to_owned() }
    }

    fn tool(name: &str) -> Place {
        Place::Tool { name: name.to_owned() }
    }

    fn mirror(name: &str) -> Place {
        Place::Mirror { repository: name.to_owned(), is_wide: false }
    }

    fn names(entries: &[CacheEntry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.content.name()).collect()
    }

    fn days(days: i64) -> PruneLimits {
        PruneLimits { unused_for: Some(SignedDuration::from_hours(24 * days)), ..PruneLimits::default() }
    }

    #[test]
    fn what_was_not_used_for_long_goes_and_what_is_in_use_stays() {
        let cache = Cache::new();
        cache.add(&environment("a"), 40);
        cache.add(&environment("b"), 50);
        cache.add(&environment("c"), 1);
        cache.add(&mirror("m"), 60);
        cache.add(&tool("uv-1"), 31);
        cache.add(&tool("uv-2"), 29);
        let dry = PruneLimits { dry_run: true, ..days(30) };
        assert_eq!(names(&cache.prune(&dry).entries), ["m", "b", "a", "uv-1"]);
        assert_eq!(cache.left(), ["a", "b", "c", "m", "uv-1", "uv-2"]);

        let locks = cache.path.join("locks");
        let hold = |lock: &str| {
            let file = fs_err::OpenOptions::new().append(true).open(locks.join(lock)).unwrap();
            file.file().lock_shared().unwrap();
            file
        };
        let used = [hold("use-b.lock"), hold("use-uv-1.lock")];
        let fetch = KeyLock::acquire(&cache.path, "git-m", &|| false).unwrap();
        let pruned = cache.prune(&days(30));
        assert_eq!((names(&pruned.entries), names(&pruned.in_use)), (vec!["a"], vec!["m", "b", "uv-1"]));
        assert!(pruned.freed >= 65536);
        assert_eq!(cache.left(), ["b", "c", "m", "uv-1", "uv-2"]);
        drop((used, fetch));
        cache.prune(&days(30));
        assert_eq!(cache.left(), ["c", "uv-2"]);
    }

    #[test]
    fn the_oldest_use_of_whatever_kind_goes_first_until_the_size_is_kept() {
        let cache = Cache::new();
        cache.add(&environment("a"), 1);
        cache.add(&mirror("m"), 4);
        cache.add(&environment("b"), 3);
        cache.add(&tool("uv-1"), 2);
        let limits = PruneLimits { max_size: Some(160_000), ..PruneLimits::default() };
        assert_eq!(names(&cache.prune(&limits).entries), ["m", "b"]);
        assert_eq!(cache.left(), ["a", "uv-1"]);
        assert!(CacheInfo::read(&cache.path).size() <= 160_000);
    }

    #[test]
    fn leftovers_go_unless_somebody_is_at_work_on_them() {
        let cache = Cache::new();
        cache.add(&environment("a"), 1);
        for half in [
            "envs/killed",
            "envs/building",
            "envs/building.old",
            "envs/.trash-x-1",
            "git/mirrors/.fetching-m-0123456789abcdef-Xy12",
            "git/mirrors/m-0123456789abcdef.sha256.making",
            "git/checkouts/m-0123456789abcdef/.building-Zz",
            "git/checkouts/other/0123",
            "tools/.unpacking-uv-1-Xy12",
            "tools/.trash-uv-0-1",
            "tools/pip-half",
        ] {
            fs_err::create_dir_all(cache.path.join(half).join("bin")).unwrap();
        }
        let at_work = |lock| KeyLock::acquire(&cache.path, lock, &|| false).unwrap();
        let at_work = ["env-building", "git-m-0123456789abcdef", "uv-1"].map(at_work);
        assert_eq!(CacheInfo::read(&cache.path).leftovers.count, 11);
        assert_eq!(cache.prune(&PruneLimits::default()).leftovers, 5);
        assert_eq!(CacheInfo::read(&cache.path).leftovers.count, 6);
        drop(at_work);
        assert_eq!(cache.prune(&PruneLimits::default()).leftovers, 6);
        assert_eq!((CacheInfo::read(&cache.path).leftovers.count, cache.left()), (0, vec!["a".to_owned()]));
    }

    #[test]
    fn no_link_is_followed_and_what_is_not_alo_s_stays() {
        use std::os::unix::fs::symlink;

        let cache = Cache::new();
        let outside = Cache::new();
        let precious = outside.add(&environment("precious"), 90);
        let inside = cache.add(&environment("a"), 90);
        symlink(outside.path.join("envs"), inside.join("link")).unwrap();
        symlink(&precious, cache.path.join("envs/link")).unwrap();
        symlink(outside.path.join("envs"), cache.path.join("tools")).unwrap();
        fs_err::create_dir_all(cache.path.join("git")).unwrap();
        symlink(outside.path.join("envs"), cache.path.join("git/mirrors")).unwrap();
        assert_eq!(names(&cache.prune(&days(30)).entries), ["a"]);
        assert!(precious.join("content").exists() && cache.path.join("envs/link").exists());

        fs_err::remove_file(cache.path.join("tools")).unwrap();
        fs_err::create_dir_all(cache.path.join("tools/mine")).unwrap();
        assert_eq!(cache.prune(&days(0)).leftovers, 0);
        assert!(cache.path.join("tools/mine").exists());
    }
}
