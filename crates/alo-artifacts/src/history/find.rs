//! From what a user writes to the runs that are meant.

use std::collections::BTreeMap;

use alo_plan::PipelineKind;
use jiff::SignedDuration;

use super::entry::{self, HistoryEntry};
use super::error::HistoryError;
use super::run_folder::run_names;
use super::runs::History;
use crate::run_id::{ERROR_SUFFIX, RunId};

/// So many candidates are named when several runs are meant.
const NAMED: usize = 10;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Folders of runs by id: train before inference.
type Names = BTreeMap<RunId, Vec<(PipelineKind, String)>>;

/// A run that could not be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// No id starts so.
    #[error("no run of the history starts with `{prefix}`")]
    None {
        /// What was looked for.
        prefix: String,
    },
    /// `latest…`, and there is no such run.
    #[error("the history has no {what}")]
    NoLatest {
        /// What was looked for.
        what: &'static str,
    },
    /// Several ids start so.
    #[error("{count} runs start with `{prefix}`: {}{}", .ids.join(", "), if *.count > .ids.len() { ", …" } else { "" })]
    Several {
        /// What was looked for.
        prefix: String,
        /// The newest of the ids.
        ids: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// The history could not be read.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl FindError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::None { .. } | Self::NoLatest { .. } => Some("`alo history list` lists the runs".into()),
            Self::Several { .. } => Some("write more of the id, or its eight digits".into()),
            Self::History(error) => error.hint(),
        }
    }
}

impl History {
    /// Finds the one run whose id starts so, or whose eight digits do; `latest`, `latest-train` and `latest-inference`
    /// are the newest ones. `kind` tells train and inference of one command apart; without it the inference is meant
    /// where both have the id.
    pub fn find(&self, prefix: &str, kind: Option<PipelineKind>) -> Result<HistoryEntry, FindError> {
        let mut found = self.find_all(prefix, kind)?;
        found.pop().ok_or_else(|| FindError::None { prefix: prefix.to_owned() })
    }

    /// Finds train and inference of the one command whose id starts so, in that order; at least one. The words are those
    /// of [`find`](Self::find).
    pub fn find_all(&self, prefix: &str, kind: Option<PipelineKind>) -> Result<Vec<HistoryEntry>, FindError> {
        let latest = match prefix {
            "latest" => Some((kind, "runs")),
            "latest-train" => Some((Some(PipelineKind::Train), "training runs")),
            "latest-inference" => Some((Some(PipelineKind::Inference), "inference runs")),
            _ => None,
        };
        let prefix = prefix.strip_suffix(ERROR_SUFFIX).unwrap_or(prefix);
        let matches = |id: &RunId| {
            let digits = id.as_str().get(17..).unwrap_or_default();
            !prefix.is_empty() && (id.as_str().starts_with(prefix) || digits.starts_with(prefix))
        };
        let kind = latest.map_or(kind, |(kind, _)| kind);
        let mut found = self.names_of(kind, |id| latest.is_some() || matches(id))?;
        if let Some((_, what)) = latest {
            return self.latest_of(found).ok_or(FindError::NoLatest { what });
        }
        // A whole id is meant even where another one starts with it.
        let exact = prefix.parse().ok().and_then(|id: RunId| found.remove(&id));
        if exact.is_none() && found.len() > 1 {
            let ids = found.keys().rev().take(NAMED).map(ToString::to_string).collect();
            return Err(FindError::Several { prefix: prefix.to_owned(), ids, count: found.len() });
        }
        let names = exact.or_else(|| found.pop_first().map(|(_, names)| names)).unwrap_or_default();
        let runs = self.read(&names);
        if runs.is_empty() { Err(FindError::None { prefix: prefix.to_owned() }) } else { Ok(runs) }
    }

    /// The folders of the runs that are meant, by id.
    fn names_of(
        &self,
        kind: Option<PipelineKind>,
        is_meant: impl Fn(&RunId) -> bool,
    ) -> Result<Names, HistoryError> {
        let mut names = Names::new();
        for each in PipelineKind::ALL.into_iter().filter(|each| kind.is_none_or(|kind| kind == *each)) {
            for name in run_names(&self.layout().history(each))? {
                if let Some((id, _)) = RunId::of_folder(&name).filter(|(id, _)| is_meant(id)) {
                    names.entry(id).or_default().push((each, name));
                }
            }
        }
        Ok(names)
    }

    /// The newest run. Ids begin with the time in whole seconds: of those of the last second the records decide.
    fn latest_of(&self, mut names: Names) -> Option<Vec<HistoryEntry>> {
        let mut latest: Option<Vec<HistoryEntry>> = None;
        while let Some((id, of)) = names.pop_last() {
            let started = |runs: &Vec<HistoryEntry>| runs.iter().map(|run| run.record.started).max();
            if latest.as_ref().is_some_and(|runs| started(runs) >= Some(id.started() + SECOND)) {
                break;
            }
            let runs = self.read(&of);
            if !runs.is_empty() && latest.as_ref().is_none_or(|latest| started(latest) < started(&runs)) {
                latest = Some(runs);
            }
        }
        latest
    }

    fn read(&self, names: &[(PipelineKind, String)]) -> Vec<HistoryEntry> {
        let read =
            |(kind, name): &(PipelineKind, String)| entry::read(&self.layout().history(*kind), *kind, name);
        names.iter().filter_map(read).map(|read| read.entry).collect()
    }
}
