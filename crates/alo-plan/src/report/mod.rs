//! Loaded plans for other programs: one JSON object a plan, or annotations of a GitHub workflow.

mod github;
mod json;

pub use github::{github, github_annotations};
pub use json::{PipelineReport, PlanContent, PlanReport, Reports, StepReport};
