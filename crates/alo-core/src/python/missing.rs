//! What several pipelines lack where no network may be used, told at once and before the first of them runs.

use alo_assets::{Machine, SetupError, SetupEvent, SetupPolicy, SetupRequest, set_up};
use alo_plan::{Pipeline, PipelineKind};

use crate::cancel::CancelToken;
use crate::executor::ExecutorError;
use crate::project::Project;

/// Sets all pipelines up to learn what they lack. One that is set up costs next to nothing when its turn comes.
///
/// With a network, or for one pipeline alone, nothing is done: its own set-up tells all.
///
/// # Errors
/// What is missing for any of them. Another fault is told by the set-up of the pipeline that has it.
pub(crate) fn all_is_there(
    machine: &Machine,
    project: &Project,
    pipelines: &[&Pipeline],
    policy: &SetupPolicy,
    cancel: &CancelToken,
    tell: &mut dyn FnMut(PipelineKind, SetupEvent),
) -> Result<(), ExecutorError> {
    if !policy.offline || pipelines.len() < 2 {
        return Ok(());
    }
    let (mut all, mut kinds) = (Vec::new(), Vec::new());
    for pipeline in pipelines {
        let kind = pipeline.kind;
        let request = SetupRequest {
            project: project.root(),
            plan: project.plan(),
            kind,
            policy,
            cancelled: &|| cancel.is_cancelled(),
            observer: &mut |event| {
                // What takes time is told; the rest is told again when the pipeline's turn has come.
                if matches!(
                    event,
                    SetupEvent::ResolvingPackages { .. } | SetupEvent::BuildingEnvironment { .. }
                ) {
                    tell(kind, event);
                }
            },
        };
        if let Err(SetupError::Offline { missing }) = set_up(machine, request) {
            kinds.push(kind);
            for one in missing {
                // Both pipelines may run the same code.
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
    }
    if kinds.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = kinds.iter().map(ToString::to_string).collect();
    let word = if names.len() == 1 { "pipeline" } else { "pipelines" };
    let error = SetupError::Offline { missing: all };
    let hint = error.hint();
    let failed =
        ExecutorError::new(format!("failed to set up the {} {word}", names.join(" and "))).because(error);
    Err(match hint {
        Some(hint) => failed.with_hint(hint),
        None => failed,
    })
}
