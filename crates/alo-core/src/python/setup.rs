//! The set-up of a pipeline, as runs and `alo fetch` do it.

use alo_assets::{Machine, PreparedPipeline, SetupEvent, SetupPolicy, SetupRequest, set_up};
use alo_plan::PipelineKind;

use crate::cancel::CancelToken;
use crate::executor::ExecutorError;
use crate::project::Project;

/// Makes code and environments of a pipeline ready.
pub(crate) fn prepare_pipeline(
    machine: &Machine,
    project: &Project,
    kind: PipelineKind,
    policy: &SetupPolicy,
    cancel: &CancelToken,
    tell: &mut dyn FnMut(SetupEvent),
) -> Result<PreparedPipeline, ExecutorError> {
    let request = SetupRequest {
        project: project.root(),
        plan: project.plan(),
        kind,
        policy,
        cancelled: &|| cancel.is_cancelled(),
        observer: tell,
    };
    set_up(machine, request).map_err(|error| {
        let (hint, excerpt) = (error.hint(), error.excerpt());
        failed(kind, error, hint).with_excerpt(excerpt)
    })
}

/// Waits until nothing is left to do for any run: every package was imported once, all byte-code is there.
pub(crate) fn complete(
    mut prepared: PreparedPipeline,
    kind: PipelineKind,
    cancel: &CancelToken,
    tell: &mut dyn FnMut(SetupEvent),
) -> Result<PreparedPipeline, ExecutorError> {
    for finishing in &mut prepared.finishing {
        finishing.complete(&|| cancel.is_cancelled(), tell).map_err(|error| {
            let hint = error.hint();
            failed(kind, error, hint)
        })?;
    }
    Ok(prepared)
}

fn failed(
    kind: PipelineKind,
    error: impl std::error::Error + Send + Sync + 'static,
    hint: Option<String>,
) -> ExecutorError {
    let failed = ExecutorError::new(format!("failed to set up the {kind} pipeline")).because(error);
    match hint {
        Some(hint) => failed.with_hint(hint),
        None => failed,
    }
}
