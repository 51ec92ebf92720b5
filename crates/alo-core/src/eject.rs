//! Fetched code becomes code of the project.

use alo_assets::{EjectRequest, Ejected, Machine, SetupEvent};
use alo_plan::{PipelineKind, Source, StepName};

use crate::engine::{Mode, RunError, RunOptions, take_lock};
use crate::event::{Event, Observer};
use crate::fetch::known_step;
use crate::project::Project;

/// Copies the fetched code of a step to `assets/<step>/` of the project and tells which lines of the plan to change.
///
/// A step of both pipelines is that of the mode in the options; with [`Mode::All`] that of train, unless its code is local.
/// Another run of the project is waited for.
///
/// # Errors
/// A [`RunError`]; nothing has been changed then.
pub fn eject(
    machine: &Machine,
    project: &Project,
    step: &StepName,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Ejected, RunError> {
    known_step(project, step)?;
    let kind = pipeline_of(project, step, options.mode);
    let text = match project.plan_file() {
        Some(file) => fs_err::read_to_string(file)?,
        None => project.plan().to_yaml(),
    };
    let _lock = take_lock(project, options, observer)?;
    let request = EjectRequest {
        project: project.root(),
        plan: project.plan(),
        text: &text,
        kind,
        step,
        policy: &options.setup,
        cancelled: &|| options.cancel.is_cancelled(),
        observer: &mut |detail: SetupEvent| observer.event(&Event::Setup { pipeline: kind, detail }),
    };
    alo_assets::eject(machine, request).map_err(|error| {
        if error.is_cancelled() { RunError::Interrupted } else { RunError::Eject(Box::new(error)) }
    })
}

fn pipeline_of(project: &Project, step: &StepName, mode: Mode) -> PipelineKind {
    let has = |kind: &PipelineKind, fetched: bool| {
        let pipeline = project.plan().pipeline(*kind);
        pipeline.is_some_and(|pipeline| {
            pipeline
                .steps
                .iter()
                .any(|found| found.name == *step && (!fetched || matches!(found.source, Source::Git { .. })))
        })
    };
    match mode {
        Mode::Only(kind) => kind,
        Mode::All => {
            let first = |fetched| PipelineKind::ALL.into_iter().find(|kind| has(kind, fetched));
            first(true).or_else(|| first(false)).unwrap_or(PipelineKind::Train)
        }
    }
}
