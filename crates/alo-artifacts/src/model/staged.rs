//! A model from outside that waits beside the project's own.

use camino::Utf8PathBuf;

use super::error::ModelError;
use crate::experimental::EXTERNAL_MODEL;
use crate::history::{History, RestoreError};
use crate::layout::{ArtifactLayout, ProjectLayout};
use crate::run_id::RunId;
use crate::staging::{StagedArtifacts, StagedModels, StagingError};
use crate::tree::Tree;
use crate::walk::Links;

/// The model that inference uses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedModel {
    /// The archive or folder it came from; the URL, if that is in S3.
    pub source: Utf8PathBuf,
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What inference with it records as its training: [`EXTERNAL_MODEL`].
    pub train_id: String,
}

/// A model from outside that waits beside the project's own: an inference can use it, and nothing is replaced yet.
///
/// Dropped it goes, and with it what it has replaced, if it has become current.
#[derive(Debug)]
pub struct StagedModel {
    staged: StagedModels,
    loaded: LoadedModel,
}

/// A model from outside that could not become current. The previous one still is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelCommitError {
    /// The trained model would have been lost: it could not be recorded.
    #[error("the trained model is not replaced by the one from outside: it could not be kept in the history")]
    NotRecorded(#[source] Box<RestoreError>),
    /// The files could not be put in place.
    #[error(transparent)]
    Staging(#[from] StagingError),
}

impl ModelCommitError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotRecorded(error) => error.hint(),
            Self::Staging(error) => error.hint(),
        }
    }
}

impl StagedModel {
    /// Where a run finds its model from outside, whether or not it is there yet.
    pub fn layout_of(project: &ProjectLayout, run: &RunId) -> ArtifactLayout {
        StagedModels::layout_of(project, run)
    }

    /// Tells what is staged, if that is something.
    pub(super) fn whole(staged: StagedModels, source: Utf8PathBuf) -> Result<Self, ModelError> {
        let tree = Tree::list(staged.path(), Links::Within)?;
        if tree.files.is_empty() {
            return Err(ModelError::Empty { path: source });
        }
        let (files, bytes) = (tree.files.len() as u64, tree.bytes());
        // An inference that uses them says where they come from.
        staged.record(None)?;
        let loaded = LoadedModel { source, files, bytes, train_id: EXTERNAL_MODEL.to_owned() };
        Ok(Self { staged, loaded })
    }

    /// What was loaded.
    pub fn loaded(&self) -> &LoadedModel {
        &self.loaded
    }

    /// Makes it current. The project must be locked.
    pub(super) fn commit(self) -> Result<LoadedModel, ModelError> {
        self.staged.commit()?;
        Ok(self.loaded)
    }

    /// Makes the model and the artifacts of the inference that used it current: both or neither. The project must be
    /// locked.
    ///
    /// A trained model that the history does not have is recorded first; gives the run as which it was.
    pub fn commit_with(&mut self, artifacts: StagedArtifacts) -> Result<Option<RunId>, ModelCommitError> {
        let replaced = History::new(self.staged.project())
            .keep_trained(jiff::Timestamp::now())
            .map_err(|error| ModelCommitError::NotRecorded(Box::new(error)))?;
        self.staged.record(replaced.training)?;
        artifacts.commit_with(&mut self.staged)?;
        Ok(replaced.recorded)
    }
}
