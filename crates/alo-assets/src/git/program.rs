//! The user's git program: started for what libgit2 cannot do, under the guard, without anybody to answer its questions.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

use super::authorization::basic;
use super::context::{CONNECT_TIMEOUT, Context};
use super::error::GitError;
use super::transport_error::TransportError;
use super::unsupported::Unsupported;
use super::url::{GitUrl, Kind, origin};
use crate::guard::Guard;
use crate::{Machine, interpreter, redact};

/// How often a waiting thread looks whether the run has been cancelled.
const POLL: Duration = Duration::from_millis(50);
/// How often the folder that git writes to is looked at while git says nothing.
const GROWTH_POLL: Duration = Duration::from_secs(1);
/// What git says when it is wrong, as much of its end as is kept, in bytes.
const COMPLAINT_LIMIT: usize = 16 * 1024;
const CHUNK: usize = 64 * 1024;

/// Variables that would lead git to another repository, let it ask somebody, or show secrets in what it says.
const REMOVED: [&str; 14] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DEFAULT_HASH",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    "LANGUAGE",
    "LC_ALL",
];
/// Starts of names of variables that make git tell all it does and sends, passwords included.
const TRACES: [&str; 3] = ["GIT_TRACE", "GIT_CURL_VERBOSE", "GIT_TR2"];

/// Settings that go before the user's: no hook, no housekeeping, nothing but what is asked for.
const SETTINGS: [&str; 14] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "credential.interactive=false",
    "fetch.recurseSubmodules=false",
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "protocol.fd.allow=never",
    "transfer.bundleURI=false",
];

/// A git program and what it may do.
pub(super) struct GitProgram<'a> {
    file: Utf8PathBuf,
    guard: Guard,
    /// The interpreter that runs the guard.
    python: Utf8PathBuf,
    variables: BTreeMap<OsString, OsString>,
    /// Limits of time, as settings of git's.
    limits: [String; 2],
    stall: Duration,
    cancelled: &'a dyn Fn() -> bool,
}

impl<'a> GitProgram<'a> {
    /// The git program of this machine. `url` and `why` are for the error that there is none.
    pub(super) fn find(
        machine: &Machine,
        url: &GitUrl,
        why: &Unsupported,
        stall: Duration,
        cancelled: &'a dyn Fn() -> bool,
    ) -> Result<Self, GitError> {
        let Some(file) = machine.program("git") else {
            return Err(GitError::NoProgram { url: url.to_string(), why: why.clone() });
        };
        let python = interpreter::find(machine, None)?.interpreter.executable;
        let mut variables = machine.child_variables();
        variables.retain(|name, _| {
            let name = name.to_string_lossy();
            !REMOVED.contains(&&*name) && !TRACES.iter().any(|start| name.starts_with(start))
        });
        let limit = stall.as_secs().max(1);
        let mut program = Self {
            file,
            guard: Guard::install(&machine.cache)?,
            python,
            variables,
            limits: ["http.lowSpeedLimit=1".to_owned(), format!("http.lowSpeedTime={limit}")],
            stall,
            cancelled,
        };
        for (name, value) in [
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GCM_INTERACTIVE", "never"),
            ("LC_ALL", "C"),
            ("GIT_ALLOW_PROTOCOL", "file"),
        ] {
            program.variables.insert(name.into(), value.into());
        }
        Ok(program)
    }

    /// Lets it talk to the server of `context`, with the credentials that are known by now, and to no other kind of server.
    pub(super) fn talk_to(&mut self, context: &Arc<Context>) {
        let allowed = match context.url.kind() {
            Kind::Http { .. } => "http:https".to_owned(),
            Kind::Ssh(_) => "ssh".to_owned(),
            Kind::Daemon(_) => "git".to_owned(),
            Kind::Folder(_) => "file".to_owned(),
            // Helpers end up with one of git's own ways.
            Kind::Helper(helper) => format!("{}:http:https:ssh", helper.program_part()),
        };
        self.variables.insert("GIT_ALLOW_PROTOCOL".into(), allowed.into());
        let has_ssh = ["GIT_SSH", "GIT_SSH_COMMAND"].iter().any(|name| context.variable(name).is_some());
        if !has_ssh && context.config.get("core.sshcommand").is_none() {
            let seconds = CONNECT_TIMEOUT.as_secs();
            let command = format!("ssh -o BatchMode=yes -o ConnectTimeout={seconds}");
            self.variables.insert("GIT_SSH_COMMAND".into(), command.into());
        }
        if let (Kind::Http { url, .. }, Some(known)) = (context.url.kind(), context.credentials()) {
            let origin = origin(url);
            if known.password.is_empty() {
                self.configure(&format!("credential.{origin}.username"), &known.user);
            } else {
                let header = format!("Authorization: {}", basic(&known));
                self.configure(&format!("http.{origin}/.extraHeader"), &header);
            }
        }
    }

