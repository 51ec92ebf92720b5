//! What is done when the runs of a sweep have ended: the best becomes current, and the history keeps within its quota.

use alo_artifacts::{History, Retention, RunId};

use super::error::SweepError;
use crate::engine::RunOptions;
use crate::project::Project;

/// Makes the artifacts of a run the project's current ones, those of each pipeline in one step. The project must be locked.
pub(super) fn promote(project: &Project, options: &RunOptions, run: &str) -> Result<(), SweepError> {
    let history = History::new(project.layout());
    for pipeline in options.mode.pipelines(project.plan()) {
        let entry = history.find(run, Some(pipeline.kind))?;
        history
            .restore(&entry)
            .map_err(|source| SweepError::Promote { run: run.to_owned(), source: Box::new(source) })?;
    }
    Ok(())
}

/// Keeps the history within the plan's quota; the best run stays. Tells in a line what went.
pub(super) fn trim(project: &Project, best: Option<&RunId>) -> Option<String> {
    let quota = project.plan().control.backup_size.saturating_mul(1_000_000);
    let limit = Retention { bytes: Some(quota), runs: None };
    match History::new(project.layout()).prune(limit, best) {
        Ok(pruned) if pruned.runs.is_empty() => None,
        Ok(pruned) => {
            let (first, count) = (&pruned.runs[0].1, pruned.runs.len());
            let megabytes = pruned.bytes / 1_000_000;
            Some(format!(
                "the history was larger than backup_size: {count} of its folders went ({megabytes} MB), the oldest of {first}"
            ))
        }
        Err(error) => Some(format!("history could not be trimmed: {}", crate::error_chain(&error))),
    }
}
