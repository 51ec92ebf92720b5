//! Child processes that cannot outlive the engine, not even one that is killed with SIGKILL.
//!
//! Every process that runs other people's code (a worker, an installer) is started below `guard.py`, which watches a
//! socket to this process and ends the whole tree of processes when it hangs up. No unsafe code is needed for it, and an
//! embedding program needs no binary of ours.

mod forked;

use std::ffi::OsStr;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use tempfile::TempPath;

use crate::unpack::{self, UnpackError};

pub use forked::{ForkEnds, ForkedChild};

const GUARD: &str = include_str!("guard.py");

/// The guard program, unpacked and ready to start others.
#[derive(Debug, Clone)]
pub struct Guard {
    script: Utf8PathBuf,
}

impl Guard {
    /// Unpacks the guard program below `cache`, once for each of its versions.
    pub fn install(cache: &Utf8Path) -> Result<Self, UnpackError> {
        let folder = unpack::unpack(cache, "guard", &[("guard.py", GUARD)])?;
        Ok(Self { script: folder.join("guard.py") })
    }

    /// The guard program's file, for programs that copy themselves and give each copy a guard.
    pub fn script(&self) -> &Utf8Path {
        &self.script
    }

    /// Prepares to start `program`; `python` (3.8 or later) runs the guard.
    pub fn exec(&self, python: &Utf8Path, program: impl AsRef<OsStr>) -> io::Result<GuardedCommand> {
        self.command(python, &["-S", "-E"], "exec", program.as_ref())
    }

    /// Prepares to run a Python script in a fork of the guard's own interpreter, which is `python`.
    ///
    /// The script finds the other end of [`GuardedChild::line`] on file descriptor 0. Its output is unbuffered.
    pub fn run(&self, python: &Utf8Path, script: &Utf8Path) -> io::Result<GuardedCommand> {
        self.command(python, &["-u"], "run", script.as_ref())
    }

    fn command(
        &self,
        python: &Utf8Path,
        flags: &[&str],
        verb: &str,
        program: &OsStr,
    ) -> io::Result<GuardedCommand> {
        let report = tempfile::NamedTempFile::with_prefix("alo-guard-")?.into_temp_path();
        let mut command = Command::new(python);
        command.args(flags).arg(&self.script).arg(&report).arg(verb).arg(program);
        Ok(GuardedCommand { command, report })
    }
}

/// A program about to be started under the guard.
#[derive(Debug)]
pub struct GuardedCommand {
    command: Command,
    report: TempPath,
}

impl GuardedCommand {
    /// The command, to add arguments, variables and the working folder to. Its standard streams are set by [`spawn`].
    ///
    /// [`spawn`]: Self::spawn
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Starts it: output piped, in a process group of its own, so that a Ctrl-C of the terminal reaches us alone.
    pub fn spawn(mut self) -> io::Result<GuardedChild> {
        let (line, theirs) = UnixStream::pair()?;
        let child = self
            .command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        // `Command` holds their end of the line; it must close for a hang-up to be seen.
        drop(self.command);
        Ok(GuardedChild { child, line, report: self.report })
    }
}

/// A running program under the guard. Dropping it ends the program.
#[derive(Debug)]
pub struct GuardedChild {
    child: Child,
    line: UnixStream,
    report: TempPath,
}

impl GuardedChild {
    /// Our end of the socket that is the program's file descriptor 0.
    pub fn line(&self) -> &UnixStream {
        &self.line
    }

    /// What the program writes to stdout, the first time it is asked for.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// What the program writes to stderr, the first time it is asked for.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// A handle that ends the program from another thread.
    pub fn stopper(&self) -> io::Result<Stopper> {
        Ok(Stopper(self.line.try_clone()?))
    }

    /// Waits until the program and all its processes have ended.
    pub fn wait(&mut self) -> io::Result<Ended> {
        let status = self.child.wait()?;
        let report = fs_err::read(&self.report).unwrap_or_default();
        let report: Report = serde_json::from_slice(&report).unwrap_or_default();
        Ok(Ended { status, left_behind: report.left_behind })
    }

    /// Whether it has ended, without waiting.
    pub fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

impl Drop for GuardedChild {
    fn drop(&mut self) {
        Stopper::hang_up(&self.line);
        // The guard ends within its grace time; waiting for it leaves no zombie. Nobody is left to tell of a failure.
        let _ = self.child.wait();
    }
}

/// Ends a guarded program: an interrupt first, half a second later a kill of all its processes.
#[derive(Debug)]
pub struct Stopper(UnixStream);

impl Stopper {
    /// Ends the program. Returns at once; a program that has ended already is no error.
    pub fn stop(&self) {
        Self::hang_up(&self.0);
    }