    /// A setting that is a secret: it goes by a variable, since all users of the machine can read command lines.
    fn configure(&mut self, name: &str, value: &str) {
        let number = self.variables.get(OsStr::new("GIT_CONFIG_COUNT")).and_then(|count| count.to_str());
        let number = number.and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
        for (variable, text) in [
            (format!("GIT_CONFIG_KEY_{number}"), name.to_owned()),
            (format!("GIT_CONFIG_VALUE_{number}"), value.to_owned()),
            ("GIT_CONFIG_COUNT".to_owned(), (number + 1).to_string()),
        ] {
            self.variables.insert(variable.into(), text.into());
        }
    }

    /// Whether git has a remote helper of that name.
    pub(super) fn has_helper(&self, name: &str) -> Result<bool, TransportError> {
        let name = format!("git-remote-{name}");
        let own = self.run(&["--exec-path".into()], &[], None)?;
        let own = String::from_utf8_lossy(&own).trim().to_owned();
        let path = self.variables.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        Ok(std::env::split_paths(&path)
            .chain([own.into()])
            .filter_map(|folder| Utf8PathBuf::from_path_buf(folder).ok())
            .any(|folder| folder.is_absolute() && crate::machine::is_executable(&folder.join(&name))))
    }

    /// Makes an empty bare repository in `folder`, without anything of the user's templates; `is_wide`: its objects are named
    /// by SHA-256.
    pub(super) fn init_bare(&self, folder: &Utf8Path, is_wide: bool) -> Result<(), TransportError> {
        let format = format!("--object-format={}", if is_wide { "sha256" } else { "sha1" });
        let arguments = ["init", "--quiet", "--bare", "--template=", &format, folder.as_str()];
        // libgit2 has to read it.
        let format = [("GIT_DEFAULT_REF_FORMAT", "files")];
        self.run(&arguments.map(str::to_owned), &format, None).map(drop)
    }

    /// Runs git with these arguments; what it writes to stdout, if it succeeds.
    ///
    /// It is given up when it has said nothing for as long as a server may be silent, and `growing`, a folder that it
    /// writes to, has not changed its size either.
    pub(super) fn run(
        &self,
        arguments: &[String],
        more: &[(&str, &str)],
        growing: Option<&Utf8Path>,
    ) -> Result<Vec<u8>, TransportError> {
        let failed = |error: io::Error| TransportError::Program(format!("git cannot be started: {error}"));
        if (self.cancelled)() {
            return Err(TransportError::Cancelled);
        }
        let mut guarded = self.guard.exec(&self.python, self.file.as_str()).map_err(failed)?;
        let settings = SETTINGS.into_iter().chain(self.limits.iter().map(String::as_str));
        guarded
            .command()
            .args(settings.flat_map(|setting| ["-c", setting]))
            .args(arguments)
            .current_dir("/")
            .env_clear()
            .envs(&self.variables)
            .envs(more.iter().copied());
        let mut child = guarded.spawn().map_err(failed)?;
        let stopper = child.stopper().map_err(failed)?;
        let (sender, said) = channel();
        if let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) {
            pass_on(stdout, sender.clone(), Said::Output).map_err(failed)?;
            pass_on(stderr, sender.clone(), Said::Complaint).map_err(failed)?;
        }
        drop(sender);
        let (mut output, mut complaint) = (Vec::new(), Vec::new());
        let (mut given_up, mut watched) = (None, Watched::new(growing));
        loop {
            match said.recv_timeout(POLL) {
                Ok(Said::Output(bytes)) => output.extend(bytes),
                Ok(Said::Complaint(bytes)) => {
                    complaint.extend(bytes);
                    let excess = complaint.len().saturating_sub(COMPLAINT_LIMIT);
                    complaint.drain(..excess);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if given_up.is_none() && !(self.cancelled)() && watched.is_quiet_for() >= self.stall {
                        given_up = Some(TransportError::Stalled(self.stall));
                        stopper.stop();
                    }
                    if given_up.is_none() && (self.cancelled)() {
                        given_up = Some(TransportError::Cancelled);
                        stopper.stop();
                    }
                    continue;
                }
            }
            watched.has_spoken();
        }
        let ended = child.wait().map_err(failed)?;
        match given_up {
            Some(reason) => Err(reason),
            None if ended.status.success() => Ok(output),
            None => Err(failure(ended.status, &complaint)),
        }
    }
}

