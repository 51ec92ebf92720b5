//! Copying many files at once, by a few threads, with progress and a way to stop.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use camino::Utf8PathBuf;

use crate::copy::{CopyError, Meter, copy_file, digest_file};
use crate::manifest::FileEntry;
use crate::tree::Stamp;

/// How often progress is told and the wish to stop asked for.
const TICK: Duration = Duration::from_millis(50);

/// More threads do not help: a disk or a network file system is busy with these.
const MAX_THREADS: usize = 8;

/// A thread takes at most so many files at a time…
const BATCH_FILES: usize = 256;

/// …and no further one after so many bytes…
const BATCH_BYTES: u64 = 16 << 20;

/// …but comes back at least so often.
const SHARES: usize = 8;

/// A change within so many nanoseconds before a file was read might not show in its times: file systems
/// count in steps of up to two seconds.
const SETTLED: i64 = 2_000_000_000;

/// One file to bring up to date.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) from: Utf8PathBuf,
    pub(crate) to: Utf8PathBuf,
    /// The source when it was listed.
    pub(crate) source: Stamp,
    pub(crate) work: Work,
}

/// What has to be done for a file.
#[derive(Debug)]
pub(crate) enum Work {
    /// The copy is missing or of another size.
    Copy,
    /// There is a copy of the same size; copied only when the contents differ.
    Compare,
    /// The source is as it was, but the copy might have been lost: its digest must be this.
    Verify(String),
}

/// A file that is up to date now.
pub(crate) struct Done {
    /// Index of the job.
    pub(crate) job: usize,
    pub(crate) entry: FileEntry,
    pub(crate) copied: bool,
}

/// Does all jobs; the first error or the wish to stop ends it. `progress` gets the files and bytes done.
pub(crate) fn transfer(
    jobs: &[Job],
    cancelled: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Done>, CopyError> {
    let threads = thread::available_parallelism().map_or(2, NonZero::get).min(MAX_THREADS).min(jobs.len());
    let batches = batches(jobs, threads);
    let meter = Meter::default();
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, meter, next, batches) = (sender.clone(), &meter, &next, &batches);
            scope.spawn(move || {
                while !meter.is_stopped() {
                    let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    if sender.send(run(jobs, batch.clone(), meter)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut all = Vec::with_capacity(jobs.len());
        let mut told = Instant::now();
        loop {
            let timed_out = match receiver.recv_timeout(TICK) {
                Ok(Ok(done)) => {
                    all.extend(done);
                    false
                }
                Ok(Err(error)) => {
                    meter.stop();
                    return Err(error);
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if timed_out || told.elapsed() >= TICK {
                told = Instant::now();
                progress(meter.files(), meter.bytes());
                if cancelled() {
                    meter.stop();
                    return Err(CopyError::Stopped);
                }
            }
        }
        progress(meter.files(), meter.bytes());
        Ok(all)
    })
}

/// Cuts the jobs into pieces of which a thread takes one after the other: small enough that all end together, large enough
/// that handing them out costs nothing.
fn batches(jobs: &[Job], threads: usize) -> Vec<Range<usize>> {
    let most = (jobs.len() / threads.max(1) / SHARES).clamp(1, BATCH_FILES);
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, job) in jobs.iter().enumerate() {
        bytes += job.source.size;
        if at + 1 - start == most || bytes >= BATCH_BYTES || at + 1 == jobs.len() {
            batches.push(start..at + 1);
            (start, bytes) = (at + 1, 0);
        }
    }
    batches
}

fn run(jobs: &[Job], batch: Range<usize>, meter: &Meter) -> Result<Vec<Done>, CopyError> {
    let mut all = Vec::with_capacity(batch.len());
    for (at, job) in batch.clone().zip(&jobs[batch]) {
        let (entry, copied) = job.run(meter)?;
        meter.add_file();
        all.push(Done { job: at, entry, copied });
    }
    Ok(all)
}

impl Job {
    /// Brings the file up to date; whether it had to be copied.
    fn run(&self, meter: &Meter) -> Result<(FileEntry, bool), CopyError> {
        let now = now();
        match &self.work {
            Work::Copy => {}
            Work::Compare => {
                let (digest, source) = digest_file::<blake3::Hasher>(&self.from, meter)?;
                let (copy_digest, copy) = digest_file::<blake3::Hasher>(&self.to, meter)?;
                if digest == copy_digest {
                    return Ok((
                        FileEntry { source: settled(source, now), copy: copy.into(), digest },
                        false,
                    ));
                }
            }
            Work::Verify(expected) => {
                let (digest, copy) = digest_file::<blake3::Hasher>(&self.to, meter)?;
                if digest == *expected {
                    return Ok((
                        FileEntry { source: settled(self.source, now), copy: copy.into(), digest },
                        false,
                    ));
                }
            }
        }
        let copied = copy_file::<blake3::Hasher>(&self.from, &self.to, meter)?;
        let entry =
            FileEntry { source: settled(copied.source, now), copy: copied.copy, digest: copied.digest };
        Ok((entry, true))
    }
}

/// The stamp, if a later change is sure to alter it.
fn settled(stamp: Stamp, now: i64) -> Option<Stamp> {
    (stamp.changed.max(stamp.modified) < now.saturating_sub(SETTLED)).then_some(stamp)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    fn jobs(root: &Utf8Path, count: usize) -> Vec<Job> {
        let job = |index: usize| {
            let from = root.join(format!("from{index}"));
            fs_err::write(&from, format!("content {index}")).expect("written");
            let source = Stamp::of(&fs_err::metadata(&from).expect("there"));
            Job { from, to: root.join(format!("to{index}")), source, work: Work::Copy }
        };
        (0..count).map(job).collect()
    }

    #[test]
    fn every_file_arrives_and_is_counted() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let jobs = jobs(root, 100);
        let mut last = (0, 0);
        let done =
            transfer(&jobs, &|| false, &mut |files, bytes| last = (files, bytes)).expect("transferred");
        assert_eq!((done.len(), last.0), (100, 100));
        assert_eq!(last.1, 10 * 9 + 90 * 10);
        for index in 0..100 {
            assert_eq!(
                fs_err::read_to_string(root.join(format!("to{index}"))).expect("read"),
                format!("content {index}")
            );
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let mut jobs = jobs(root, 10);
        jobs[3].from = root.join("absent");
        let error = transfer(&jobs, &|| false, &mut |_, _| {}).err().expect("an error");
        assert!(error.to_string().contains("absent"));
    }

    #[test]
    fn a_verified_copy_that_was_lost_is_copied_again() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let mut jobs = jobs(root, 1);
        let done = transfer(&jobs, &|| false, &mut |_, _| {}).expect("transferred");
        jobs[0].work = Work::Verify(done[0].entry.digest.clone());
        assert!(!transfer(&jobs, &|| false, &mut |_, _| {}).expect("transferred")[0].copied);
        fs_err::write(&jobs[0].to, "\0\0\0\0\0\0\0\0\0").expect("written");
        assert!(transfer(&jobs, &|| false, &mut |_, _| {}).expect("transferred")[0].copied);
        assert_eq!(fs_err::read_to_string(&jobs[0].to).expect("read"), "content 0");
    }
}
