//! Starts programs under the guard, passes on what they say, and ends them when the run is cancelled.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::process::ExitStatus;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use camino::Utf8Path;

use crate::guard::Guard;
use crate::{Machine, SetupEvent, redact};

const POLL: Duration = Duration::from_millis(50);
/// As many lines are kept for an error.
const KEPT_LINES: usize = 200;

/// Variables that would send packages elsewhere, keep byte-code away or load foreign code.
const REMOVED: [&str; 27] = [
    "CONDA_PREFIX",
    "PIP_DRY_RUN",
    "PIP_IGNORE_INSTALLED",
    "PIP_NO_COMPILE",
    "PIP_NO_DEPS",
    "PIP_PREFIX",
    "PIP_PYTHON",
    "PIP_QUIET",
    "PIP_REPORT",
    "PIP_REQUIREMENT",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONWARNINGS",
    "UV_NO_DEPS",
    "UV_PREFIX",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_TARGET",
    "VIRTUAL_ENV",
];

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

/// Starts programs, one at a time.
pub(crate) struct Runner<'a> {
    pub(crate) guard: &'a Guard,
    /// The interpreter that runs the guard.
    pub(crate) python: &'a Utf8Path,
    pub(crate) variables: BTreeMap<OsString, OsString>,
    pub(crate) cancelled: &'a dyn Fn() -> bool,
    pub(crate) observer: &'a mut dyn FnMut(SetupEvent),
}

impl<'a> Runner<'a> {
    pub(crate) fn new(
        machine: &Machine,
        guard: &'a Guard,
        python: &'a Utf8Path,
        cancelled: &'a dyn Fn() -> bool,
        observer: &'a mut dyn FnMut(SetupEvent),
    ) -> Self {
        let mut variables = machine.child_variables();
        variables.retain(|name, _| !REMOVED.iter().any(|removed| name == OsStr::new(removed)));
        for (name, value) in [
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
            ("PIP_NO_INPUT", "1"),
            ("PIP_PROGRESS_BAR", "off"),
            ("PYTHONUNBUFFERED", "1"),
            ("NO_COLOR", "1"),
            ("UV_NO_PROGRESS", "1"),
        ] {
            variables.insert(name.into(), value.into());
        }
        Self { guard, python, variables, cancelled, observer }
    }

    /// Runs a program in `folder`; its lines go to the observer. Answers the lines it said last.
    pub(crate) fn run(
        &mut self,
        program: &Utf8Path,
        arguments: &[&str],
        folder: &Utf8Path,
        more: &[(OsString, OsString)],
    ) -> Result<Vec<String>, RunError> {
        self.start(program, arguments, folder, more, true)
    }

    /// Runs a program whose lines are for us alone.
    pub(crate) fn ask(
        &mut self,
        program: &Utf8Path,
        arguments: &[&str],
        folder: &Utf8Path,
    ) -> Result<Vec<String>, RunError> {
        self.start(program, arguments, folder, &[], false)
    }

    fn start(
        &mut self,
        program: &Utf8Path,
        arguments: &[&str],
        folder: &Utf8Path,
        more: &[(OsString, OsString)],
        is_shown: bool,
    ) -> Result<Vec<String>, RunError> {
        if (self.cancelled)() {
            return Err(RunError::Cancelled);
        }
        let mut guarded = self.guard.exec(self.python, program.as_str()).map_err(RunError::Io)?;
        guarded
            .command()
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(&self.variables)
            .envs(more.iter().map(|(name, value)| (name, value)));
        let mut child = guarded.spawn().map_err(RunError::Io)?;
        let stopper = child.stopper().map_err(RunError::Io)?;
        let (sender, lines) = channel();
        if let Some(stdout) = child.take_stdout() {
            read_lines(stdout, sender.clone()).map_err(RunError::Io)?;
        }
        if let Some(stderr) = child.take_stderr() {
            read_lines(stderr, sender.clone()).map_err(RunError::Io)?;
        }
        drop(sender);
        let mut kept = VecDeque::new();
        let mut is_cancelled = false;
        loop {
            match lines.recv_timeout(POLL) {
                Ok(line) => {
                    let line = redact(&line);
                    if is_shown {
                        (self.observer)(SetupEvent::InstallerOutput { line: line.clone() });
                    }
                    if kept.len() == KEPT_LINES {
                        kept.pop_front();
                    }
                    kept.push_back(line);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if !is_cancelled && (self.cancelled)() {
                is_cancelled = true;
                stopper.stop();
            }
        }
        let ended = child.wait().map_err(RunError::Io)?;
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
