//! Which runs of the history go when it exceeds its quota.

use jiff::Timestamp;

/// A run as the quota sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// When it started.
    pub started: Timestamp,
    /// What its folder takes.
    pub bytes: u64,
    /// Whether it succeeded: failed and interrupted runs go first.
    pub good: bool,
    /// Whether it stays whatever the quota says: it has just finished, its model is current, it still runs, or a user
    /// pinned it.
    pub protected: bool,
}

/// Selects the runs that have to go, as indices into `runs`, in the order of going: failed before good, the oldest
/// first, until the rest fits into `quota` bytes or only protected runs are left.
///
/// A quota of 0 keeps only the protected ones.
///
/// ```
/// use alo_artifacts::{StoredRun, select};
///
/// let run = |second, good| StoredRun {
///     started: jiff::Timestamp::from_second(second).unwrap(),
///     bytes: 10,
///     good,
///     protected: second == 3,
/// };
/// let runs = [run(1, true), run(2, false), run(3, true)];
/// assert_eq!(select(&runs, 20), [1]);
/// assert_eq!(select(&runs, 0), [1, 0]);
/// ```
pub fn select(runs: &[StoredRun], quota: u64) -> Vec<usize> {
    let mut total = runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.bytes));
    let mut candidates: Vec<usize> = (0..runs.len()).filter(|at| !runs[*at].protected).collect();
    candidates.sort_by_key(|at| (runs[*at].good, runs[*at].started, *at));
    let mut going = Vec::new();
    for at in candidates {
        if quota > 0 && total <= quota {
            break;
        }
        total = total.saturating_sub(runs[at].bytes);
        going.push(at);
    }
    going
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runs() -> impl Strategy<Value = Vec<StoredRun>> {
        let run = (0_i64..1000, 0_u64..1000, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
            |(second, bytes, good, protected)| StoredRun {
                started: Timestamp::from_second(second).unwrap_or_default(),
                bytes,
                good,
                protected,
            },
        );
        prop::collection::vec(run, 0..60)
    }

    proptest! {
        #[test]
        fn the_quota_holds_and_nothing_goes_without_need(runs in runs(), quota in 0_u64..20_000) {
            let going = select(&runs, quota);
            let stays = |at: &usize| !going.contains(at);
            let kept: u64 = (0..runs.len()).filter(stays).map(|at| runs[at].bytes).sum();
            let unprotected_left = (0..runs.len()).filter(stays).any(|at| !runs[at].protected);
            // The limit holds, or only protected runs are left.
            prop_assert!(kept <= quota || !unprotected_left);
            // Protected runs stay, and no run goes twice.
            prop_assert!(going.iter().all(|at| !runs[*at].protected));
            let unique: std::collections::BTreeSet<_> = going.iter().collect();
            prop_assert_eq!(unique.len(), going.len());
            // No failed run outlives a good one, no older one a younger one of its class.
            let rank = |at: usize| (runs[at].good, runs[at].started);
            for gone in &going {
                for at in (0..runs.len()).filter(stays).filter(|at| !runs[*at].protected) {
                    prop_assert!(rank(*gone) <= rank(at));
                }
            }
            // The last to go had to go.
            if let Some(last) = going.last() && quota > 0 {
                prop_assert!(kept + runs[*last].bytes > quota);
            }
        }
    }
}
