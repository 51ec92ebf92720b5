//! A worker process: started, spoken to, listened to, and always reaped.

use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use alo_assets::Machine;
use alo_assets::guard::{Ended, ForkedChild, Guard, Stopper};
use camino::Utf8Path;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use super::message::{Forked, FromWorker, Import, Message, PROTOCOL, ToWorker};
use super::output::OutputPipe;
use super::process::Process;
use super::variables;
use crate::cancel::{CancelToken, Stopping};
use crate::event::Stream;

/// Longer messages are not read: a worker sends a few kilobytes.
const LONGEST_MESSAGE: usize = 256 << 20;
/// A worker that has not said hello by then will not.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// What a worker has for its own end: `atexit`, threads.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is looked whether a worker that is to end has ended: processes that it left may hold its output open.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a worker can be heard by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Line,
    Stdout,
    Stderr,
}

const ALL: [Source; 3] = [Source::Line, Source::Stdout, Source::Stderr];
const PIPES: [Source; 2] = [Source::Stdout, Source::Stderr];

/// A Python process that runs assets.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Process,
    stdout: OutputPipe<PipeReader>,
    stderr: OutputPipe<PipeReader>,
    inbox: Vec<u8>,
    pid: Option<u32>,
    is_importing: bool,
    has_worked: bool,
    /// Ends it when the run is cancelled.
    _stopping: Stopping,
}

/// What a worker did.
#[derive(Debug)]
pub(super) enum Heard {
    /// It said something.
    Message(Message),
    /// It has ended, and so have all its processes.
    Ended(Ended),
    /// It said nothing until the deadline.
    Late,
}

impl Heard {
    /// What it means when something else was to be heard.
    fn unexpected(&self) -> WorkerError {
        match self {
            Self::Message(_) => WorkerError::Protocol("it spoke out of turn".into()),
            Self::Ended(ended) => WorkerError::NotStarted(ended.status.to_string()),
            Self::Late => WorkerError::NotStarted("it does not answer".into()),
        }
    }
}

/// Why a worker could not be started or spoken to.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkerError {
    /// A system call failed.
    #[error("failed to {what} the Python worker")]
    Io {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    /// It speaks, but not as it should.
    #[error("the Python worker does not speak the protocol: {0}")]
    Protocol(String),
    /// It ended before it was ready.
    #[error("the Python worker did not start: {0}")]
    NotStarted(String),
    /// The system made no copy of it, and no other worker stands where it does.
    #[error("failed to copy the Python worker: {0}")]
    NotCopied(String),
}

impl Worker {
    /// Starts a worker; it gets ready while the caller goes on.
    pub(super) fn start(
        guard: &Guard,
        python: &Utf8Path,
        script: &Utf8Path,
        machine: &Machine,
        folder: &Utf8Path,
        cancel: &CancelToken,
    ) -> Result<Self, WorkerError> {
        let failed = |source| WorkerError::Io { what: "start", source };
        let mut command = guard.run(python, script).map_err(failed)?;
        variables::set(command.command(), machine, python);
        command.command().current_dir(folder);
        Self::of(Process::Started(command.spawn().map_err(failed)?), cancel).map_err(failed)
    }

    /// Listens to a process that has just begun.
    fn of(mut child: Process, cancel: &CancelToken) -> io::Result<Self> {
        let stopping = cancel.stops(child.stopper()?);
        let missing = || io::Error::other("its output is not piped");
        let pipe = |end: Option<OwnedFd>| end.map(PipeReader::from).ok_or_else(missing);
        let (stdout, stderr) = (pipe(child.take_stdout())?, pipe(child.take_stderr())?);
        Ok(Self {
            stdout: OutputPipe::new(Stream::Stdout, stdout)?,
            stderr: OutputPipe::new(Stream::Stderr, stderr)?,
            child,
            inbox: Vec::new(),
            pid: None,
            is_importing: false,
            has_worked: false,
            _stopping: stopping,
        })
    }

    /// Gets it ready to be copied; tells why it cannot be. What its steps have handed on must not name the run `traces`.
    pub(super) fn settle(
        &mut self,
        guard: &Guard,
        traces: Option<&str>,
        print: &mut dyn FnMut(Stream, String),
    ) -> Result<Option<String>, WorkerError> {
        self.wait_ready(print)?;
        self.say(&ToWorker::Settle { guard: guard.script(), traces })?;
        match self.listen(None, print)? {
            Heard::Message(Message::Settled(settled)) => Ok(settled.refused),
            other => Err(other.unexpected()),
        }
    }

