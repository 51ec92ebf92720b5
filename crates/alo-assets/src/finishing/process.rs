//! The process that finishes an environment, and what it has told so far.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::order::{News, Order};
use super::record::{self, Checked, Compiled};
use super::verdict::Verdict;
use crate::Machine;
use crate::guard::{Guard, GuardedChild};
use crate::key_lock::KeyLock;
use crate::unpack::{self, UnpackError};

const SCRIPT: &str = include_str!("finish.py");
/// How often a waiting thread looks whether the run was cancelled.
const POLL: Duration = Duration::from_millis(20);

/// The process, at work. Dropping it ends the process and all that it has started.
#[derive(Debug)]
pub(super) struct Process {
    _child: GuardedChild,
    told: Arc<Told>,
    _lock: KeyLock,
}

/// What it has told, shared with the thread that listens to it.
#[derive(Debug, Default)]
struct Told {
    state: Mutex<State>,
    changed: Condvar,
}

/// How far it has come.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// What the imports came to, once all were tried.
    pub(super) verdict: Option<Verdict>,
    /// The packages whose imports have not ended.
    pub(super) importing: BTreeSet<String>,
    /// How much has byte-code.
    pub(super) compiled: Option<Compiled>,
    /// Whether it has ended, and with it what it will ever tell.
    pub(super) ended: bool,
    /// Its last words, if they were no news.
    pub(super) complaint: Option<String>,
}

/// Why it cannot be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Process {
    /// Starts it. `lock` says that no other process is at the same work; its imports are added to those that are `known`.
    pub(super) fn start(
        machine: &Machine,
        python: &Utf8Path,
        folder: &Utf8Path,
        order: &Order,
        known: Checked,
        lock: KeyLock,
    ) -> Result<Self, StartError> {
        let guard = Guard::install(&machine.cache)?;
        let script = unpack::unpack(&machine.cache, "finish", &[("finish.py", SCRIPT)])?.join("finish.py");
        let mut command = guard.run(python, &script)?;
        let variables = machine.child_variables();
        let passed_on = variables.iter().filter(|(name, _)| {
            let name = name.as_encoded_bytes();
            !name.starts_with(b"PYTHON") && name != b"VIRTUAL_ENV" && name != b"CONDA_PREFIX"
        });
        command
            .command()
            .arg(serde_json::to_string(order).map_err(io::Error::from)?)
            .env_clear()
            .envs(passed_on)
            .current_dir(folder);
        let mut child = command.spawn()?;
        let told = Arc::new(Told::default());
        if let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) {
            let (listener, folder) = (Arc::clone(&told), folder.to_owned());
            spawn("finishing-news", move || listener.listen(stdout, &folder, known))?;
            let listener = Arc::clone(&told);
            spawn("finishing-errors", move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    listener.change(|state| state.complaint = Some(line));
                }
            })?;
        }
        Ok(Self { _child: child, told, _lock: lock })
    }

    /// How far it has come.
    pub(super) fn state(&self) -> State {
        self.told.state().clone()
    }

    /// Waits until `enough`, or until the process has ended. `None` if `cancelled`.
    pub(super) fn wait(
        &self,
        cancelled: &dyn Fn() -> bool,
        enough: impl Fn(&State) -> bool,
    ) -> Option<State> {
        let mut state = self.told.state();
        while !enough(&state) && !state.ended {
            if cancelled() {
                return None;
            }
            let waited = self.told.changed.wait_timeout(state, POLL);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(state.clone())
    }
}

impl Told {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Takes its news until it ends, and keeps them in the environment. A record that cannot be written is one that is not there:
    /// the next run does the work again.
    fn listen(&self, stdout: impl io::Read, folder: &Utf8PathBuf, mut checked: Checked) {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(News::Importing(names)) => self.change(|state| state.importing.extend(names)),
                Ok(News::Import(outcome)) => {
                    self.change(|state| {
                        state.importing.remove(&outcome.requirement);
                    });
                    checked.verdict.imports.push(outcome);
                }
                Ok(News::Checked {}) => {
                    let _ = record::write_checked(folder, &checked);
                    self.change(|state| state.verdict = Some(checked.verdict.clone()));
                }
                Ok(News::Compiled(compiled)) => {
                    let _ = record::write_compiled(folder, compiled);
                    self.change(|state| state.compiled = Some(compiled));
                }
                Err(_) => self.change(|state| state.complaint = Some(line)),
            }
        }
        self.change(|state| state.ended = true);
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}
