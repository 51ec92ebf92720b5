//! What is known of an environment's imports and byte-code, kept in its folder so that a warm run starts nothing.

use std::collections::BTreeSet;
use std::io;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::verdict::{ImportOutcome, Verdict};
use crate::durable;

/// Version of both records' format.
const FORMAT: u32 = 2;
const CHECKED: &str = "alo-checked.json";
const COMPILED: &str = "alo-compiled.json";

/// How much of an environment has byte-code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Compiled {
    /// All but folders of tests, which no run imports.
    Code,
    /// All of it.
    All,
}

#[derive(Serialize, Deserialize)]
struct CheckedRecord {
    format: u32,
    asked: BTreeSet<String>,
    imports: Vec<ImportOutcome>,
}

#[derive(Serialize, Deserialize)]
struct CompiledRecord {
    format: u32,
    compiled: Compiled,
}

/// The imports of an environment that were tried, perhaps for several sets of requirements that come to the same packages.
#[derive(Debug, Clone, Default)]
pub(super) struct Checked {
    /// The distributions that were asked for, those with nothing to import included.
    pub(super) asked: BTreeSet<String>,
    /// What their imports came to.
    pub(super) verdict: Verdict,
}

impl Checked {
    /// Whether nothing of these is left to be tried.
    pub(super) fn covers(&self, names: &BTreeSet<String>) -> bool {
        names.is_subset(&self.asked)
    }
}

/// What is known of the imports of the environment in `folder`, if any were tried.
pub(super) fn checked(folder: &Utf8Path) -> Option<Checked> {
    let record: CheckedRecord = serde_json::from_slice(&fs_err::read(folder.join(CHECKED)).ok()?).ok()?;
    let CheckedRecord { format, asked, imports } = record;
    (format == FORMAT).then_some(Checked { asked, verdict: Verdict { imports } })
}

/// How much of the environment in `folder` has byte-code; `None` if nobody knows.
pub(super) fn compiled(folder: &Utf8Path) -> Option<Compiled> {
    let record: CompiledRecord = serde_json::from_slice(&fs_err::read(folder.join(COMPILED)).ok()?).ok()?;
    (record.format == FORMAT).then_some(record.compiled)
}

pub(super) fn write_checked(folder: &Utf8Path, checked: &Checked) -> io::Result<()> {
    let Checked { asked, verdict: Verdict { imports } } = checked.clone();
    let record = CheckedRecord { format: FORMAT, asked, imports };
    durable::write(&folder.join(CHECKED), &serde_json::to_vec_pretty(&record)?)
}

pub(super) fn write_compiled(folder: &Utf8Path, compiled: Compiled) -> io::Result<()> {
    let record = CompiledRecord { format: FORMAT, compiled };
    durable::write(&folder.join(COMPILED), &serde_json::to_vec_pretty(&record)?)
}