/// When a program was last seen to do something.
struct Watched<'a> {
    folder: Option<&'a Utf8Path>,
    size: u64,
    active: Instant,
    looked: Instant,
}

impl<'a> Watched<'a> {
    fn new(folder: Option<&'a Utf8Path>) -> Self {
        Self { folder, size: 0, active: Instant::now(), looked: Instant::now() }
    }

    fn has_spoken(&mut self) {
        self.active = Instant::now();
    }

    fn is_quiet_for(&mut self) -> Duration {
        if let Some(folder) = self.folder
            && self.looked.elapsed() >= GROWTH_POLL
        {
            self.looked = Instant::now();
            let size = size_of(folder.as_std_path());
            if size != self.size {
                self.size = size;
                self.has_spoken();
            }
        }
        self.active.elapsed()
    }
}

/// The sizes of all files of a folder. What vanishes meanwhile does not count.
fn size_of(folder: &std::path::Path) -> u64 {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| {
        let meta = entry.metadata().ok()?;
        Some(if meta.is_dir() { size_of(&entry.path()) } else { meta.len() })
    });
    sizes.sum()
}

enum Said {
    Output(Vec<u8>),
    Complaint(Vec<u8>),
}

fn pass_on(
    mut pipe: impl Read + Send + 'static,
    to: Sender<Said>,
    make: fn(Vec<u8>) -> Said,
) -> io::Result<()> {
    std::thread::Builder::new().name("git-output".to_owned()).spawn(move || {
        let mut chunk = vec![0; CHUNK];
        while let Ok(count @ 1..) = pipe.read(&mut chunk) {
            if to.send(make(chunk.get(..count).unwrap_or_default().to_vec())).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// The lines in which git says why it failed, without its progress and what it prefixes.
fn failure(status: ExitStatus, complaint: &[u8]) -> TransportError {
    let text = redact(&String::from_utf8_lossy(complaint));
    let lines: Vec<_> = text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty()).collect();
    let starts = ["fatal: ", "error: ", "ERROR: ", "remote: "];
    let told = lines.iter().filter(|line| starts.iter().any(|start| line.starts_with(start)));
    let mut told: Vec<_> = told.copied().collect();
    if told.is_empty() {
        told.extend(lines.last());
    }
    told.dedup();
    if told.is_empty() {
        return TransportError::Program(format!("git ended with {status}, without a word"));
    }
    // A helper that fails says why in words of its own, and git only that it failed.
    TransportError::told_by(&told.join("; "), TransportError::Program)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_failure_is_what_git_says_without_progress_and_passwords() {
        let said = b"Receiving objects:  50%\rReceiving objects: 100%\nfatal: unable to access 'https://me:s3cret@h/': no\n";
        let error = failure(ExitStatus::from_raw(128 << 8), said);
        assert_eq!(error.to_string(), "fatal: unable to access 'https://***@h/': no");
        let error = failure(ExitStatus::from_raw(9), b"");
        assert!(error.to_string().contains("without a word"), "{error}");
        let error = failure(ExitStatus::from_raw(128 << 8), b"fatal: repository 'https://h/' not found\n");
        assert!(matches!(error, TransportError::NotFound(_)));
    }
}
