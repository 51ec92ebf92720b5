//! What is known of an environment's imports and byte-code, kept in its folder so that a warm run starts nothing.

use std::io;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::verdict::{ImportOutcome, Verdict};
use crate::durable;

/// Version of both records' format.
const FORMAT: u32 = 1;
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
    imports: Vec<ImportOutcome>,
}

#[derive(Serialize, Deserialize)]
struct CompiledRecord {
    format: u32,
    compiled: Compiled,
}

/// What the imports of the environment in `folder` came to, if they were tried.
pub(super) fn checked(folder: &Utf8Path) -> Option<Verdict> {
    let record: CheckedRecord = serde_json::from_slice(&fs_err::read(folder.join(CHECKED)).ok()?).ok()?;
    (record.format == FORMAT).then_some(Verdict { imports: record.imports })
}

/// How much of the environment in `folder` has byte-code; `None` if nobody knows.
pub(super) fn compiled(folder: &Utf8Path) -> Option<Compiled> {
    let record: CompiledRecord = serde_json::from_slice(&fs_err::read(folder.join(COMPILED)).ok()?).ok()?;
    (record.format == FORMAT).then_some(record.compiled)
}

pub(super) fn write_checked(folder: &Utf8Path, verdict: &Verdict) -> io::Result<()> {
    let record = CheckedRecord { format: FORMAT, imports: verdict.imports.clone() };
    durable::write(&folder.join(CHECKED), &serde_json::to_vec_pretty(&record)?)
}

pub(super) fn write_compiled(folder: &Utf8Path, compiled: Compiled) -> io::Result<()> {
    let record = CompiledRecord { format: FORMAT, compiled };
    durable::write(&folder.join(COMPILED), &serde_json::to_vec_pretty(&record)?)
}
