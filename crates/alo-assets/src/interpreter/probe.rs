//! What an interpreter says about itself, kept in the cache so that a warm run starts none.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{PythonVersion, Refusal};
use crate::machine::is_executable;
use crate::{digest, durable};

/// How long an interpreter may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);
const FORMAT: u32 = 2;
/// An answer is a few hundred bytes.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// Asks for the version, the real interpreter behind links and shims, and what an environment needs of it.
const QUESTION: &str = "\
import importlib.util, json, os, struct, sys
base = getattr(sys, '_base_executable', None) or sys.executable
print(json.dumps({
    'version': '%d.%d.%d' % sys.version_info[:3],
    'implementation': sys.implementation.name,
    'bits': struct.calcsize('P') * 8,
    'executable': os.path.realpath(base),
    'venv': importlib.util.find_spec('venv') is not None,
    'ensurepip': importlib.util.find_spec('ensurepip') is not None,
}))
";

/// A Python interpreter that has been run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Interpreter {
    /// The real executable, behind links, shims and virtual environments.
    pub executable: Utf8PathBuf,
    /// All three numbers.
    pub version: PythonVersion,
    /// `cpython` for the usual one.
    pub implementation: String,
    /// 64, or 32 for one that has few wheels.
    pub bits: u8,
    /// Whether it can make virtual environments.
    pub venv: bool,
    /// Whether it brings pip.
    pub ensurepip: bool,
}

/// How a file looked when it was run; another look means that it has to be run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Look {
    size: u64,
    modified: i64,
    nanoseconds: i64,
}

impl Look {
    /// Looks at the file behind all links.
    pub(crate) fn at(file: &Utf8Path) -> io::Result<Self> {
        let meta = fs_err::metadata(file)?;
        Ok(Self { size: meta.len(), modified: meta.mtime(), nanoseconds: meta.mtime_nsec() })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    version: u32,
    path: Utf8PathBuf,
    look: Look,
    answer: Answer,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// It runs; `real` is how the real executable looked then (a shim may choose another one since).
    Runs { interpreter: Interpreter, real: Look },
    /// It does not, and this is what it said.
    Refuses(Refusal),
}

/// Runs the interpreter, or remembers. `Err` tells what is wrong with it.
pub(super) fn probe(
    cache: &Utf8Path,
    path: &Utf8Path,
    variables: &BTreeMap<OsString, OsString>,
) -> Result<Interpreter, Refusal> {
    let look = Look::at(path).map_err(|_| Refusal::Missing)?;
    if !is_executable(path) {
        return Err(Refusal::NotExecutable);
    }
    let file = cache.join("interpreters").join(format!("{}.json", &digest::of_text(path.as_str())[..32]));
    if let Some(answer) = remembered(&file, path, look) {
        return answer.and_then(usable);
    }
    let answer = match ask(path, variables) {
        Ok(interpreter) => match Look::at(&interpreter.executable) {
            Ok(real) => Answer::Runs { interpreter, real },
            Err(error) => Answer::Refuses(Refusal::Broken { said: error.to_string(), status: None }),
        },
        Err(refusal) => Answer::Refuses(refusal),
    };
    let record = Record { version: FORMAT, path: path.to_owned(), look, answer: answer.clone() };
    if let Ok(text) = serde_json::to_vec_pretty(&record) {
        // Not remembering costs one start of the interpreter at the next run, no more.
        let _ = durable::write(&file, &text);
    }
    match answer {
        Answer::Runs { interpreter, .. } => usable(interpreter),
        Answer::Refuses(refusal) => Err(refusal),
    }
}

/// Refuses an interpreter that runs, but that assets do not run on.
fn usable(interpreter: Interpreter) -> Result<Interpreter, Refusal> {
    let version = interpreter.version;
    if interpreter.implementation != "cpython" {
        return Err(Refusal::Implementation { name: interpreter.implementation });
    }
    if !version.is_supported() {
        return Err(if (version.major, version.minor) < (3, 8) {
            Refusal::TooOld { version: Some(version) }
        } else {
            Refusal::TooNew { version }
        });
    }
    if interpreter.bits < 64 { Err(Refusal::Bits32) } else { Ok(interpreter) }
}

fn remembered(file: &Utf8Path, path: &Utf8Path, look: Look) -> Option<Result<Interpreter, Refusal>> {
    let record: Record = serde_json::from_slice(&fs_err::read(file).ok()?).ok()?;
    if record.version != FORMAT || record.path != path || record.look != look {
        return None;
    }
    match record.answer {
        Answer::Runs { interpreter, real } => {
            (Look::at(&interpreter.executable).ok()? == real).then_some(Ok(interpreter))
        }
        Answer::Refuses(refusal) => Some(Err(refusal)),
    }
}

fn ask(path: &Utf8Path, variables: &BTreeMap<OsString, OsString>) -> Result<Interpreter, Refusal> {
    let broken = |said: String| Refusal::Broken { said, status: None };
    let mut child = Command::new(path)
        .args(["-I", "-c", QUESTION])
        .env_clear()
        .envs(variables.iter().filter(|(name, _)| !name.as_encoded_bytes().starts_with(b"PYTHON")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| broken(error.to_string()))?;
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < PATIENCE => std::thread::sleep(POLL),
            waited => {
                // It has ended by itself if these fail.
                let _ = child.kill();
                let _ = child.wait();
                return Err(broken(match waited {
                    Err(error) => error.to_string(),
                    Ok(_) => format!("it did not answer within {} s", PATIENCE.as_secs()),
                }));
            }
        }
    };
    let read = |thread: Option<std::thread::JoinHandle<String>>| {
        thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
    };
    let (answer, complaint) = (read(stdout), read(stderr));
    if !status.success() {
        return Err(complained(&complaint, &status.to_string()));
    }
    let last = answer.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|_| Refusal::NotPython)
}

/// What the words of a program mean that failed.
fn complained(complaint: &str, status: &str) -> Refusal {
    let mut lines = complaint.lines().map(str::trim).filter(|line| !line.is_empty());
    // A shim says what it is in its first line and goes on about the versions it knows; an interpreter that cannot start ends
    // with the reason.
    let first = lines.clone().next().unwrap_or_default();
    if first.starts_with("pyenv: ") {
        return Refusal::Shim { said: first.to_owned() };
    }
    if first.starts_with("Unknown option: -I") {
        return Refusal::TooOld { version: None };
    }
    let said = lines.next_back().unwrap_or("it said nothing").to_owned();
    Refusal::Broken { said, status: Some(status.to_owned()) }
}

fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // What cannot be read is missing from the answer, which then makes no sense and is refused.
        let _ = (&mut pipe).take(ANSWER_LIMIT).read_to_end(&mut text);
        let _ = io::copy(&mut pipe, &mut io::sink());
        String::from_utf8_lossy(&text).into_owned()
    })
}
