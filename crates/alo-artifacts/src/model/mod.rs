//! A trained model from outside: brought beside the project's own, and placed in `train_artifacts/models/` in one step.

mod archive;
mod error;
mod source;
mod staged;

pub use error::ModelError;
pub use source::ModelSource;
pub use staged::{LoadedModel, ModelCommitError, StagedModel};
