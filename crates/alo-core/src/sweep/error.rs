//! Why a sweep could not be done.

use alo_artifacts::{FindError, HistoryError, RestoreError, SweepRecordError};

use super::grid::GridError;
use super::report::SweepReport;
use crate::engine::{RunError, RunFailure};

/// Why a sweep could not be done. What one of its runs fails of is in the report instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// What is to be combined is wrong.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// What all runs share could not be done: lock, set-up, data.
    #[error(transparent)]
    Shared(#[from] RunError),
    /// A step that all runs share has failed. The history has it as a run of the sweep.
    #[error(transparent)]
    SharedSteps(Box<RunFailure>),
    /// There is no sweep to go on with.
    #[error("the project has no interrupted sweep")]
    NothingToResume,
    /// The rest of the sweep would not compare with the runs there are.
    #[error("the sweep `{sweep}` cannot go on: since it began {} changed", changed(.differences))]
    Changed {
        /// The sweep.
        sweep: String,
        /// What has changed, in words.
        differences: Vec<String>,
    },
    /// Its record could not be read or written.
    #[error("failed to keep the record of the sweep")]
    Record(#[from] SweepRecordError),
    /// The plan keeps no artifacts in the history, and so none can be promoted.
    #[error("no run can be promoted: the plan keeps no artifacts in the history")]
    NothingKept,
    /// The runs are done, but none of them can be promoted.
    #[error("no run of the sweep can be promoted: none has succeeded with a score")]
    NoBest {
        /// The sweep.
        report: Box<SweepReport>,
    },
    /// The run to promote is not there.
    #[error("failed to find the run to promote")]
    Find(#[from] FindError),
    /// The history.
    #[error("failed to read the history")]
    History(#[from] HistoryError),
    /// The artifacts could not be made current.
    #[error("failed to promote the run `{run}`")]
    Promote {
        /// The run.
        run: String,
        /// Why.
        #[source]
        source: Box<RestoreError>,
    },
}

fn changed(differences: &[String]) -> String {
    match differences {
        [one] if one != "the settings" => format!("{one} has"),
        several => format!("{} have", several.join(" and ")),
    }
}

impl SweepError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Grid(error) => error.hint(),
            Self::Shared(error) => error.hint(),
            Self::SharedSteps(failure) => failure.error.hint(),
            Self::NothingToResume => Some("begin one: `alo sweep --set train.max_depth=3:9:2`".into()),
            Self::Changed { .. } => Some("undo the change, or begin a sweep with --set".into()),
            Self::Record(error) => error.hint(),
            Self::NothingKept => Some("set `backup_artifacts: True` in the plan's `control`".into()),
            Self::NoBest { .. } => Some("look at why the runs failed: `alo history show ID`".into()),
            Self::Promote { source, .. } => source.hint(),
            Self::Find(_) => Some("`alo history` lists the runs".into()),
            Self::History(_) => None,
        }
    }

    /// Whether the sweep was stopped from outside before its runs began.
    pub fn is_interruption(&self) -> bool {
        matches!(self, Self::Shared(error) if error.is_interruption())
    }
}
