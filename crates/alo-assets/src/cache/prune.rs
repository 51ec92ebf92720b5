//! Removes environments that are not needed any more.
//!
//! An environment is renamed to a name that is no key, then deleted, so that a kill in between leaves nothing that is
//! taken for an environment; the next prune removes it. One that is in use, or being built, is passed over: nobody waits.

use std::collections::HashSet;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::info::{CacheInfo, CachedEnvironment, folders_in};
use super::usage::EnvironmentUse;
use crate::key_lock::{KeyLock, LockError};

/// Names of what is being deleted begin so.
const TRASH: &str = ".trash-";

/// What may stay.
#[derive(Debug, Clone, Default)]
pub struct PruneLimits {
    /// Environments that were not used for so long go. Default: none goes for its age.
    pub unused_for: Option<SignedDuration>,
    /// Environments go, the one used longest ago first, until the whole cache takes at most so many bytes. Default: any size.
    pub max_size: Option<u64>,
    /// Only tells what would go. Default: false.
    pub dry_run: bool,
}

/// What has gone.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// The environments that have gone, or would go.
    pub environments: Vec<CachedEnvironment>,
    /// How many leftovers of killed builds and prunes have gone, or would go.
    pub leftovers: usize,
    /// Environments that stay because they are in use.
    pub in_use: Vec<CachedEnvironment>,
    /// The bytes that have become free, or would.
    pub freed: u64,
}

