//! Which runs of the history go when it exceeds its quota.

use std::collections::HashMap;

use jiff::Timestamp;

/// A run as the quota sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredRun {
    /// When it started.
    pub started: Timestamp,
    /// Whether its artifacts are whole: failed and interrupted runs go first.
    pub good: bool,
    /// Whether it stays whatever the quota says: it has just finished, its model is current, it still runs, or a user
    /// pinned it.
    pub protected: bool,
}

/// What a run holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holding {
    /// Bytes that it alone has.
    pub own: u64,
    /// Files that other runs may have, too.
    pub shared: Vec<SharedFile>,
}

/// A file that several runs may have, one file on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedFile {
    /// Tells it from every other.
    pub inode: u64,
    /// Its size.
    pub bytes: u64,
    /// How often runs have it, before any of them goes.
    pub names: u64,
}

/// What the history may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Bytes, files that runs share counted once. 0 leaves only protected runs.
    pub bytes: Option<u64>,
    /// Runs, protected ones included.
    pub runs: Option<usize>,
}

/// The runs that have to go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Indices of the runs in the order of going, and the bytes that each sets free when all before it have gone.
    pub going: Vec<(usize, u64)>,
    /// The bytes that are left.
    pub left: u64,
}

/// Selects the runs that have to go, in the order of going: failed before good, the oldest first, until the rest keeps
/// within the limits or only protected runs are left.
///
/// `total` is what all runs take, and `holding` tells what one of them holds; it is asked only for runs that go.
///
/// ```
/// use alo_artifacts::{Holding, Retention, StoredRun, select};
///
/// let run = |second, good| StoredRun {
///     started: jiff::Timestamp::from_second(second).unwrap(),
///     good,
///     protected: second == 3,
/// };
/// let runs = [run(1, true), run(2, false), run(3, true)];
/// let ten = |_| Holding { own: 10, shared: Vec::new() };
/// let within = |bytes| Retention { bytes: Some(bytes), runs: None };
/// assert_eq!(select(&runs, 30, within(20), ten).going, [(1, 10)]);
/// assert_eq!(select(&runs, 30, within(0), ten).going, [(1, 10), (0, 10)]);
/// ```
pub fn select(
    runs: &[StoredRun],
    total: u64,
    limit: Retention,
    mut holding: impl FnMut(usize) -> Holding,
) -> Selection {
    let mut selection = Selection { going: Vec::new(), left: total };
    let mut candidates: Vec<usize> = (0..runs.len()).filter(|at| !runs[*at].protected).collect();
    candidates.sort_by_key(|at| (runs[*at].good, runs[*at].started, *at));
    // Names that files of several runs have lost so far.
    let mut lost: HashMap<u64, u64> = HashMap::new();
    for at in candidates {
        let fits = limit.bytes.is_none_or(|bytes| bytes > 0 && selection.left <= bytes);
        let few = limit.runs.is_none_or(|most| runs.len() - selection.going.len() <= most);
        if fits && few {
            break;
        }
        let Holding { own, shared } = holding(at);
        let mut freed = own;
        for file in shared {
            let names = lost.entry(file.inode).or_default();
            *names += 1;
            if *names >= file.names {
                freed += file.bytes;
            }
        }
        selection.left = selection.left.saturating_sub(freed);
        selection.going.push((at, freed));
    }
    selection
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A run and the files it has: (which, its size) — a file of a number has always the same size.
    #[derive(Debug, Clone)]
    struct Run {
        stored: StoredRun,
        own: u64,
        files: Vec<u64>,
    }

    fn size_of(file: u64) -> u64 {
        (file + 1) * 37
    }

    fn runs() -> impl Strategy<Value = Vec<Run>> {
        let files = prop::collection::vec(0_u64..12, 0..6);
        let run = (0_i64..1000, 0_u64..1000, any::<bool>(), prop::bool::weighted(0.2), files).prop_map(
            |(second, own, good, protected, files)| Run {
                stored: StoredRun {
                    started: Timestamp::from_second(second).unwrap_or_default(),
                    good,
                    protected,
                },
                own,
                files,
            },
        );
        prop::collection::vec(run, 0..60)
    }

    /// What these runs take, every file counted once.
    fn takes<'a>(runs: impl Iterator<Item = &'a Run> + Clone) -> u64 {
        let files: std::collections::BTreeSet<u64> = runs.clone().flat_map(|run| run.files.clone()).collect();
        runs.map(|run| run.own).sum::<u64>() + files.into_iter().map(size_of).sum::<u64>()
    }

    proptest! {
        #[test]
        fn the_quota_holds_and_nothing_goes_without_need(
            runs in runs(),
            quota in 0_u64..20_000,
            most in prop::option::of(0_usize..60),
        ) {
            let mut names: BTreeMap<u64, u64> = BTreeMap::new();
            for file in runs.iter().flat_map(|run| &run.files) {
                *names.entry(*file).or_default() += 1;
            }
            let stored: Vec<_> = runs.iter().map(|run| run.stored).collect();
            let limit = Retention { bytes: Some(quota), runs: most };
            let selection = select(&stored, takes(runs.iter()), limit, |at| Holding {
                own: runs[at].own,
                shared: runs[at].files.iter()
                    .map(|file| SharedFile { inode: *file, bytes: size_of(*file), names: names[file] })
                    .collect(),
            });
            let going: Vec<usize> = selection.going.iter().map(|(at, _)| *at).collect();
            let left = |gone: &[usize]| takes((0..runs.len()).filter(|at| !gone.contains(at)).map(|at| &runs[at]).collect::<Vec<_>>().into_iter());
            // The bytes are counted right, with every content once.
            prop_assert_eq!(selection.left, left(&going));
            // The limits hold, or only protected runs are left.
            let stays = |at: &usize| !going.contains(at);
            let kept = (0..runs.len()).filter(stays).count();
            let holds = |left: u64, kept: usize| left <= quota && quota > 0 && most.is_none_or(|most| kept <= most);
            let unprotected_left = (0..runs.len()).filter(stays).any(|at| !stored[at].protected);
            prop_assert!(holds(selection.left, kept) || !unprotected_left);
            // Protected runs stay, and no run goes twice.
            prop_assert!(going.iter().all(|at| !stored[*at].protected));
            let unique: std::collections::BTreeSet<_> = going.iter().collect();
            prop_assert_eq!(unique.len(), going.len());
            // No failed run outlives a good one, no older one a younger one of its class.
            let rank = |at: usize| (stored[at].good, stored[at].started);
            for gone in &going {
                for at in (0..runs.len()).filter(stays).filter(|at| !stored[*at].protected) {
                    prop_assert!(rank(*gone) <= rank(at));
                }
            }
            // The last to go had to go.
            if let Some((_, before)) = going.split_last() {
                prop_assert!(!holds(left(before), kept + 1));
            }
        }
    }
}
