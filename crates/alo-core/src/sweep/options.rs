//! How a sweep is to go.

use std::num::NonZeroUsize;

use alo_plan::PipelineKind;

use crate::engine::RunOptions;

/// How to sweep.
#[derive(Debug, Clone, Default)]
pub struct SweepOptions {
    /// What is combined, each `STEP.ARG=VALUES`. When a sweep goes on, none means its own.
    pub axes: Vec<String>,
    /// How its runs go. The mode holds for all of them.
    pub run: RunOptions,
    /// How many runs go at a time. Default: as many as the machine has cores.
    pub jobs: Option<NonZeroUsize>,
    /// Which score is the best. Default: the highest.
    pub goal: Goal,
    /// Whose summary's score counts. Default: training's, if it runs and saves one, else inference's.
    pub score: Option<PipelineKind>,
    /// Whether the artifacts of the best run become the project's current ones when the sweep is done. Default: no.
    pub promote_best: bool,
    /// Goes on with the last sweep that was interrupted, instead of beginning one. Default: no.
    pub resume: bool,
}

/// Which score is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Goal {
    /// The highest.
    #[default]
    Maximize,
    /// The lowest.
    Minimize,
}
