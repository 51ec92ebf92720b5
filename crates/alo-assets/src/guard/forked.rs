//! A guarded program that copies itself: each copy runs under a guard of its own and ends like any guarded program.

use std::io::{self, IoSlice, PipeReader, PipeWriter, Read, pipe};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Deserialize;

use super::{Ended, LeftBehind, Stopper};

/// How a copy ends when its guard did not live to tell.
const KILLED: i32 = 9;

/// A copy of a guarded program. Dropping it ends the copy.
#[derive(Debug)]
pub struct ForkedChild {
    line: UnixStream,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    /// Closed when the copy and all its processes have ended.
    ended: PipeReader,
}

/// The ends of its streams that a copy gets.
#[derive(Debug)]
pub struct ForkEnds {
    line: UnixStream,
    stdout: PipeWriter,
    stderr: PipeWriter,
    ended: PipeWriter,
}

impl ForkEnds {
    /// Sends them to the program that is to copy itself, with one byte: line, stdout, stderr, and the pipe on which the
    /// copy's guard says `{"status": …, "left_behind": […]}` when all is over.
    pub fn send(self, to: &UnixStream) -> io::Result<()> {
        let ends = [self.line.as_fd(), self.stdout.as_fd(), self.stderr.as_fd(), self.ended.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&ends)) {
            return Err(io::Error::other("four descriptors are too many"));
        }
        sendmsg(to, &[IoSlice::new(b"\n")], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize)]
struct End {
    status: i32,
    #[serde(default)]
    left_behind: Vec<LeftBehind>,
}

impl ForkedChild {
    /// Makes the streams of a copy that is to be: our ends, and its own.
    pub fn streams() -> io::Result<(Self, ForkEnds)> {
        let (line, theirs) = UnixStream::pair()?;
        let (stdout, stdout_end) = pipe()?;
        let (stderr, stderr_end) = pipe()?;
        let (ended, ended_end) = pipe()?;
        let ours = Self { line, stdout: Some(stdout.into()), stderr: Some(stderr.into()), ended };
        Ok((ours, ForkEnds { line: theirs, stdout: stdout_end, stderr: stderr_end, ended: ended_end }))
    }

    /// Our end of the socket to the copy.
    pub fn line(&self) -> &UnixStream {
        &self.line
    }

    /// What the copy writes to stdout, the first time it is asked for.
    pub fn take_stdout(&mut self) -> Option<OwnedFd> {
        self.stdout.take()
    }

    /// What the copy writes to stderr, the first time it is asked for.
    pub fn take_stderr(&mut self) -> Option<OwnedFd> {
        self.stderr.take()
    }

    /// A handle that ends the copy from another thread.
    pub fn stopper(&self) -> io::Result<Stopper> {
        Ok(Stopper(self.line.try_clone()?))
    }

    /// Whether it has ended, without waiting.
    pub fn has_ended(&self) -> io::Result<bool> {
        let mut watched = [PollFd::new(&self.ended, PollFlags::IN)];
        Ok(poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0)
    }

    /// Waits until the copy and all its processes have ended.
    pub fn wait(&mut self) -> io::Result<Ended> {
        let mut told = Vec::new();
        self.ended.read_to_end(&mut told)?;
        let killed = || End { status: KILLED, left_behind: Vec::new() };
        let End { status, left_behind } = serde_json::from_slice(&told).unwrap_or_else(|_| killed());
        Ok(Ended { status: ExitStatus::from_raw(status), left_behind })
    }
}

impl Drop for ForkedChild {
    fn drop(&mut self) {
        Stopper::hang_up(&self.line);
        // Its guard ends within its grace time. Nobody is left to tell of a failure.
        let _ = self.wait();
    }
}
