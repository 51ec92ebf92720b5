//! A sweep in short: its runs, the best first.

use std::cmp::Ordering;

use alo_artifacts::{RunState, SweptRun};
use camino::Utf8PathBuf;
use serde::Serialize;

use super::grid::SweepGrid;
use super::options::Goal;

/// A sweep in short.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SweepReport {
    /// Its id.
    pub sweep: String,
    /// Name of the contents.
    pub name: String,
    /// The project's folder.
    pub project: Utf8PathBuf,
    /// How it ended: interrupted while runs are left, failed when none of its runs has succeeded.
    pub state: RunState,
    /// How long it took, in seconds; of one that went on, since then.
    pub seconds: f64,
    /// The settings, as they were named.
    pub settings: Vec<String>,
    /// The runs that have ended, the best first, then those without a score, then those that did not succeed.
    pub runs: Vec<SweepRun>,
    /// How many combinations have not run.
    pub left: usize,
    /// The run whose artifacts are the project's current ones now.
    pub promoted: Option<String>,
    /// What is to be looked at though nothing failed.
    pub warnings: Vec<String>,
}

/// A run of a sweep in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SweepRun {
    /// Its place by score, from 1; none without a score.
    pub rank: Option<usize>,
    /// The run.
    pub run: String,
    /// Which combination, from 0; the last setting runs fastest.
    pub combination: usize,
    /// The values of the settings, in their order.
    pub values: Vec<serde_json::Value>,
    /// How it ended.
    pub state: RunState,
    /// The score.
    pub score: Option<f64>,
    /// The result that its summary gives.
    pub result: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What ended it, if it did not succeed.
    pub error: Option<String>,
}

impl SweepRun {
    pub(super) fn new(run: &SweptRun, grid: &SweepGrid) -> Self {
        let values = grid.values(run.combination).into_iter();
        Self {
            rank: None,
            run: run.run.clone(),
            combination: run.combination,
            values: values.map(|value| serde_json::to_value(value).unwrap_or_default()).collect(),
            state: run.state,
            score: run.score,
            result: run.result.clone(),
            seconds: run.seconds,
            error: run.error.clone(),
        }
    }
}

/// Puts runs in the order of their scores; equal ones in the order of their combinations.
pub(super) fn ranked(mut runs: Vec<SweepRun>, goal: Goal) -> Vec<SweepRun> {
    // Neither a failed run nor one without a score is the best, whatever the goal.
    let score =
        |run: &SweepRun| run.score.filter(|score| run.state == RunState::Succeeded && !score.is_nan());
    let good = |run: &SweepRun| run.state == RunState::Succeeded;
    runs.sort_by(|a, b| {
        let by_score = match (score(a), score(b)) {
            (Some(a), Some(b)) if goal == Goal::Maximize => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        by_score
            .then_with(|| if good(a) == good(b) { Ordering::Equal } else { good(b).cmp(&good(a)) })
            .then(a.combination.cmp(&b.combination))
    });
    for (place, run) in runs.iter_mut().enumerate() {
        run.rank = score(run).map(|_| place + 1);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_comes_first_and_what_failed_last() {
        let run = |combination, state, score| SweepRun {
            rank: None,
            run: String::new(),
            combination,
            values: Vec::new(),
            state,
            score,
            result: None,
            seconds: 0.0,
            error: None,
        };
        let runs = vec![
            run(0, RunState::Failed, Some(0.9)),
            run(1, RunState::Succeeded, None),
            run(2, RunState::Succeeded, Some(0.5)),
            run(3, RunState::Succeeded, Some(0.7)),
            run(4, RunState::Succeeded, Some(0.7)),
        ];
        let order = |goal| {
            let ranked = ranked(runs.clone(), goal);
            ranked.iter().map(|run| (run.combination, run.rank)).collect::<Vec<_>>()
        };
        assert_eq!(order(Goal::Maximize), [(3, Some(1)), (4, Some(2)), (2, Some(3)), (1, None), (0, None)]);
        assert_eq!(order(Goal::Minimize), [(2, Some(1)), (3, Some(2)), (4, Some(3)), (1, None), (0, None)]);
    }
}
