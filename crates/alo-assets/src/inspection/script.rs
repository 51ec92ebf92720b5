//! The Python that reads Python: one isolated process for all files.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::raw_span::RawSpan;
use super::report::Generation;

const SCRIPT: &str = include_str!("inspect_asset.py");
/// How long one file may take; thousands of lines take a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is shown of the last words of a Python that fails.
const COMPLAINT_LIMIT: u64 = 16 * 1024;

/// What is asked about a file.
#[derive(Debug, Serialize)]
pub(super) struct Question {
    pub(super) file: Utf8PathBuf,
    /// The names of the arguments that plans give it.
    pub(super) arguments: Vec<String>,
}

/// What is known of a file.
#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as the script tells them")]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) findings: Vec<Finding>,
    /// Whether the file could not be read or parsed, so that all else is unknown.
    #[serde(default)]
    pub(super) failed: bool,
    #[serde(default)]
    pub(super) generation: Option<Generation>,
    /// The name of the class.
    #[serde(default)]
    pub(super) class: Option<RawSpan>,
    /// The watched calls that the file and its own modules make.
    #[serde(default)]
    pub(super) uses: Vec<String>,
    /// Whether code that was not seen may make further calls.
    #[serde(default)]
    pub(super) opaque: bool,
    /// Whether it takes folders from elsewhere than the `get_…_path` calls.
    #[serde(default)]
    pub(super) own_paths: bool,
    /// The arguments that `check_args` is called with.
    #[serde(default)]
    pub(super) read: Vec<String>,
    /// Whether `check_args` is also called with names that are made at run time.
    #[serde(default)]
    pub(super) dynamic: bool,
    /// Where arguments are named otherwise.
    #[serde(default)]
    pub(super) named: HashMap<String, RawSpan>,
}

/// Asks about all files, in one process unless a file brings it down; that file's answer says so.
pub(super) fn ask(python: &Utf8Path, questions: &[Question]) -> io::Result<Vec<Answer>> {
    let mut answers = Vec::new();
    while answers.len() < questions.len() {
        let rest = questions.get(answers.len()..).unwrap_or_default();
        let before = answers.len();
        let end = ask_once(python, rest, &mut answers)?;
        if answers.len() == questions.len() {
            break;
        }
        match end {
            End::Ended { status, complaint } if status.signal().is_none() && answers.len() == before => {
                // Not a file's fault: Python itself does not work.
                let said = complaint.lines().last().unwrap_or("it said nothing").to_owned();
                return Err(io::Error::other(format!("{said} ({status})")));
            }
            End::Ended { status, .. } => answers.push(brought_down(&format!("Python ended ({status})"))),
            End::TimedOut => {
                answers.push(brought_down(&format!("Python did not end within {} s", PATIENCE.as_secs())));
            }
        }
    }
    Ok(answers)
}

enum End {
    Ended { status: ExitStatus, complaint: String },
    TimedOut,
}

fn ask_once(python: &Utf8Path, questions: &[Question], answers: &mut Vec<Answer>) -> io::Result<End> {
    let mut child = Command::new(python)
        .args(["-I", "-S", "-c", SCRIPT])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let result = converse(&mut child, questions, answers);
    // It has ended by itself if this fails.
    let _ = child.kill();
    let status = child.wait()?;
    Ok(match result? {
        Some(complaint) => End::Ended { status, complaint },
        None => End::TimedOut,
    })
}

/// Asks and listens; answers the last words of a Python that closes its output, `None` if it has to be stopped.
fn converse(
    child: &mut Child,
    questions: &[Question],
    answers: &mut Vec<Answer>,
) -> io::Result<Option<String>> {
    let text = serde_json::to_vec(questions)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(move || {
            // A Python that ends without listening is noticed by its missing answers.
            let _ = stdin.map(|mut stdin| stdin.write_all(&text));
        });
        let complaint = scope.spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                // What cannot be read is missing from the message.
                let _ = (&mut stderr).take(COMPLAINT_LIMIT).read_to_end(&mut text);
                let _ = io::copy(&mut stderr, &mut io::sink());
            }
            String::from_utf8_lossy(&text).trim_end().to_owned()
        });
        let (sender, lines) = channel();
        scope.spawn(move || read_lines(stdout, |line| sender.send(line).is_ok()));
        let mut heard = Instant::now();
        loop {
            match lines.recv_timeout(PATIENCE.saturating_sub(heard.elapsed())) {
                Ok(line) => answers.push(serde_json::from_slice(&line?)?),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    // Ends the threads, too. It has ended by itself if this fails.
                    let _ = child.kill();
                    return Ok(None);
                }
            }
            heard = Instant::now();
        }
        Ok(Some(complaint.join().unwrap_or_default()))
    })
}

fn read_lines(stdout: Option<ChildStdout>, mut take: impl FnMut(io::Result<Vec<u8>>) -> bool) {
    let Some(stdout) = stdout else { return };
    for line in BufReader::new(stdout).split(b'\n') {
        if !take(line) {
            return;
        }
    }
}

fn brought_down(reason: &str) -> Answer {
    let finding = Finding::Syntax { error: "SyntaxError".to_owned(), reason: reason.to_owned(), span: None };
    Answer { findings: vec![finding], failed: true, ..Answer::default() }
}
