//! Why a file that looked like an interpreter is not used.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PythonVersion;

/// What is wrong with a candidate. Reads behind its path: "`/usr/bin/python3` is a 32-bit program".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such file.
    Missing,
    /// There is one, but it is no program.
    NotExecutable,
    /// A pyenv shim: it stands for several interpreters and runs none of them now.
    Shim {
        /// What it said.
        said: String,
    },
    /// It was started and failed, or never answered.
    Broken {
        /// Its last words, or what the system said.
        said: String,
        /// How it ended, if it did by itself: `exit status: 1`.
        status: Option<String>,
    },
    /// It runs, and is no Python.
    NotPython,
    /// Older than any Python that assets run on.
    TooOld {
        /// Its version; `None` for one too old to say it as it was asked.
        version: Option<PythonVersion>,
    },
    /// Newer than any Python that assets are known to run on.
    TooNew {
        /// Its version.
        version: PythonVersion,
    },
    /// A 32-bit program, which scientific packages have no wheels for.
    Bits32,
    /// Another implementation than `CPython`.
    Implementation {
        /// What it calls itself: `pypy`.
        name: String,
    },
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing | Self::NotExecutable | Self::NotPython => {
                "name the interpreter itself, for instance `--python /usr/bin/python3.10`, or a version: `--python 3.10`"
                    .to_owned()
            }
            Self::Shim { .. } => {
                "install that version (`pyenv install 3.10`), or name the interpreter behind the shim \
                 (`~/.pyenv/versions/<version>/bin/python`)"
                    .to_owned()
            }
            Self::Broken { .. } => {
                "run it by hand to see what it lacks, install it anew, or choose another with `--python`".to_owned()
            }
            Self::TooOld { .. } | Self::TooNew { .. } => {
                "install Python 3.10, or choose one of 3.8 to 3.13 with `--python`".to_owned()
            }
            Self::Bits32 => "install a 64-bit Python: packages such as numpy are not made for 32 bits".to_owned(),
            Self::Implementation { .. } => "choose a CPython with `--python`".to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is not there"),
            Self::NotExecutable => f.write_str("is no program"),
            Self::Shim { said } => write!(f, "is a shim of pyenv that refuses to run: {said}"),
            Self::Broken { said, status: Some(status) } => write!(f, "does not run: {said} ({status})"),
            Self::Broken { said, status: None } => write!(f, "does not run: {said}"),
            Self::NotPython => f.write_str("answered as no Python does"),
            Self::TooOld { version: Some(version) } => {
                write!(f, "is Python {version}, which is too old: assets run on 3.8 to 3.13")
            }
            Self::TooOld { version: None } => {
                f.write_str("is a Python of before 3.4, which is too old: assets run on 3.8 to 3.13")
            }
            Self::TooNew { version } => {
                write!(f, "is Python {version}, which is too new: assets run on 3.8 to 3.13")
            }
            Self::Bits32 => f.write_str("is a 32-bit program"),
            Self::Implementation { name } => write!(f, "is `{name}`: assets need CPython"),
        }
    }
}
