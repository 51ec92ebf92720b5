//! A trained model from outside: placed in `train_artifacts/models/` in one step.

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use crate::copy::copy_tree;
use crate::durable::StorageError;
use crate::experimental::EXTERNAL_MODEL;
use crate::layout::ProjectLayout;
use crate::location::{Location, LocationError};
use crate::run_id::RunId;
use crate::staging::{StagedModels, StagingError};
use crate::tree::{Links, Tree, TreeError};
use crate::unpack::{Limits, UnpackError, unpack};

/// The archive looked for in a folder.
const ARCHIVE: &str = "model.tar.gz";

/// The model that inference uses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedModel {
    /// The archive or folder it came from.
    pub source: Utf8PathBuf,
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What inference with it records as its training: [`EXTERNAL_MODEL`].
    pub train_id: String,
}

/// A model that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A path that is no usable place.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// A path that does not exist.
    #[error("the model `{text}` does not exist")]
    Missing {
        /// As written in the plan.
        text: String,
        /// Where it was looked for.
        path: Utf8PathBuf,
    },
    /// A file that is no archive, or an archive or folder without a file in it.
    #[error("`{path}` holds no model")]
    Empty {
        /// The path.
        path: Utf8PathBuf,
    },
    /// A folder that holds, or lies in, the folder it would be copied to.
    #[error("the model `{path}` and the folder of the models contain each other")]
    Overlap {
        /// The path.
        path: Utf8PathBuf,
    },
    /// A folder that cannot be taken as it is.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// An archive that could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The models could not be put in place.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ModelError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Location(error) => error.hint(),
            Self::Missing { path, .. } => Some(format!("looked for it at `{path}`")),
            Self::Empty { .. } => {
                Some(format!("name a folder of model files, or one that holds `{ARCHIVE}`"))
            }
            Self::Overlap { .. } => Some(
                "without `load_model_path` the models in `train_artifacts/models/` are used as they are"
                    .into(),
            ),
            Self::Tree(error) => error.hint(),
            Self::Unpack(error) => error.hint(),
            Self::Staging(error) => error.hint(),
            Self::Storage(error) => error.hint(),
        }
    }
}

/// Puts a model from outside into `train_artifacts/models/`; the previous models stay until it is whole.
///
/// `text` is as written in the plan: a `model.tar.gz`, a folder holding one, or a folder of model files; relative
/// paths start at the first of `bases` below which they exist. What comes from outside is not trusted: see
/// [`unpack`](crate::unpack) for archives; links out of a folder are refused.
pub fn load_model(
    text: &str,
    bases: &[Utf8PathBuf],
    layout: &ProjectLayout,
    run: &RunId,
    limits: &Limits,
    cancelled: &dyn Fn() -> bool,
) -> Result<LoadedModel, ModelError> {
    let path = Location::parse(text, bases)?.into_path(text)?;
    if !path.exists() {
        return Err(ModelError::Missing { text: text.to_owned(), path });
    }
    refuse_overlap(&path, layout)?;
    let source = if path.is_dir() && path.join(ARCHIVE).is_file() { path.join(ARCHIVE) } else { path };
    let staged = StagedModels::begin(layout, run)?;
    if source.is_dir() {
        let tree = Tree::list(&source, Links::Within)?;
        copy_tree(&tree, &source, staged.path())?;
    } else {
        unpack(&source, staged.path(), limits, cancelled)?;
        unwrap_models(staged.path())?;
    }
    let tree = Tree::list(staged.path(), Links::Within)?;
    if tree.files.is_empty() {
        return Err(ModelError::Empty { path: source });
    }
    let (files, bytes) = (tree.files.len() as u64, tree.bytes());
    staged.commit()?;
    Ok(LoadedModel { source, files, bytes, train_id: EXTERNAL_MODEL.to_owned() })
}

fn refuse_overlap(path: &Utf8Path, layout: &ProjectLayout) -> Result<(), ModelError> {
    let models = layout.artifacts(PipelineKind::Train).models();
    if !models.exists() {
        return Ok(());
    }
    let canonical = |path: &Utf8Path| fs_err::canonicalize(path).map_err(StorageError::of("read", path));
    let (from, to) = (canonical(path)?, canonical(&models)?);
    if from.is_dir() && (from.starts_with(&to) || to.starts_with(&from)) {
        return Err(ModelError::Overlap { path: path.to_owned() });
    }
    Ok(())
}

/// Archives of ALO 2.1 hold the folder `models` itself: when there is nothing else, its content is meant.
fn unwrap_models(folder: &Utf8Path) -> Result<(), StorageError> {
    let inner = folder.join("models");
    let entries = fs_err::read_dir(folder).map_err(StorageError::of("list", folder))?;
    if entries.count() != 1 || !inner.is_dir() || inner.is_symlink() {
        return Ok(());
    }
    // Moved out of the way first: it may hold a folder of its own name.
    let aside = folder.join(".models");
    crate::durable::rename(&inner, &aside)?;
    for entry in fs_err::read_dir(&aside).map_err(StorageError::of("list", &aside))? {
        let entry = entry.map_err(StorageError::of("list", &aside))?;
        let target = folder.as_std_path().join(entry.file_name());
        fs_err::rename(entry.path(), target).map_err(StorageError::of("put in place", folder))?;
    }
    crate::durable::remove(&aside)
}
