//! What is known of an environment: written last when it is built, so that it also tells that it is whole.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::durable;
use crate::interpreter::PythonVersion;

/// Version of the record's format.
const FORMAT: u32 = 1;
/// The record's name inside the environment.
const FILE: &str = "alo-environment.json";

/// A Python environment, ready to run steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Environment {
    /// What tells it from others: a digest of interpreter and requirements.
    pub key: String,
    /// Its folder.
    pub folder: Utf8PathBuf,
    /// The interpreter inside it.
    pub python: Utf8PathBuf,
    /// The version of its Python, all three numbers.
    pub version: PythonVersion,
    /// What was asked for, without credentials, sorted.
    pub requirements: Vec<String>,
    /// What is installed: `name==version`, sorted by name.
    pub packages: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    key: String,
    python: PythonVersion,
    interpreter: Utf8PathBuf,
    installer: Option<String>,
    requirements: Vec<String>,
    packages: Vec<String>,
}

impl Environment {
    /// Reads the environment of that key in `folder`; `None` if it is not there, not whole or not usable.
    pub(super) fn find(folder: &Utf8Path, key: &str) -> Option<Self> {
        let record: Record = serde_json::from_slice(&fs_err::read(folder.join(FILE)).ok()?).ok()?;
        let python = python_in(folder);
        // The interpreter is a link: `exists` looks at what is behind it.
        (record.format == FORMAT && record.key == key && python.exists()).then(|| Self {
            key: record.key,
            folder: folder.to_owned(),
            python,
            version: record.python,
            requirements: record.requirements,
            packages: record.packages,
        })
    }

    /// Declares the environment whole.
    pub(super) fn write(&self, interpreter: &Utf8Path, installer: Option<&str>) -> io::Result<()> {
        let record = Record {
            format: FORMAT,
            key: self.key.clone(),
            python: self.version,
            interpreter: interpreter.to_owned(),
            installer: installer.map(str::to_owned),
            requirements: self.requirements.clone(),
            packages: self.packages.clone(),
        };
        durable::write(&self.folder.join(FILE), &serde_json::to_vec_pretty(&record)?)
    }
}

/// The interpreter of the environment in `folder`.
pub(super) fn python_in(folder: &Utf8Path) -> Utf8PathBuf {
    folder.join("bin").join("python")
}