    /// Makes a copy of it, which goes on from where it stands, or tells why the system would not. It must be settled.
    pub(super) fn fork(&mut self, cancel: &CancelToken) -> Result<Result<Self, String>, WorkerError> {
        let failed = |source| WorkerError::Io { what: "copy", source };
        self.say(&ToWorker::Fork {})?;
        match self.listen(None, &mut |_, _| {})? {
            Heard::Message(Message::Forking) => {}
            other => return Err(other.unexpected()),
        }
        let (ours, ends) = ForkedChild::streams().map_err(failed)?;
        ends.send(self.child.line()).map_err(failed)?;
        match self.listen(None, &mut |_, _| {})? {
            Heard::Message(Message::Forked(Forked { refused: None })) => {
                Self::of(Process::Forked(ours), cancel).map_err(failed).map(Ok)
            }
            Heard::Message(Message::Forked(Forked { refused: Some(reason) })) => Ok(Err(reason)),
            other => Err(other.unexpected()),
        }
    }

    /// Lets it import what steps to come need, in the time until it is told to do something else.
    pub(super) fn import(&mut self, steps: Import<'_>) -> Result<(), WorkerError> {
        self.is_importing = true;
        self.say(&ToWorker::Import(steps))
    }

    /// Waits until it has imported what it was told to; tells whether it came through.
    pub(super) fn has_imported(&mut self) -> Result<bool, WorkerError> {
        self.wait_ready(&mut |_, _| {})?;
        while self.is_importing {
            match self.next_message()? {
                Some(Message::Imported) => self.is_importing = false,
                Some(_) => return Err(WorkerError::Protocol("it spoke out of turn".into())),
                None => {
                    if self.take_in(None, &mut |_, _| {})? == Some(false) {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Whether it is still at it: it has been told nothing else that it has begun.
    pub(super) fn is_importing(&self) -> bool {
        self.is_importing
    }

    /// The process that runs the assets, once it is ready.
    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Waits until it is ready.
    pub(super) fn wait_ready(&mut self, print: &mut dyn FnMut(Stream, String)) -> Result<(), WorkerError> {
        if self.pid.is_some() {
            return Ok(());
        }
        let mut last = String::new();
        let mut printed = |stream, line: String| {
            line.clone_into(&mut last);
            print(stream, line);
        };
        match self.listen(Some(Instant::now() + START_TIMEOUT), &mut printed)? {
            Heard::Message(Message::Hello(hello)) if hello.protocol == PROTOCOL => {
                self.pid = Some(hello.pid);
                Ok(())
            }
            Heard::Message(Message::Hello(hello)) => Err(WorkerError::Protocol(format!(
                "version {} instead of {PROTOCOL}, on Python {}",
                hello.protocol, hello.python
            ))),
            Heard::Message(_) => Err(WorkerError::Protocol("it did not say hello first".into())),
            Heard::Late => {
                Err(WorkerError::NotStarted(format!("not ready after {} s", START_TIMEOUT.as_secs())))
            }
            Heard::Ended(ended) => {
                Err(WorkerError::NotStarted(format!("{}; its last words: {last}", ended.status)))
            }
        }
    }

    /// Says something to it. A worker that is gone is noticed by [`Self::listen`].
    pub(super) fn say(&mut self, message: &ToWorker<'_>) -> Result<(), WorkerError> {
        self.has_worked |= matches!(message, ToWorker::RunStep(_));
        let mut line =
            serde_json::to_vec(message).map_err(|error| WorkerError::Protocol(error.to_string()))?;
        line.push(b'\n');
        match self.child.line().write_all(&line) {
            Err(error) if !is_gone(&error) => Err(WorkerError::Io { what: "write to", source: error }),
            _ => Ok(()),
        }
    }

    /// Waits for its next message. What it printed before comes first.
    pub(super) fn listen(
        &mut self,
        deadline: Option<Instant>,
        print: &mut dyn FnMut(Stream, String),
    ) -> Result<Heard, WorkerError> {
        loop {
            match self.next_message()? {
                Some(Message::Imported) => {
                    self.is_importing = false;
                    continue;
                }
                Some(message) => return Ok(Heard::Message(message)),
                None => {}
            }
            match self.take_in(deadline, print)? {
                Some(true) => {}
                Some(false) => return self.reap(print).map(Heard::Ended),
                None => return Ok(Heard::Late),
            }
        }
    }

    /// Waits for it to print or to speak and takes in what has come. Tells whether the line is still open; nothing when the
    /// deadline has passed.
    fn take_in(
        &mut self,
        deadline: Option<Instant>,
        print: &mut dyn FnMut(Stream, String),
    ) -> Result<Option<bool>, WorkerError> {
        let Some(mut ready) = self.wait_for(&ALL, deadline)? else { return Ok(None) };
        let mut is_open = true;
        if ready.contains(&Source::Line) {
            is_open = self.receive()?;
            // What it printed before it spoke is in the pipes by now; it may have come after the first look.
            ready = self.wait_for(&PIPES, Some(Instant::now()))?.unwrap_or_default();
        }
        self.drain(&ready, print);
        Ok(Some(is_open))
    }

    /// Hands on what it has printed.
    fn drain(&mut self, ready: &[Source], print: &mut dyn FnMut(Stream, String)) {
        if ready.contains(&Source::Stdout) {
            self.stdout.drain(print);
        }
        if ready.contains(&Source::Stderr) {
            self.stderr.drain(print);
        }
    }

    /// Lets it end as a Python program ends, and makes sure that it does.
    pub(super) fn end(mut self, print: &mut dyn FnMut(Stream, String)) -> Result<Ended, WorkerError> {
        // No step has run in it: it need not come to an end of its own.
        while self.is_importing && !self.has_worked {
            match self.listen(Some(Instant::now()), print)? {
                Heard::Message(_) => {}
                Heard::Ended(ended) => return Ok(ended),
                // Nobody has asked for what it imports, and how that is broken off adds nothing.
                Heard::Late => return self.stop(&mut |_, _| {}),
            }
        }
        self.say(&ToWorker::Shutdown {})?;
        let deadline = Instant::now() + END_TIMEOUT;
        loop {
            match self.listen(Some(deadline), print)? {
                Heard::Ended(ended) => return Ok(ended),
                Heard::Message(_) => {}
                Heard::Late => return self.stop(print),
            }
        }
    }

    /// Ends it without asking.
    pub(super) fn stop(mut self, print: &mut dyn FnMut(Stream, String)) -> Result<Ended, WorkerError> {
        self.stopper()?.stop();
        self.reap(print)
    }

    fn stopper(&self) -> Result<Stopper, WorkerError> {
        self.child.stopper().map_err(|source| WorkerError::Io { what: "stop", source })
    }

    /// Waits until something can be read from one of these. Tells from which; nothing when the deadline has passed.
    fn wait_for(
        &self,
        sources: &[Source],
        deadline: Option<Instant>,
    ) -> Result<Option<Vec<Source>>, WorkerError> {
        let mut open = Vec::with_capacity(sources.len());
        let mut watched = Vec::with_capacity(sources.len());
        for source in sources {
            let (descriptor, ended) = match source {
                Source::Line => (self.child.line().as_fd(), false),
                Source::Stdout => (self.stdout.descriptor(), self.stdout.ended),
                Source::Stderr => (self.stderr.descriptor(), self.stderr.ended),
            };
            if !ended {
                open.push(*source);
                watched.push(PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
            }
        }
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let timeout =
                left.map(|left| Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 }));
            match poll(&mut watched, timeout.as_ref()) {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(WorkerError::Io { what: "wait for", source: error.into() }),
            }
        }
        let mut events = watched.iter().map(|watched| !watched.revents().is_empty());
        open.retain(|_| events.next() == Some(true));
        Ok(Some(open))
    }

    /// Reads what it has said. Tells whether the line is still open.
    fn receive(&mut self) -> Result<bool, WorkerError> {
        let mut chunk = [0; 16 * 1024];
        match self.child.line().read(&mut chunk) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.inbox.extend_from_slice(&chunk[..count]);
                if self.inbox.len() > LONGEST_MESSAGE {
                    return Err(WorkerError::Protocol("a message without end".into()));
                }
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) if is_gone(&error) => Ok(false),
            Err(source) => Err(WorkerError::Io { what: "read from", source }),
        }
    }

    fn next_message(&mut self) -> Result<Option<Message>, WorkerError> {
        let Some(end) = self.inbox.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let line: Vec<u8> = self.inbox.drain(..=end).collect();
        let message = serde_json::from_slice::<FromWorker>(&line).map_err(|error| error.to_string());
        let message = message.and_then(|said| said.message().ok_or_else(|| "an unknown message".into()));
        message.map(Some).map_err(WorkerError::Protocol)
    }

    /// Waits for its end and hands on its last words.
    fn reap(&mut self, print: &mut dyn FnMut(Stream, String)) -> Result<Ended, WorkerError> {
        // While its output is full it cannot end.
        while !(self.stdout.ended && self.stderr.ended) {
            self.drain(&PIPES, print);
            if self.child.has_ended().map_err(|source| WorkerError::Io { what: "wait for", source })? {
                break;
            }
            self.wait_for(&PIPES, Some(Instant::now() + LOOK_AGAIN))?;
        }
        let ended = self.child.wait().map_err(|source| WorkerError::Io { what: "wait for", source })?;
        self.kill_group();
        self.drain(&PIPES, print);
        Ok(ended)
    }

    /// For the case that the guard itself was killed: its worker is in a process group of its own.
    fn kill_group(&self) {
        let pid = self.pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // There is no such group any more in every other case.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected
    )
}
