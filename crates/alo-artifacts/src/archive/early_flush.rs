//! Flushes an archive to the disk while it still grows, so that the flush at its end has little left to do.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, Scope, ScopedJoinHandle};

/// It is flushed after so many bytes.
const EVERY: usize = 16 << 20;

/// Writes to a file, and has it flushed by a thread now and then.
pub(super) struct EarlyFlush<'a> {
    file: &'a File,
    unflushed: usize,
    flush: SyncSender<()>,
}

/// The thread that flushes. It ends when the writer is gone.
pub(super) struct Flusher<'scope>(Option<ScopedJoinHandle<'scope, io::Result<()>>>);

impl<'a> EarlyFlush<'a> {
    pub(super) fn new<'scope>(scope: &'scope Scope<'scope, 'a>, file: &'a File) -> (Self, Flusher<'scope>)
    where
        'a: 'scope,
    {
        let (flush, wanted) = mpsc::sync_channel(1);
        let flusher = move || wanted.into_iter().try_for_each(|()| file.sync_data());
        // Without a thread all of it is flushed at the end.
        let thread = thread::Builder::new().name("flush".to_owned()).spawn_scoped(scope, flusher).ok();
        (Self { file, unflushed: 0, flush }, Flusher(thread))
    }
}

impl Flusher<'_> {
    /// Waits until the thread has ended. The system tells a failure to write once: it must not be missed.
    pub(super) fn finish(self) -> io::Result<()> {
        let ended = self.0.map(ScopedJoinHandle::join);
        ended.map_or(Ok(()), |ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }
}

impl Write for EarlyFlush<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.unflushed += count;
        if self.unflushed >= EVERY {
            // One that is still at it, or has failed, is not waited for.
            let _ = self.flush.try_send(());
            self.unflushed = 0;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for EarlyFlush<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_written_is_in_the_file_and_the_flusher_ends_with_the_writer() {
        let mut file = tempfile::tempfile().expect("a file");
        let content: Vec<u8> = (0..=255).cycle().take(2 * EVERY + 5).collect();
        thread::scope(|scope| {
            let (mut writer, flusher) = EarlyFlush::new(scope, &file);
            content.chunks(1 << 20).for_each(|part| writer.write_all(part).expect("written"));
            drop(writer);
            flusher.finish().expect("flushed");
        });
        let mut back = Vec::new();
        file.rewind().expect("rewound");
        file.read_to_end(&mut back).expect("read");
        assert!(back == content);
    }

    #[test]
    fn a_failed_flush_is_told() {
        // Nothing can be flushed to a pipe.
        let (_reader, writer) = io::pipe().expect("a pipe");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        thread::scope(|scope| {
            let (mut early, flusher) = EarlyFlush::new(scope, &file);
            early.unflushed = EVERY;
            early.write_all(b"x").expect("written");
            drop(early);
            assert!(flusher.finish().is_err());
        });
    }
}