/// Why the cache could not be pruned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// Something cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A folder cannot be removed.
    #[error("failed to remove `{folder}`")]
    Remove {
        /// The folder.
        folder: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Removes from the cache what the limits do not let stay, and what killed processes have left.
///
/// Safe beside running alo processes.
///
/// # Errors
/// See [`PruneError`]; what was removed before stays removed.
pub fn prune(cache: &Utf8Path, limits: &PruneLimits, now: Timestamp) -> Result<Pruned, PruneError> {
    let info = CacheInfo::read(cache);
    let mut pruned = Pruned::default();
    let known: HashSet<_> = info.environments.iter().map(|found| found.folder.clone()).collect();
    for folder in folders_in(&cache.join("envs")).into_iter().filter(|folder| !known.contains(folder)) {
        pruned.leftovers += usize::from(remove(cache, &folder, limits.dry_run)?);
    }
    let mut size = info.size();
    if pruned.leftovers == info.leftovers.count {
        size -= info.leftovers.size;
        pruned.freed = info.leftovers.size;
    }
    for environment in info.environments.into_iter().rev() {
        let unused = now.duration_since(environment.last_used);
        let is_old = limits.unused_for.is_some_and(|limit| unused > limit);
        let is_too_much = limits.max_size.is_some_and(|limit| size > limit);
        if !is_old && !is_too_much {
            continue;
        }
        if remove(cache, &environment.folder, limits.dry_run)? {
            size = size.saturating_sub(environment.size);
            pruned.freed += environment.size;
            pruned.environments.push(environment);
        } else {
            pruned.in_use.push(environment);
        }
    }
    Ok(pruned)
}

/// Removes a folder of `envs/` unless it is in use or being built. Tells whether it has gone, or would.
fn remove(cache: &Utf8Path, folder: &Utf8Path, dry_run: bool) -> Result<bool, PruneError> {
    let failed = |source| PruneError::Remove { folder: folder.to_owned(), source };
    let name = folder.file_name().unwrap_or_default();
    if name.starts_with(TRASH) {
        return if dry_run { Ok(true) } else { delete(folder).map_err(failed).map(|()| true) };
    }
    let Some(_unused) = EnvironmentUse::exclude(cache, name).map_err(failed)? else { return Ok(false) };
    let Some(_built) = KeyLock::try_acquire(cache, &format!("env-{name}"))? else { return Ok(false) };
    if dry_run {
        return Ok(true);
    }
    let trash = folder.with_file_name(format!("{TRASH}{name}-{}", std::process::id()));
    match fs_err::rename(folder, &trash) {
        Ok(()) => delete(&trash).map_err(failed).map(|()| true),
        // Another prune was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(failed(error)),
    }
}

fn delete(folder: &Utf8Path) -> io::Result<()> {
    match fs_err::remove_dir_all(folder) {
        // Another prune deletes it, too.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache with environments of 64 KiB, used so many days ago.
    fn cache(days: &[(&str, i64)]) -> (tempfile::TempDir, Utf8PathBuf, Timestamp) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let now = Timestamp::now();
        for (key, days) in days {
            let environment = cache.join("envs").join(key);
            fs_err::create_dir_all(&environment).unwrap();
            fs_err::write(environment.join("package.py"), vec![1; 65536]).unwrap();
            let record = format!(r#"{{"python": "3.10.1", "packages": ["{key}==1"], "more": 1}}"#);
            fs_err::write(environment.join("alo-environment.json"), record).unwrap();
            drop(EnvironmentUse::begin(&cache, key).unwrap());
            let then = now - SignedDuration::from_hours(24 * days);
            let mark =
                fs_err::OpenOptions::new().append(true).open(cache.join(format!("locks/use-{key}.lock")));
            mark.unwrap().file().set_modified(then.into()).unwrap();
        }
        (folder, cache, now)
    }

    fn left(cache: &Utf8Path) -> Vec<String> {
        folders_in(&cache.join("envs"))
            .iter()
            .filter_map(|folder| folder.file_name().map(str::to_owned))
            .collect()
    }

    fn days(days: i64) -> PruneLimits {
        PruneLimits { unused_for: Some(SignedDuration::from_hours(24 * days)), ..PruneLimits::default() }
    }

    #[test]
    fn what_was_not_used_for_long_goes_and_what_is_in_use_stays() {
        let (_keep, cache, now) = cache(&[("a", 40), ("b", 50), ("c", 1)]);
        let dry = PruneLimits { dry_run: true, ..days(30) };
        assert_eq!(prune(&cache, &dry, now).unwrap().environments.len(), 2);
        assert_eq!(left(&cache), ["a", "b", "c"]);

        let file = fs_err::OpenOptions::new().append(true).open(cache.join("locks/use-b.lock")).unwrap();
        file.file().lock_shared().unwrap();
        let pruned = prune(&cache, &days(30), now).unwrap();
        let keys =
            |found: &[CachedEnvironment]| found.iter().map(|found| found.key.clone()).collect::<Vec<_>>();
        assert_eq!((keys(&pruned.environments), keys(&pruned.in_use)), (vec!["a".into()], vec!["b".into()]));
        assert!(pruned.freed >= 65536);
        assert_eq!(left(&cache), ["b", "c"]);
        drop(file);
        prune(&cache, &days(30), now).unwrap();
        assert_eq!(left(&cache), ["c"]);
    }

    #[test]
    fn the_oldest_use_goes_first_until_the_size_is_kept() {
        let (_keep, cache, now) = cache(&[("a", 1), ("b", 3), ("c", 2)]);
        let limits = PruneLimits { max_size: Some(160_000), ..PruneLimits::default() };
        let pruned = prune(&cache, &limits, now).unwrap();
        assert_eq!(pruned.environments[0].key, "b");
        assert_eq!(left(&cache), ["a", "c"]);
        assert!(CacheInfo::read(&cache).size() <= 160_000);
    }

    #[test]
    fn leftovers_go_unless_somebody_builds() {
        let (_keep, cache, now) = cache(&[("a", 1)]);
        for half in ["killed", "building", ".trash-x-1"] {
            fs_err::create_dir_all(cache.join("envs").join(half).join("bin")).unwrap();
        }
        let build = KeyLock::acquire(&cache, "env-building", &|| false).unwrap();
        assert_eq!(CacheInfo::read(&cache).leftovers.count, 3);
        assert_eq!(prune(&cache, &PruneLimits::default(), now).unwrap().leftovers, 2);
        assert_eq!(left(&cache), ["a", "building"]);
        drop(build);
        assert_eq!(prune(&cache, &PruneLimits::default(), now).unwrap().leftovers, 1);
        assert_eq!(left(&cache), ["a"]);
    }

    #[test]
    fn a_use_is_noted_at_most_once_an_hour() {
        let (_keep, cache, _) = cache(&[("a", 2)]);
        let before = EnvironmentUse::last(&cache, "a").unwrap();
        drop(EnvironmentUse::begin(&cache, "a").unwrap());
        let noted = EnvironmentUse::last(&cache, "a").unwrap();
        assert!(noted > before);
        drop(EnvironmentUse::begin(&cache, "a").unwrap());
        assert_eq!(EnvironmentUse::last(&cache, "a").unwrap(), noted);
    }
}
