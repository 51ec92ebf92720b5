//! The process behind a worker: started by itself, or the copy of another worker.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use alo_assets::guard::{Ended, ForkedChild, GuardedChild, Stopper};

/// A guarded process; dropped, it ends.
#[derive(Debug)]
pub(super) enum Process {
    /// Started by itself.
    Started(GuardedChild),
    /// The copy of another.
    Forked(ForkedChild),
}

impl Process {
    pub(super) fn line(&self) -> &UnixStream {
        match self {
            Self::Started(child) => child.line(),
            Self::Forked(child) => child.line(),
        }
    }

    pub(super) fn take_stdout(&mut self) -> Option<OwnedFd> {
        match self {
            Self::Started(child) => child.take_stdout().map(OwnedFd::from),
            Self::Forked(child) => child.take_stdout(),
        }
    }

    pub(super) fn take_stderr(&mut self) -> Option<OwnedFd> {
        match self {
            Self::Started(child) => child.take_stderr().map(OwnedFd::from),
            Self::Forked(child) => child.take_stderr(),
        }
    }

    pub(super) fn stopper(&self) -> io::Result<Stopper> {
        match self {
            Self::Started(child) => child.stopper(),
            Self::Forked(child) => child.stopper(),
        }
    }

    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        match self {
            Self::Started(child) => child.has_ended(),
            Self::Forked(child) => child.has_ended(),
        }
    }

    pub(super) fn wait(&mut self) -> io::Result<Ended> {
        match self {
            Self::Started(child) => child.wait(),
            Self::Forked(child) => child.wait(),
        }
    }
}
