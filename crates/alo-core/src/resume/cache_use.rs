//! What becomes of the results of the steps of a run.

use std::cell::RefCell;

use alo_artifacts::{RunId, StepCache};
use alo_plan::{HandOffMode, PipelineKind, StepName};

use super::held_pipeline::HeldPipeline;
use super::process_state::ProcessStates;
use crate::project::Project;

/// What becomes of the results of the steps of a run.
///
/// With `resume` each is put back or kept at once. Without, in file mode, they are held, and kept only if the run fails:
/// then the next one can go on after them.
#[derive(Debug, Default)]
pub(crate) struct CacheUse {
    reuses: bool,
    /// How the steps so far have left their processes.
    pub(super) process: RefCell<ProcessStates>,
    /// What is held in case that the run fails.
    pub(super) held: RefCell<Vec<HeldPipeline>>,
    /// The steps that another run need not run, in order.
    pub(super) finished: RefCell<Vec<(PipelineKind, StepName)>>,
}

impl CacheUse {
    /// Decides for a run of that project; none if nothing is recorded.
    pub(crate) fn of(project: &Project, resume: bool) -> Option<Self> {
        let by_files = project.plan().control.interface_mode == HandOffMode::File;
        (resume || by_files).then(|| Self { reuses: resume, ..Self::default() })
    }

    /// Whether unchanged steps are put back.
    pub(crate) fn reuses(&self) -> bool {
        self.reuses
    }

    /// Ends the run: what is held is kept if the run has failed. Gives the steps that another run need not run.
    pub(crate) fn end(
        self,
        project: &Project,
        run: &RunId,
        has_failed: bool,
    ) -> Vec<(PipelineKind, StepName)> {
        if self.reuses {
            return self.finished.into_inner();
        }
        let cache = StepCache::new(project.layout());
        let mut finished = Vec::new();
        if has_failed {
            let mut process = ProcessStates::default();
            for pipeline in self.held.take() {
                // What could not be kept is run again.
                if pipeline.keep(project, &cache, &mut process, &mut finished).is_err() {
                    break;
                }
            }
            let _ = cache.trim(run);
        }
        drop(self.held);
        // What stays is removed by the next run.
        let _ = cache.discard(run);
        finished
    }
}
