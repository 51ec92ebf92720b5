//! The choice of an interpreter: what was asked for, else 3.10, else the newest that runs assets.

use camino::Utf8PathBuf;

use super::probe::{self, Interpreter};
use super::{PythonVersion, places};
use crate::Machine;

/// Why there is no interpreter to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterpreterError {
    /// The version asked for is not on this machine.
    #[error("there is no Python {asked} on this machine")]
    NotFound {
        /// The version asked for.
        asked: PythonVersion,
        /// Versions that were found instead.
        found: Vec<PythonVersion>,
        /// Candidates that do not run, with what is wrong.
        refused: Vec<(Utf8PathBuf, String)>,
    },
    /// There is none at all.
    #[error("there is no Python 3.8 to 3.13 on this machine")]
    None {
        /// Candidates that do not run, with what is wrong.
        refused: Vec<(Utf8PathBuf, String)>,
    },
    /// The version asked for is one that assets do not run on.
    #[error("Python {asked} is not supported: assets run on Python 3.8 to 3.13")]
    Unsupported {
        /// The version asked for.
        asked: PythonVersion,
    },
    /// The interpreter cannot make environments.
    #[error("the Python at `{executable}` has no `venv` module")]
    NoVenv {
        /// The interpreter.
        executable: Utf8PathBuf,
        /// Its version.
        version: PythonVersion,
    },
}

impl InterpreterError {
    /// What to install or to ask for.
    pub fn hint(&self) -> Option<String> {
        let said = |refused: &[(Utf8PathBuf, String)]| {
            let said = refused.iter().map(|(path, said)| format!("; `{path}` does not run: {said}"));
            said.collect::<String>()
        };
        Some(match self {
            Self::NotFound { found, refused, .. } if !found.is_empty() => {
                let found: Vec<_> = found.iter().map(ToString::to_string).collect();
                format!("found {}: choose one of them with `--python`{}", found.join(", "), said(refused))
            }
            Self::NotFound { refused, .. } | Self::None { refused } => {
                format!("install Python 3.10 with its venv module and put it on PATH{}", said(refused))
            }
            Self::Unsupported { .. } => "choose one of 3.8 to 3.13 with `--python`".to_owned(),
            Self::NoVenv { version, .. } => format!(
                "install it (Debian and Ubuntu: `apt install python{}.{}-venv`)",
                version.major, version.minor
            ),
        })
    }
}

/// An interpreter to work with, and what the user should know of the choice.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) interpreter: Interpreter,
    pub(crate) warning: Option<String>,
}

/// Chooses the interpreter. Starts none that has been asked before and looks the same.
pub(crate) fn find(machine: &Machine) -> Result<Found, InterpreterError> {
    let asked = machine.python.unwrap_or(PythonVersion::DEFAULT);
    if !asked.is_supported() {
        return Err(InterpreterError::Unsupported { asked });
    }
    let mut search = Search { machine, refused: Vec::new() };
    if let Some(interpreter) = search.first(asked) {
        return Ok(Found { interpreter: usable(interpreter)?, warning: None });
    }
    let others = (8..=13).rev().filter(|minor| *minor != asked.minor);
    let mut others = others.map(|minor| PythonVersion { major: 3, minor, patch: None });
    if machine.python.is_some() {
        let mut found: Vec<_> = others.filter_map(|version| Some(search.first(version)?.version)).collect();
        // A patch that is not there: the other patches of the same version are worth knowing.
        found.extend(search.first(PythonVersion { patch: None, ..asked }).map(|other| other.version));
        found.sort_unstable();
        return Err(InterpreterError::NotFound { asked, found, refused: search.refused });
    }
    match others.find_map(|version| search.first(version)) {
        Some(interpreter) => {
            let interpreter = usable(interpreter)?;
            let warning = format!(
                "Python {asked}, the version assets are written for, is not on this machine: Python {} is used instead",
                interpreter.version
            );
            Ok(Found { interpreter, warning: Some(warning) })
        }
        None => Err(InterpreterError::None { refused: search.refused }),
    }
}

struct Search<'a> {
    machine: &'a Machine,
    refused: Vec<(Utf8PathBuf, String)>,
}

impl Search<'_> {
    fn first(&mut self, version: PythonVersion) -> Option<Interpreter> {
        for path in places::candidates(self.machine, version) {
            match probe::probe(&self.machine.cache, &path, &self.machine.child_variables()) {
                Ok(found) if found.version.satisfies(version) && found.implementation == "cpython" => {
                    return Some(found);
                }
                Ok(_) => {}
                Err(said) => {
                    if !self.refused.iter().any(|(known, _)| *known == path) {
                        self.refused.push((path, said));
                    }
                }
            }
        }
        None
    }
}

fn usable(interpreter: Interpreter) -> Result<Interpreter, InterpreterError> {
    if interpreter.venv {
        Ok(interpreter)
    } else {
        Err(InterpreterError::NoVenv { executable: interpreter.executable, version: interpreter.version })
    }
}
