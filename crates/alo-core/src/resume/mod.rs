//! The step cache at work: which steps run and which are put back, and what is kept of those that ran.
//!
//! `docs/design/step-cache.md` says what a result depends on, and when it is not kept.

mod attempt;
mod cache_use;
mod decision;
mod describe;
mod difference;
mod held_pipeline;
mod held_steps;
mod kept_steps;
mod left;
mod process_state;
mod recorded_steps;
mod recorder;
mod seen;
mod values;

pub use decision::{StepDecision, Why};

pub(crate) use attempt::Attempt;
pub(crate) use cache_use::CacheUse;
pub(crate) use left::Said;
pub(crate) use recorded_steps::RecordedSteps;
pub(crate) use recorder::RecordedStep;
pub(crate) use seen::Seen;
pub(crate) use values::{KeptValues, WatchOrder};
