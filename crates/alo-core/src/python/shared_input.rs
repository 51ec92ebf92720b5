//! The input that several runs read at the same time: a step that is about to change it is ended.

use alo_artifacts::{ProjectLayout, RunId};
use camino::Utf8PathBuf;

use super::message::KeepOut;
use crate::failure::{FailureKind, StepFailure};

/// The input of a run beside others.
#[derive(Debug)]
pub(super) struct SharedInput {
    folder: Utf8PathBuf,
    /// Where the worker notes that a step was about to change it.
    note: Utf8PathBuf,
}

impl SharedInput {
    /// The input of that run.
    pub(super) fn of(layout: &ProjectLayout, run: &RunId) -> Self {
        let note = layout.staging().join(run.as_str()).join("changes-input");
        Self { folder: layout.root().join("input"), note }
    }

    /// What the worker is told.
    pub(super) fn order(&self) -> KeepOut<'_> {
        KeepOut { folder: &self.folder, note: &self.note }
    }

    /// How a step has ended: if it was about to change the input, with that, whatever it has made of it.
    pub(super) fn judge(
        input: Option<Self>,
        step: &str,
        result: Result<(), StepFailure>,
    ) -> Result<(), StepFailure> {
        let Some(Self { note, .. }) = input else { return result };
        let Ok(path) = fs_err::read(&note) else { return result };
        // What stays goes with the next run.
        let _ = fs_err::remove_file(&note);
        let path = String::from_utf8_lossy(&path);
        let cause = format!("it changes `{path}`, which other runs read at the same time");
        Err(StepFailure::new(step, FailureKind::InputShared, cause))
    }
}
