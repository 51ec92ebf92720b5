//! An installer at work: what it says, and how it ends.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::guard::GuardedChild;
use crate::redact;

const POLL: Duration = Duration::from_millis(50);
/// As many lines are kept for an error.
const KEPT_LINES: usize = 200;

/// Why a program did not do its work.
#[derive(Debug)]
pub(crate) enum RunError {
    /// It ended with an error after saying these lines.
    Failed { status: ExitStatus, lines: Vec<String> },
    /// It could not be started, or its output not be read.
    Io(io::Error),
    /// The run has been cancelled; the program has ended.
    Cancelled,
}

/// A program that is running under the guard. Dropping it ends the program and all its processes.
#[derive(Debug)]
pub(crate) struct Running {
    child: GuardedChild,
    lines: Receiver<String>,
    names: Vec<(String, String)>,
}

impl Running {
    /// Listens to a program that was just started. The first of two names is told as the second.
    pub(super) fn new(mut child: GuardedChild, names: Vec<(String, String)>) -> io::Result<Self> {
        let (sender, lines) = channel();
        if let Some(stdout) = child.take_stdout() {
            read_lines(stdout, sender.clone())?;
        }
        if let Some(stderr) = child.take_stderr() {
            read_lines(stderr, sender)?;
        }
        Ok(Self { child, lines, names })
    }

    /// Waits for its end; `told` gets its lines, without credentials. Answers the lines it said last.
    pub(crate) fn wait(
        mut self,
        cancelled: &dyn Fn() -> bool,
        told: &mut dyn FnMut(&str),
    ) -> Result<Vec<String>, RunError> {
        let stopper = self.child.stopper().map_err(RunError::Io)?;
        let mut kept = VecDeque::new();
        let mut is_cancelled = false;
        loop {
            match self.lines.recv_timeout(POLL) {
                Ok(line) => {
                    let told_as = |line: String, (name, other): &(String, String)| line.replace(name, other);
                    let line = redact(&self.names.iter().fold(line, told_as));
                    told(&line);
                    if kept.len() == KEPT_LINES {
                        kept.pop_front();
                    }
                    kept.push_back(line);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if !is_cancelled && cancelled() {
                is_cancelled = true;
                stopper.stop();
            }
        }
        let ended = self.child.wait().map_err(RunError::Io)?;
        let lines = Vec::from(kept);
        if is_cancelled {
            Err(RunError::Cancelled)
        } else if ended.status.success() {
            Ok(lines)
        } else {
            Err(RunError::Failed { status: ended.status, lines })
        }
    }
}

/// Sends each line that is not blank; a carriage return ends one too, as progress bars use it.
fn read_lines(pipe: impl Read + Send + 'static, lines: Sender<String>) -> io::Result<()> {
    std::thread::Builder::new().name("installer-output".to_owned()).spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            match pipe.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            for part in text.split(['\r', '\n']).filter(|part| !part.trim().is_empty()) {
                if lines.send(part.trim_end().to_owned()).is_err() {
                    return;
                }
            }
        }
    })?;
    Ok(())
}
