//! Many files, dealt out to a few threads so that each works in folders of its own.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A thread takes at most so many files at a time…
const BATCH_FILES: usize = 64;

/// …and no further one after so many bytes…
const BATCH_BYTES: u64 = 16 << 20;

/// …but comes back at least so often.
const SHARES: usize = 8;

/// Creating a file takes about as long as copying so many bytes.
const FILE_COST: u64 = 64 << 10;

/// Pieces of a list of jobs that have not been begun. Each thread has a run of neighbours, and who has none left takes the
/// last one of whoever has most: files that lie in one folder are created by one thread, as a folder lets in only one.
pub(crate) struct Batches(Mutex<Vec<VecDeque<Range<usize>>>>);

impl Batches {
    /// Cuts jobs on files of these sizes into pieces: small enough that all threads end together, large enough that
    /// handing them out costs nothing.
    pub(crate) fn new(sizes: impl ExactSizeIterator<Item = u64> + Clone, threads: usize) -> Self {
        let threads = threads.max(1);
        let jobs = sizes.len();
        let total = sizes.clone().map(cost).sum::<u128>().max(1);
        let most = (jobs / threads / SHARES).clamp(1, BATCH_FILES);
        let mut all = vec![VecDeque::new(); threads];
        let (mut start, mut bytes, mut costs, mut dealt) = (0, 0, 0, 0);
        for (at, size) in sizes.enumerate() {
            bytes += size;
            costs += cost(size);
            if at + 1 - start == most || bytes >= BATCH_BYTES || at + 1 == jobs {
                let batch = start..at + 1;
                // Whose it is tells the place of its first job in all the work.
                let owner = dealt * threads as u128 / total;
                let owner = usize::try_from(owner).map_or(threads - 1, |owner| owner.min(threads - 1));
                all[owner].push_back(batch);
                dealt += costs;
                (start, bytes, costs) = (at + 1, 0, 0);
            }
        }
        Self(Mutex::new(all))
    }

    /// The next piece for a thread.
    pub(crate) fn next(&self, thread: usize) -> Option<Range<usize>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.get_mut(thread).and_then(VecDeque::pop_front);
        own.or_else(|| all.iter_mut().max_by_key(|of| of.len())?.pop_back())
    }
}

/// What a job costs beside others, in bytes.
fn cost(size: u64) -> u128 {
    u128::from(size) + u128::from(FILE_COST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_dealt_out_once_whoever_asks() {
        for sizes in [&[][..], &[7], &[1 << 30; 10], &[10_000; 2000], &[0; 5]] {
            for threads in 1..4 {
                let batches = Batches::new(sizes.iter().copied(), threads);
                let mut dealt: Vec<usize> =
                    (0..).map_while(|turn| batches.next(turn % threads)).flatten().collect();
                dealt.sort_unstable();
                assert_eq!(dealt, (0..sizes.len()).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn threads_start_far_from_each_other_and_help_at_the_end() {
        let batches = Batches::new([10_000; 2000].into_iter(), 2);
        assert_eq!(batches.next(0).map(|batch| batch.start), Some(0));
        let far = batches.next(1).expect("a batch").start;
        assert!((900..1100).contains(&far), "{far}");
        let alone: Vec<_> = std::iter::from_fn(|| batches.next(0)).collect();
        assert_eq!(alone.iter().map(Range::len).sum::<usize>(), 2000 - 2 * 64);
        // By size, not by number: one large file is as much as many small ones.
        let sizes: Vec<u64> = std::iter::once(1 << 30).chain([1 << 20; 100]).collect();
        let batches = Batches::new(sizes.into_iter(), 2);
        assert_eq!((batches.next(0), batches.next(1).map(|batch| batch.start)), (Some(0..1), Some(1)));
    }
}
