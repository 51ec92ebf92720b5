//! What several runs of one plan share: code and environments that are ready.

use std::sync::Arc;

use alo_assets::{EnvironmentUse, Machine, PreparedPipeline, SetupEvent};
use alo_plan::PipelineKind;

use super::executor::PythonExecutor;
use super::setup::{complete, prepare_pipeline};
use crate::engine::RunOptions;
use crate::executor::ExecutorError;
use crate::project::Project;

/// What several runs of one plan share.
#[derive(Debug)]
pub(crate) struct WarmPython {
    machine: Machine,
    setups: Vec<(PipelineKind, Arc<PreparedPipeline>)>,
    /// Keeps the environments in the cache.
    _uses: Vec<EnvironmentUse>,
}

impl WarmPython {
    /// Makes code and environments of all pipelines that run ready, completely: nothing is left to be looked at by the runs.
    pub(crate) fn prepare(
        machine: &Machine,
        project: &Project,
        options: &RunOptions,
        tell: &mut dyn FnMut(PipelineKind, SetupEvent),
    ) -> Result<Self, ExecutorError> {
        let (mut setups, mut uses) = (Vec::new(), Vec::new());
        for pipeline in options.mode.pipelines(project.plan()) {
            let kind = pipeline.kind;
            let mut tell = |detail| tell(kind, detail);
            let prepared =
                prepare_pipeline(machine, project, kind, &options.setup, &options.cancel, &mut tell)?;
            for environment in &prepared.environments {
                uses.push(EnvironmentUse::begin(&machine.cache, &environment.key).map_err(|error| {
                    ExecutorError::new("failed to hold the environment in the cache").because(error)
                })?);
            }
            let prepared = complete(prepared, kind, &options.cancel, &mut tell)?;
            setups.push((kind, Arc::new(prepared)));
        }
        Ok(Self { machine: machine.clone(), setups, _uses: uses })
    }

    /// An executor for one of the runs.
    pub(crate) fn executor(self: &Arc<Self>) -> PythonExecutor {
        PythonExecutor::warm(self.machine.clone(), Arc::clone(self))
    }

    /// What was made ready for a pipeline.
    pub(super) fn setup(&self, kind: PipelineKind) -> Result<Arc<PreparedPipeline>, ExecutorError> {
        let found = self.setups.iter().find(|(of, _)| *of == kind);
        found
            .map(|(_, setup)| Arc::clone(setup))
            .ok_or_else(|| ExecutorError::new(format!("the {kind} pipeline was not made ready")))
    }

    /// What was made ready, in the order of execution.
    pub(crate) fn setups(&self) -> impl Iterator<Item = &PreparedPipeline> {
        self.setups.iter().map(|(_, setup)| setup.as_ref())
    }
}
