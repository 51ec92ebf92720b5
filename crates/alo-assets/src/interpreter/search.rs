//! The choice of an interpreter: what was asked for, else what the lock says, else 3.10, else the newest that runs assets.

use camino::{Utf8Path, Utf8PathBuf};

use super::probe::{self, Interpreter};
use super::{InterpreterError, PythonRequest, PythonVersion, Refusal, places};
use crate::Machine;

/// An interpreter to work with, and what the user should know of the choice.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) interpreter: Interpreter,
    pub(crate) warning: Option<String>,
}

/// Chooses the interpreter. Starts none that has been asked before and looks the same.
///
/// `locked` is the version that `alo.lock` was made with: a wish, which gives way to what the user asks for.
pub(crate) fn find(machine: &Machine, locked: Option<PythonVersion>) -> Result<Found, InterpreterError> {
    let search = Search { machine, refused: Vec::new() };
    match &machine.python {
        Some(PythonRequest::Path(path)) => search.at(path),
        Some(PythonRequest::Version(asked)) => search.exactly(*asked),
        None => search.preferably(locked.unwrap_or(PythonVersion::DEFAULT), locked.is_some()),
    }
}

struct Search<'a> {
    machine: &'a Machine,
    refused: Vec<(Utf8PathBuf, Refusal)>,
}

impl Search<'_> {
    fn at(&self, path: &Utf8Path) -> Result<Found, InterpreterError> {
        match probe::probe(&self.machine.cache, path, &self.machine.child_variables()) {
            Ok(interpreter) => Ok(Found { interpreter, warning: None }),
            Err(refusal) => Err(InterpreterError::Refused { path: path.to_owned(), refusal }),
        }
    }

    fn exactly(mut self, asked: PythonVersion) -> Result<Found, InterpreterError> {
        if !asked.is_supported() {
            return Err(InterpreterError::Unsupported { asked });
        }
        if let Some(interpreter) = self.first(asked) {
            return Ok(Found { interpreter, warning: None });
        }
        // What is wrong with candidates for that version matters; those for others are only looked for.
        let refused = std::mem::take(&mut self.refused);
        let mut found: Vec<_> = (8..=13)
            .filter_map(|minor| self.first(PythonVersion { major: 3, minor, patch: None }))
            .map(|other| (other.version, other.executable))
            .collect();
        found.sort_unstable();
        Err(InterpreterError::NotFound { asked, found, refused })
    }

    fn preferably(mut self, wanted: PythonVersion, is_locked: bool) -> Result<Found, InterpreterError> {
        if let Some(interpreter) = self.first(wanted) {
            return Ok(Found { interpreter, warning: None });
        }
        let default = Some(PythonVersion::DEFAULT).filter(|_| is_locked);
        let newest = (8..=13).rev().map(|minor| PythonVersion { major: 3, minor, patch: None });
        match default.into_iter().chain(newest).find_map(|version| self.first(version)) {
            Some(interpreter) => {
                let why = if is_locked {
                    "the version of `alo.lock`"
                } else {
                    "the version assets are written for"
                };
                let warning = format!(
                    "Python {wanted}, {why}, is not on this machine: Python {} is used instead",
                    interpreter.version
                );
                Ok(Found { interpreter, warning: Some(warning) })
            }
            None => Err(InterpreterError::None { refused: self.refused }),
        }
    }

    /// The first candidate of that version that can be used; what is wrong with the others is noted.
    fn first(&mut self, version: PythonVersion) -> Option<Interpreter> {
        for path in places::candidates(self.machine, version) {
            match probe::probe(&self.machine.cache, &path, &self.machine.child_variables()) {
                Ok(found) if found.version.satisfies(version) => return Some(found),
                Ok(_) => {}
                Err(refusal) => {
                    if !self.refused.iter().any(|(known, _)| *known == path) {
                        self.refused.push((path, refusal));
                    }
                }
            }
        }
        None
    }
}
