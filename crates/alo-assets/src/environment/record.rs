//! What is known of an environment: written last when it is built, so that it also tells that it is whole.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::audit;
use super::contents::Contents;
use crate::durable;
use crate::interpreter::PythonVersion;

/// Version of the record's format.
const FORMAT: u32 = 2;
/// The record's name inside the environment.
const FILE: &str = "alo-environment.json";

/// A Python environment, ready to run steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Environment {
    /// What tells it from others: a digest of interpreter and packages.
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

/// What the folder of an environment turns out to be.
#[derive(Debug)]
pub(super) enum Look {
    /// Nothing, or what a killed build has left.
    Absent,
    /// It was whole once; what has happened to it since, in words.
    Damaged(String),
    /// It can be used.
    Whole(Environment),
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    key: String,
    python: PythonVersion,
    interpreter: Utf8PathBuf,
    installer: Option<String>,
    requirements: Vec<String>,
    #[serde(flatten)]
    contents: Contents,
}

impl Environment {
    /// Looks at the environment of that key in `folder`. Starts no process.
    pub(super) fn look(folder: &Utf8Path, key: &str) -> Look {
        let Ok(text) = fs_err::read(folder.join(FILE)) else { return Look::Absent };
        let record: Record = match serde_json::from_slice(&text) {
            Ok(record) => record,
            Err(error) => return Look::Damaged(format!("its record makes no sense ({error})")),
        };
        if record.format != FORMAT || record.key != key {
            return Look::Absent;
        }
        match audit::noted(folder).or_else(|| record.contents.damage(folder, record.python)) {
            Some(damage) => Look::Damaged(damage),
            None => Look::Whole(Self {
                key: record.key,
                folder: folder.to_owned(),
                python: python_in(folder),
                version: record.python,
                requirements: record.requirements,
                packages: record.contents.packages,
            }),
        }
    }

    /// Declares the environment whole.
    pub(super) fn write(
        &self,
        interpreter: &Utf8Path,
        installer: Option<&str>,
        contents: Contents,
    ) -> io::Result<()> {
        let record = Record {
            format: FORMAT,
            key: self.key.clone(),
            python: self.version,
            interpreter: interpreter.to_owned(),
            installer: installer.map(str::to_owned),
            requirements: self.requirements.clone(),
            contents,
        };
        durable::write(&self.folder.join(FILE), &serde_json::to_vec_pretty(&record)?)
    }
}

/// The interpreter of the environment in `folder`.
pub(super) fn python_in(folder: &Utf8Path) -> Utf8PathBuf {
    folder.join("bin").join("python")
}
