//! Copying many files at once, by a few threads, with progress and a way to stop.

use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use camino::Utf8PathBuf;

use crate::batches::Batches;
use crate::copy::{CopyError, Meter, copy_file, create_file, digest_file};
use crate::manifest::FileEntry;
use crate::tree::Stamp;

/// How often progress is told and the wish to stop asked for.
const TICK: Duration = Duration::from_millis(50);

/// More threads do not help: a disk or a network file system is busy with these.
const MAX_THREADS: usize = 8;

/// A change within so many nanoseconds before a file was read might not show in its times: file systems
/// count in steps of up to two seconds.
const SETTLED: i64 = 2_000_000_000;

/// One file to bring up to date.
#[derive(Debug)]
pub(crate) struct Job {
    /// Where the source lies, and its copy: paths are put together when they are needed, as there may be many jobs.
    pub(crate) place: Arc<Place>,
    /// The path relative to `input/<kind>` under which the file is known.
    pub(crate) key: String,
    /// The source when it was listed.
    pub(crate) source: Stamp,
    pub(crate) work: Work,
}

/// A source and the place of its copy.
#[derive(Debug)]
pub(crate) struct Place {
    /// The name of the source in `input/<kind>`, with which the keys of its files start.
    pub(crate) name: String,
    pub(crate) from: Utf8PathBuf,
    pub(crate) to: Utf8PathBuf,
}

/// What has to be done for a file.
#[derive(Debug)]
pub(crate) enum Work {
    /// There is no copy, and its folder is not yet in its place, so that nobody sees it half written.
    Create,
    /// The copy is missing or of another size, in a folder that others know: it appears whole.
    Replace,
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
    let batches = Batches::new(jobs.iter().map(|job| job.source.size), threads);
    let meter = Meter::default();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for thread in 0..threads {
            let (sender, meter, batches) = (sender.clone(), &meter, &batches);
            scope.spawn(move || {
                while !meter.is_stopped() {
                    let Some(batch) = batches.next(thread) else { break };
                    if sender.send(run(jobs, batch, meter)).is_err() {
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
    /// The source's file, and the place of its copy.
    fn paths(&self) -> (Utf8PathBuf, Utf8PathBuf) {
        let Place { name, from, to } = &*self.place;
        match self.key.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('/')) {
            Some(relative) => (from.join(relative), to.join(relative)),
            // The source is a single file.
            None => (from.clone(), to.clone()),
        }
    }

    /// Brings the file up to date; whether it had to be copied.
    fn run(&self, meter: &Meter) -> Result<(FileEntry, bool), CopyError> {
        let now = now();
        let (from, to) = self.paths();
        match &self.work {
            Work::Create | Work::Replace => {}
            Work::Compare => {
                let (digest, source) = digest_file::<blake3::Hasher>(&from, meter)?;
                let (copy_digest, copy) = digest_file::<blake3::Hasher>(&to, meter)?;
                if digest == copy_digest {
                    return Ok((
                        FileEntry { source: settled(source, now), copy: copy.into(), digest },
                        false,
                    ));
                }
            }
            Work::Verify(expected) => {
                let (digest, copy) = digest_file::<blake3::Hasher>(&to, meter)?;
                if digest == *expected {
                    return Ok((
                        FileEntry { source: settled(self.source, now), copy: copy.into(), digest },
                        false,
                    ));
                }
            }
        }
        let copied = match self.work {
            Work::Create => create_file::<blake3::Hasher>(&from, &to, self.source, meter)?,
            _ => copy_file::<blake3::Hasher>(&from, &to, meter)?,
        };
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
        let place = Arc::new(Place { name: "data".to_owned(), from: root.join("from"), to: root.to_owned() });
        fs_err::create_dir(&place.from).expect("created");
        let job = |index: usize| {
            let from = place.from.join(format!("to{index}"));
            fs_err::write(&from, format!("content {index}")).expect("written");
            let source = Stamp::of(&fs_err::metadata(&from).expect("there"));
            Job { place: Arc::clone(&place), key: format!("data/to{index}"), source, work: Work::Create }
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
        jobs[3].key = "data/absent".to_owned();
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
        fs_err::write(root.join("to0"), "\0\0\0\0\0\0\0\0\0").expect("written");
        assert!(transfer(&jobs, &|| false, &mut |_, _| {}).expect("transferred")[0].copied);
        assert_eq!(fs_err::read_to_string(root.join("to0")).expect("read"), "content 0");
    }
}
