//! Which step of which run is recorded, and where its result goes.

use alo_plan::PipelineKind;

use super::entry::{KeptStep, Left, MadeFrom};
use super::refusal::NotKept;
use super::store::StepCache;
use crate::durable;
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// Which step of which run it is, and where its result goes.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) cache: StepCache,
    pub(super) pipeline: PipelineKind,
    pub(super) step: String,
    pub(super) run: RunId,
}

impl Place {
    /// Notes why the result is not kept.
    pub(super) fn refuse(&self, made_from: MadeFrom, not_kept: NotKept) -> Result<(), StorageError> {
        let folder = self.cache.folder(self.pipeline, &self.step, &made_from.description.key());
        durable::remove(&folder)?;
        self.record(made_from, Err(not_kept)).write(&folder)
    }

    pub(super) fn record(&self, made_from: MadeFrom, outcome: Result<Left, NotKept>) -> KeptStep {
        KeptStep::new(self.pipeline, &self.step, &self.run, made_from, outcome)
    }
}
