//! What a watched step has touched beside its own folders.

use alo_artifacts::{LookedAt, NotKept, Read};
use camino::Utf8PathBuf;
use serde::Deserialize;

/// What a watched step has touched beside its own folders, as its worker tells (`alolib/_seen.py`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Seen {
    wrote: Vec<Utf8PathBuf>,
    pub(super) read: Vec<Read>,
    pub(super) looked: Vec<LookedAt>,
    /// Names of environment variables; `*` stands for all.
    pub(super) variables: Vec<String>,
    read_too_much: bool,
    programs: Vec<String>,
    connections: Vec<String>,
    asked_for_run: bool,
    /// What goes on, or is done, only after it.
    unfinished: Option<String>,
    /// What it changed of its process that cannot be put back.
    process: Option<String>,
}

impl Seen {
    /// Why its result is not to be kept, if it is not.
    pub(super) fn not_kept(&self) -> Option<NotKept> {
        let first = |list: &[String]| list.first().cloned();
        if let Some(path) = self.wrote.first() {
            return Some(NotKept::WroteOutside { path: path.clone() });
        }
        if let Some(what) = &self.unfinished {
            return Some(NotKept::LeftUnfinished { what: what.clone() });
        }
        if let Some(what) = &self.process {
            return Some(NotKept::ChangedProcess { what: what.clone() });
        }
        if self.asked_for_run {
            return Some(NotKept::AskedForRun);
        }
        first(&self.programs)
            .map(|program| NotKept::StartedProgram { program })
            .or_else(|| first(&self.connections).map(|address| NotKept::Connected { address }))
            .or_else(|| self.read_too_much.then_some(NotKept::ReadTooMuch))
    }
}
