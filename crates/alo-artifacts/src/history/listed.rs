//! A run in one line: what a table of many runs shows.

use alo_plan::PipelineKind;
use camino::Utf8PathBuf;
use jiff::Timestamp;

use super::entry::HistoryEntry;
use super::record::{FORMAT, RunState};
use crate::run_id::RunId;

/// A longer message is cut: thousands of them stand in one index.
const ERROR_CHARACTERS: usize = 200;

/// A run in short. [`History::runs`](super::History::runs) reads thousands of them without reading their records.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and a row of the index")]
pub struct ListedRun {
    /// The run.
    pub id: RunId,
    /// Which pipeline.
    pub kind: PipelineKind,
    /// Its folder.
    pub folder: Utf8PathBuf,
    /// How far it got.
    pub state: RunState,
    /// Whether its artifacts are whole: it succeeded, or only their way out failed.
    pub good: bool,
    /// When it started.
    pub started: Timestamp,
    /// When it ended; none for a run in progress and one that was killed.
    pub ended: Option<Timestamp>,
    /// The summary's score.
    pub score: Option<f64>,
    /// The summary's result.
    pub result: Option<String>,
    /// What ended it, where an error did: the first line of its message, at most 200 characters.
    pub error: Option<String>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Bytes of its files when it ended.
    pub bytes: u64,
    /// Whether its record is missing or damaged.
    pub damaged: bool,
    /// Whether a newer version of alo has written its record.
    pub newer: bool,
}

impl From<&HistoryEntry> for ListedRun {
    fn from(entry: &HistoryEntry) -> Self {
        let record = &entry.record;
        Self {
            id: record.id.clone(),
            kind: record.kind,
            folder: entry.folder.clone(),
            state: record.state,
            good: record.is_good(),
            started: record.started,
            ended: record.ended,
            score: record.score,
            result: record.result.clone(),
            error: record.error.as_ref().map(|error| first_line(&error.message)),
            pinned: entry.pinned,
            bytes: record.bytes,
            damaged: entry.damaged.is_some(),
            newer: record.format > FORMAT,
        }
    }
}

impl ListedRun {
    /// Runs are listed by this, the greatest first.
    pub(super) fn order(&self) -> (Timestamp, &RunId, PipelineKind) {
        (self.started, &self.id, self.kind)
    }
}

fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(ERROR_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
