//! Copying many files at once, by a few threads, with progress and a way to stop.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use camino::Utf8PathBuf;

use crate::batches::{Batch, Batches};
use crate::copy::{CopyError, Meter, copy_file, create_file, digest_file};
use crate::manifest::{FileEntry, Filling, Row, Source, State, Work};
use crate::stamp::Stamp;

/// How often progress is told and the wish to stop asked for.
const TICK: Duration = Duration::from_millis(50);

/// More threads do not help: a disk or a network file system is busy with these.
const MAX_THREADS: usize = 8;

/// A change within so many nanoseconds before a file was read might not show in its times: file systems
/// count in steps of up to two seconds.
const SETTLED: i64 = 2_000_000_000;

/// A source and the place of its copy.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) from: Utf8PathBuf,
    pub(crate) to: Utf8PathBuf,
}

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// The files to bring up to date, by their rows in the manifest.
pub(crate) struct Transfer<'a> {
    pub(crate) places: &'a [Place],
    pub(crate) batches: &'a Batches,
    /// Filled in file by file.
    pub(crate) manifest: &'a Filling,
}

/// What the threads share.
#[derive(Default)]
struct Shared {
    meter: Meter,
    copied_files: AtomicU64,
    copied_bytes: AtomicU64,
}

impl Transfer<'_> {
    /// Does all; the first error or the wish to stop ends it. `progress` gets the files and bytes done.
    pub(crate) fn run(
        &self,
        cancelled: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Arrived, CopyError> {
        let files = usize::try_from(self.batches.files).unwrap_or(usize::MAX);
        let threads = thread::available_parallelism().map_or(2, NonZero::get).min(MAX_THREADS).min(files);
        let batches = self.batches.shares(threads);
        let shared = Shared::default();
        let meter = &shared.meter;
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for thread in 0..threads {
                let (sender, shared, batches) = (sender.clone(), &shared, &batches);
                scope.spawn(move || {
                    while !shared.meter.is_stopped() {
                        let Some(batch) = batches.next(thread) else { break };
                        if sender.send(self.bring(batch, shared)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut told = Instant::now();
            loop {
                let timed_out = match receiver.recv_timeout(TICK) {
                    Ok(Ok(())) => false,
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
            Ok(())
        })?;
        Ok(Arrived { files: shared.copied_files.into_inner(), bytes: shared.copied_bytes.into_inner() })
    }

    /// Brings the files of a batch up to date.
    fn bring(&self, batch: &Batch, shared: &Shared) -> Result<(), CopyError> {
        let rows = self.manifest.read(&batch.rows)?;
        let (mut rest, mut at) = (rows.as_slice(), batch.rows.start);
        let Some(place) = self.places.get(batch.place) else { return Ok(()) };
        while let Some((row, path, length)) = Filling::split(rest) {
            if let (State::Left(work), Source::File(source)) = (row.state, row.entry.source) {
                let (entry, copied) = place.bring(path, work, source, &row.entry, &shared.meter)?;
                self.manifest.fill(at, path, &Row::done(entry))?;
                shared.meter.add_file();
                if copied {
                    shared.copied_files.fetch_add(1, Ordering::Relaxed);
                    shared.copied_bytes.fetch_add(entry.copy.size, Ordering::Relaxed);
                }
            }
            rest = rest.get(length..).unwrap_or_default();
            at += length as u64;
        }
        Ok(())
    }
}

impl Place {
    /// The file in the source, and its copy; a source that is a single file is the file.
    fn paths(&self, relative: &str) -> (Utf8PathBuf, Utf8PathBuf) {
        if relative.is_empty() {
            return (self.from.clone(), self.to.clone());
        }
        (self.from.join(relative), self.to.join(relative))
    }

    /// Brings a file up to date that was listed as `source`; whether it had to be copied.
    fn bring(
        &self,
        relative: &str,
        work: Work,
        source: Stamp,
        expected: &FileEntry,
        meter: &Meter,
    ) -> Result<(FileEntry, bool), CopyError> {
        let now = now();
        let (from, to) = self.paths(relative);
        match work {
            Work::Create | Work::Replace | Work::Fetch => {}
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
            Work::Verify => {
                let (digest, copy) = digest_file::<blake3::Hasher>(&to, meter)?;
                if digest == expected.digest {
                    return Ok((
                        FileEntry { source: settled(source, now), copy: copy.into(), digest },
                        false,
                    ));
                }
            }
        }
        let copied = match work {
            Work::Create => create_file::<blake3::Hasher>(&from, &to, source, meter)?,
            _ => copy_file::<blake3::Hasher>(&from, &to, meter)?,
        };
        let entry =
            FileEntry { source: settled(copied.source, now), copy: copied.copy, digest: copied.digest };
        Ok((entry, true))
    }
}

/// The stamp, if a later change is sure to alter it.
fn settled(stamp: Stamp, now: i64) -> Source {
    let is_settled = stamp.changed.max(stamp.modified) < now.saturating_sub(SETTLED);
    if is_settled { Source::File(stamp) } else { Source::Unsettled }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use alo_plan::PipelineKind::Train;
    use camino::Utf8Path;

    use super::*;
    use crate::digest::ContentDigest;
    use crate::layout::ProjectLayout;
    use crate::manifest::{Draft, Rows};

    struct Files {
        _dir: tempfile::TempDir,
        root: Utf8PathBuf,
        places: [Place; 1],
        batches: Batches,
        manifest: Filling,
        /// Of the rows.
        end: u64,
    }

    impl Files {
        /// Files of which those have to be copied to others; of every third one nothing is to be done.
        fn new(count: usize) -> Self {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
            let places = [Place { from: root.join("from"), to: root.join("to") }];
            fs_err::create_dir(root.join("from")).expect("created");
            fs_err::create_dir(root.join("to")).expect("created");
            let mut draft = Draft::new(&ProjectLayout::new(root.clone()), Train);
            let mut batches = Batches::default();
            for index in 0..count {
                let (from, name) = (root.join(format!("from/{index}")), index.to_string());
                fs_err::write(&from, format!("content {index}")).expect("written");
                let source = Stamp::of(&fs_err::metadata(&from).expect("there"));
                let row = Row::left(Work::Create, source, None);
                let at = draft.push(&name, &row).expect("added");
                batches.add(at..draft.end(), 0, source.size);
                draft.push(&format!("{name}.known"), &Row::done(row.entry)).expect("added");
            }
            let end = draft.end();
            let manifest = draft.take_place(Vec::new()).expect("written");
            Self { _dir: dir, root, places, batches, manifest, end }
        }

        fn run(&self) -> Result<(Arrived, (u64, u64)), CopyError> {
            let Self { places, batches, manifest, .. } = self;
            let mut last = (0, 0);
            let transfer = Transfer { places, batches, manifest };
            let arrived = transfer.run(&|| false, &mut |files, bytes| last = (files, bytes))?;
            Ok((arrived, last))
        }

        fn read(&self, index: usize) -> String {
            fs_err::read_to_string(self.root.join(format!("to/{index}"))).expect("read")
        }
    }

    #[test]
    fn every_file_arrives_is_counted_and_written_down() {
        let files = Files::new(100);
        let bytes = 10 * 9 + 90 * 10;
        assert_eq!(files.run().expect("copied"), (Arrived { files: 100, bytes }, (100, bytes)));
        for index in 0..100 {
            assert_eq!(files.read(index), format!("content {index}"));
        }
        let mut rows = Rows::new(files.manifest.file(), 0..files.end);
        let mut known = Vec::new();
        while let Some((path, entry)) = rows.current() {
            known.push((path.to_owned(), entry.digest));
            rows.advance();
        }
        assert_eq!(known.len(), 200);
        assert_eq!(known[198], ("99".to_owned(), ContentDigest(*blake3::hash(b"content 99").as_bytes())));
    }

    #[test]
    fn the_first_error_ends_it() {
        let files = Files::new(10);
        fs_err::remove_file(files.root.join("from/3")).expect("removed");
        let error = files.run().expect_err("one is absent");
        assert!(error.to_string().contains("from/3"), "{error}");
    }
}