    fn hang_up(line: &UnixStream) {
        // An error means that the other end is closed already.
        let _ = line.shutdown(Shutdown::Both);
    }
}

/// How a guarded program ended.
#[derive(Debug)]
pub struct Ended {
    /// The program's own exit code or signal.
    pub status: ExitStatus,
    /// Processes that it had started and left running; they have been killed.
    pub left_behind: Vec<LeftBehind>,
}

/// A process that a program left running when it ended.
#[derive(Debug, Clone, Deserialize)]
pub struct LeftBehind {
    /// Its process id.
    pub pid: u32,
    /// Its command line, cut at 400 bytes.
    pub command: String,
}

#[derive(Debug, Default, Deserialize)]
struct Report {
    #[serde(default)]
    left_behind: Vec<LeftBehind>,
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn start(verb: &str, program: &str, arguments: &[&str]) -> (tempfile::TempDir, GuardedChild) {
        let cache = tempfile::tempdir().unwrap();
        let guard = Guard::install(Utf8Path::from_path(cache.path()).unwrap()).unwrap();
        let python = Utf8Path::new("python3");
        let mut command = if verb == "exec" {
            guard.exec(python, program).unwrap()
        } else {
            let script = Utf8PathBuf::try_from(cache.path().join("script.py")).unwrap();
            fs_err::write(&script, program).unwrap();
            guard.run(python, &script).unwrap()
        };
        command.command().args(arguments);
        let child = command.spawn().unwrap();
        (cache, child)
    }

    fn is_alive(pid: u32) -> bool {
        fs_err::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
            !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X'])
        })
    }

    #[test]
    fn passes_output_and_the_exit_code_on() {
        let (_cache, mut child) = start("exec", "sh", &["-c", "echo out; echo err >&2; exit 7"]);
        let (mut out, mut err) = (String::new(), String::new());
        child.take_stdout().unwrap().read_to_string(&mut out).unwrap();
        child.take_stderr().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((out.as_str(), err.as_str()), ("out\n", "err\n"));
        assert_eq!(child.wait().unwrap().status.code(), Some(7));
    }

    #[test]
    fn passes_a_signal_on() {
        let (_cache, mut child) = start("run", "import os; os.kill(os.getpid(), 11)", &[]);
        assert_eq!(child.wait().unwrap().status.signal(), Some(11));
    }

    #[test]
    fn a_program_that_is_not_there_ends_with_127() {
        let (_cache, mut child) = start("exec", "/no/such/program", &[]);
        assert_eq!(child.wait().unwrap().status.code(), Some(127));
    }

    #[test]
    fn the_script_is_main_and_finds_the_socket_on_descriptor_0() {
        let script = "import os, sys\nassert __name__ == '__main__' and sys.argv[1:] == ['a']\n\
                      assert sys.modules['__main__'].__dict__ is globals()\nos.write(0, b'hello')";
        let (_cache, mut child) = start("run", script, &["a"]);
        let mut said = [0; 5];
        child.line().read_exact(&mut said).unwrap();
        assert_eq!(&said, b"hello");
        assert!(child.wait().unwrap().status.success());
    }

    #[test]
    fn processes_left_behind_are_ended_and_named() {
        let script = "import subprocess\n\
                      p = subprocess.Popen(['sleep', '1000'], start_new_session=True)\nprint(p.pid, flush=True)";
        let (_cache, mut child) = start("run", script, &[]);
        let mut out = child.take_stdout().unwrap();
        let ended = child.wait().unwrap();
        let mut pid = String::new();
        out.read_to_string(&mut pid).unwrap();
        let pid = pid.trim().parse().unwrap();
        assert_eq!(ended.left_behind.len(), 1);
        assert_eq!((ended.left_behind[0].pid, ended.left_behind[0].command.as_str()), (pid, "sleep 1000"));
        assert!(!is_alive(pid));
    }

    #[test]
    fn stopping_ends_a_program_that_ignores_interrupts_and_its_detached_children() {
        let script = "import os, signal, subprocess, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n\
                      p = subprocess.Popen(['sh', '-c', 'trap \"\" INT TERM; sleep 1000'], start_new_session=True)\n\
                      os.write(0, b'%8d' % p.pid)\nwhile True: time.sleep(1000)";
        let (_cache, mut child) = start("run", script, &[]);
        let mut pid = [0; 8];
        child.line().read_exact(&mut pid).unwrap();
        let pid = String::from_utf8_lossy(&pid).trim().parse().unwrap();
        assert!(is_alive(pid));
        child.stopper().unwrap().stop();
        assert_eq!(child.wait().unwrap().status.signal(), Some(9));
        assert!(!is_alive(pid));
    }
}
