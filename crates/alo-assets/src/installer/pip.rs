//! pip: the installer that every Python brings along.
//!
//! One copy of it for each interpreter lies in the cache and works on environments from outside, so that an environment
//! holds the same packages whichever installer has made it.

use camino::{Utf8Path, Utf8PathBuf};

use super::failure::{FailureReason, InstallError, reason};
use super::{Installer, Job, RunError, Runner};
use crate::digest;
use crate::interpreter::Interpreter;
use crate::key_lock::{KeyLock, LockError};

/// Made last: a copy without it is not finished.
const MARKER: &str = "alo-ready";

/// pip, taken from the interpreter's own `ensurepip`.
pub(crate) struct Pip<'a> {
    pub(crate) cache: &'a Utf8Path,
    pub(crate) interpreter: &'a Interpreter,
}

impl Pip<'_> {
    /// The folder of the `pip` package, made at its first use.
    fn package(&self, scratch: &Utf8Path, runner: &mut Runner<'_>) -> Result<Utf8PathBuf, InstallError> {
        let Interpreter { executable, version, .. } = self.interpreter;
        let key = format!("pip-{}", &digest::of_text(&format!("{executable} {version}"))[..16]);
        let tool = self.cache.join("tools").join(&key);
        let package = tool.join(format!("lib/python{}.{}/site-packages/pip", version.major, version.minor));
        if tool.join(MARKER).is_file() && package.is_dir() {
            return Ok(package);
        }
        let io = |source| InstallError::Run { program: executable.to_string(), source };
        let _lock = KeyLock::acquire(self.cache, &key, runner.cancelled).map_err(|error| match error {
            LockError::Cancelled => InstallError::Cancelled,
            LockError::Io { source, .. } => io(source),
        })?;
        if tool.join(MARKER).is_file() && package.is_dir() {
            return Ok(package);
        }
        if !self.interpreter.ensurepip {
            let reason = FailureReason::Other(format!(
                "the Python at `{executable}` has no `ensurepip` module (Debian and Ubuntu: `apt install python{}.{}-venv`)",
                version.major, version.minor
            ));
            return Err(InstallError::Failed { installer: "pip", reason, lines: Vec::new() });
        }
        if tool.exists() {
            fs_err::remove_dir_all(&tool).map_err(io)?;
        }
        fs_err::create_dir_all(&tool).map_err(io)?;
        let run = |program: &Utf8Path, arguments: &[&str], runner: &mut Runner<'_>| {
            runner.ask(program, arguments, scratch).map_err(|error| failed(error, program))
        };
        run(executable, &["-I", "-m", "venv", tool.as_str()], runner)?;
        // What lies beside pip would look to it as if the environment had it. Python 3.12 and later bring no setuptools.
        let python = tool.join("bin").join("python");
        run(&python, &["-I", "-m", "pip", "uninstall", "--yes", "setuptools"], runner)?;
        fs_err::write(tool.join(MARKER), "").map_err(io)?;
        Ok(package)
    }
}

impl Installer for Pip<'_> {
    fn name(&self) -> &'static str {
        "pip"
    }

    fn install(&self, job: &Job<'_>, runner: &mut Runner<'_>) -> Result<(), InstallError> {
        let pip = self.package(job.scratch, runner)?;
        let set = job.requirements;
        let mut install = |lines: Vec<String>, more: &[&str]| {
            let file = job.scratch.join("requirements.txt");
            let io = |source| InstallError::Run { program: pip.to_string(), source };
            fs_err::write(&file, lines.join("\n")).map_err(io)?;
            let mut arguments = vec![pip.as_str(), "install", "--no-warn-script-location"];
            arguments.extend(more);
            if set.options.pre {
                arguments.push("--pre");
            }
            for host in &set.options.trusted_hosts {
                arguments.extend(["--trusted-host", host]);
            }
            arguments.extend(["--requirement", file.as_str()]);
            let done = runner.run(job.python, &arguments, job.scratch, &[]);
            done.map(|_| ()).map_err(|error| failed(error, job.python))
        };
        let together = install(set.lines(), &[]);
        match together {
            Err(InstallError::Failed { reason: FailureReason::Conflict(_), .. })
                if !set.forced_lines().is_empty() =>
            {
                // pip has no overrides: the others first, then the pins that override them.
                install(set.unforced_lines(), &[])?;
                let mut lines = set.options.lines();
                lines.extend(set.forced_lines());
                install(lines, &["--force-reinstall"])
            }
            done => done,
        }
    }
}

fn failed(error: RunError, program: &Utf8Path) -> InstallError {
    match error {
        RunError::Failed { lines, status } => {
            let reason = match reason(&lines) {
                FailureReason::Other(said) if lines.is_empty() => {
                    FailureReason::Other(format!("{said} ({status})"))
                }
                reason => reason,
            };
            InstallError::Failed { installer: "pip", reason, lines }
        }
        RunError::Io(source) => InstallError::Run { program: program.to_string(), source },
        RunError::Cancelled => InstallError::Cancelled,
    }
}
