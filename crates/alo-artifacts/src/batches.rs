//! Many files, dealt out to a few threads so that each works in folders of its own.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A thread takes at most so many files at a time…
const MOST_FILES: u64 = 16;

/// …of the first ones fewer, so that all threads end together where there are not many…
const FIRST_FILES: u64 = 16;

/// …no further one after so many bytes…
const MOST_BYTES: u64 = 16 << 20;

/// …and of the manifest no more than this.
const MOST_ROWS: u64 = 64 << 10;

/// Creating a file takes about as long as copying so many bytes.
const FILE_COST: u64 = 64 << 10;

/// Neighbouring files, by their rows in the manifest. Some of them may need nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) rows: Range<u64>,
    /// Index of the source.
    pub(crate) place: usize,
    files: u64,
    bytes: u64,
}

impl Batch {
    /// What it costs beside others, in bytes.
    fn cost(&self) -> u128 {
        u128::from(self.bytes) + u128::from(self.files) * u128::from(FILE_COST)
    }
}

/// The files for which there is something to do, as they are found.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    all: Vec<Batch>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Batches {
    /// Adds a file of that size, by its row, of the source with that index.
    pub(crate) fn add(&mut self, rows: Range<u64>, place: usize, size: u64) {
        let most = (self.files / FIRST_FILES).clamp(1, MOST_FILES);
        self.files += 1;
        self.bytes += size;
        if let Some(last) = self.all.last_mut()
            && last.place == place
            && last.files < most
            && last.bytes < MOST_BYTES
            && rows.end - last.rows.start <= MOST_ROWS
        {
            last.rows.end = rows.end;
            last.files += 1;
            last.bytes += size;
            return;
        }
        self.all.push(Batch { rows, place, files: 1, bytes: size });
    }

    /// Deals them out to so many threads.
    pub(crate) fn shares(&self, threads: usize) -> Shares<'_> {
        let threads = threads.max(1);
        let total = self.all.iter().map(Batch::cost).sum::<u128>().max(1);
        let mut shares = vec![VecDeque::new(); threads];
        let mut dealt = 0;
        for batch in &self.all {
            // Whose it is tells its place in all the work.
            let owner = dealt * threads as u128 / total;
            let owner = usize::try_from(owner).map_or(threads - 1, |owner| owner.min(threads - 1));
            dealt += batch.cost();
            shares[owner].push_back(batch);
        }
        Shares(Mutex::new(shares))
    }
}

/// Batches that have not been begun. Each thread has a run of neighbours, and who has none left takes the last one of
/// whoever has most: files that lie in one folder are created by one thread, as a folder lets in only one.
pub(crate) struct Shares<'a>(Mutex<Vec<VecDeque<&'a Batch>>>);

impl<'a> Shares<'a> {
    /// The next batch for a thread.
    pub(crate) fn next(&self, thread: usize) -> Option<&'a Batch> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.get_mut(thread).and_then(VecDeque::pop_front);
        own.or_else(|| all.iter_mut().max_by_key(|of| of.len())?.pop_back())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(sizes: &[u64]) -> Batches {
        let mut batches = Batches::default();
        for (at, size) in (0..).zip(sizes) {
            // Every other row needs nothing.
            batches.add(at * 200..at * 200 + 100, 0, *size);
        }
        batches
    }

    #[test]
    fn every_file_is_dealt_out_once_whoever_asks() {
        for sizes in [&[][..], &[7], &[1 << 30; 10], &[10_000; 2000], &[0; 5]] {
            for threads in 1..4 {
                let batches = batches(sizes);
                let shares = batches.shares(threads);
                let mut dealt: Vec<_> = (0..).map_while(|turn| shares.next(turn % threads)).collect();
                dealt.sort_by_key(|batch| batch.rows.start);
                assert!(dealt.windows(2).all(|two| two[0].rows.end < two[1].rows.start));
                assert_eq!(dealt.iter().map(|batch| batch.files).sum::<u64>(), sizes.len() as u64);
                assert_eq!(dealt.iter().map(|batch| batch.bytes).sum::<u64>(), sizes.iter().sum::<u64>());
            }
        }
    }

    #[test]
    fn threads_start_far_from_each_other_and_help_at_the_end() {
        let small = batches(&[10_000; 2000]);
        let shares = small.shares(2);
        assert_eq!(shares.next(0).map(|batch| batch.rows.start), Some(0));
        let far = shares.next(1).expect("a batch").rows.start / 200;
        assert!((900..1100).contains(&far), "{far}");
        let alone: u64 = std::iter::from_fn(|| shares.next(0)).map(|batch| batch.files).sum();
        assert!(alone > 1900, "{alone}");
        // By size, not by number: one large file is as much as many small ones.
        let sizes: Vec<u64> = std::iter::once(1 << 30).chain([1 << 20; 100]).collect();
        let large = batches(&sizes);
        let shares = large.shares(2);
        let starts = [0, 1].map(|thread| shares.next(thread).map(|batch| batch.rows.start));
        assert_eq!(starts, [Some(0), Some(200)]);
    }

    #[test]
    fn sources_and_distant_rows_are_not_put_together() {
        let mut batches = Batches::default();
        for _ in 0..1000 {
            batches.add(0..1, 0, 0);
        }
        let before = batches.all.len();
        batches.add(1..2, 1, 0);
        batches.add(3..4, 1, 0);
        batches.add(MOST_ROWS + 2..MOST_ROWS + 3, 1, 0);
        assert_eq!(batches.all.len(), before + 2);
    }
}
