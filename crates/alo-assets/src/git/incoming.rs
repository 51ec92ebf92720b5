//! Bytes of a server that arrive on a thread of their own, so that waiting for them can be cut short.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::context::Context;
use super::transport_error::TransportError;
use super::unsupported::Unsupported;

/// How often a waiting reader looks whether the run has been cancelled.
const POLL: Duration = Duration::from_millis(50);
/// Chunks under way; the rest waits in the kernel.
const BACKLOG: usize = 8;
const CHUNK: usize = 64 * 1024;
/// Servers tell what they can do in their first line.
const BEGINNING: usize = 4 * 1024;
const SHA256: &[u8] = b"object-format=sha256";

/// The reading end. A thread that is stuck in a system call is left behind when the reader gives up; it ends with its
/// connection.
pub(super) struct Incoming {
    context: Arc<Context>,
    chunks: Receiver<Result<Vec<u8>, TransportError>>,
    chunk: io::Cursor<Vec<u8>>,
    /// How the conversation began, for as long as that has to be looked at.
    beginning: Option<Vec<u8>>,
}

/// The writing end, for the thread.
pub(super) struct Arriving(SyncSender<Result<Vec<u8>, TransportError>>);

impl Incoming {
    /// Starts `work` on a thread of its own; its error ends the stream.
    pub(super) fn spawn(
        context: Arc<Context>,
        work: impl FnOnce(&Arriving) -> Result<(), TransportError> + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(BACKLOG);
        std::thread::Builder::new().name("git-transport".to_owned()).spawn(move || {
            let arriving = Arriving(sender);
            if let Err(error) = work(&arriving) {
                // Nobody is listening any more if this fails.
                let _ = arriving.0.send(Err(error));
            }
        })?;
        Ok(Self { context, chunks, chunk: io::Cursor::default(), beginning: Some(Vec::new()) })
    }

    fn next_chunk(&self) -> Result<Option<Vec<u8>>, TransportError> {
        let started = Instant::now();
        loop {
            if self.context.is_cancelled() {
                return Err(TransportError::Cancelled);
            }
            match self.chunks.recv_timeout(POLL) {
                Ok(chunk) => return chunk.map(Some),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) if started.elapsed() >= self.context.stall => {
                    return Err(TransportError::Stalled(self.context.stall));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Incoming {
    /// Looks for the line by which a server says that it names objects in a way that libgit2 does not know.
    fn inspected(&mut self, chunk: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, TransportError> {
        if let (Some(beginning), Some(chunk)) = (&mut self.beginning, &chunk) {
            beginning.extend_from_slice(chunk.get(..BEGINNING).unwrap_or(chunk));
            if beginning.windows(SHA256.len()).any(|part| part == SHA256) {
                return Err(Unsupported::Sha256.into());
            }
            if beginning.len() >= BEGINNING {
                self.beginning = None;
            }
        }
        Ok(chunk)
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.next_chunk().and_then(|chunk| self.inspected(chunk)) {
                Ok(Some(chunk)) => self.chunk = io::Cursor::new(chunk),
                Ok(None) => return Ok(0),
                Err(error) => {
                    let shown = io::Error::other(error.to_string());
                    self.context.fail(error);
                    return Err(shown);
                }
            }
        }
    }
}

impl Arriving {
    /// Passes on everything `source` yields. Ends early, without an error, when nobody listens any more.
    pub(super) fn copy_from(&self, source: &mut dyn Read) -> Result<(), TransportError> {
        loop {
            let mut chunk = vec![0; CHUNK];
            match source.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    chunk.truncate(count);
                    if self.0.send(Ok(chunk)).is_err() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TransportError::Connection(Box::new(error))),
            }
        }
    }
}
