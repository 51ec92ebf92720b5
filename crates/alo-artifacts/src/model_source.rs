//! A trained model from outside: brought beside the project's own, and placed in `train_artifacts/models/` in one step.

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use crate::copy::copy_tree;
use crate::experimental::EXTERNAL_MODEL;
use crate::history::{History, RestoreError};
use crate::layout::{ArtifactLayout, ProjectLayout};
use crate::location::{Location, LocationError};
use crate::run_id::RunId;
use crate::s3::{Fetch, Present, Purpose, Remote, RemoteObject, S3Access, S3Error, fetch, list, look};
use crate::staging::{StagedArtifacts, StagedModels, StagingError};
use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::tree_error::TreeError;
use crate::unpack::{Limits, UnpackError, unpack};
use crate::walk::Links;

/// The archive looked for in a folder.
const ARCHIVE: &str = "model.tar.gz";

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
    /// A disk too small for the model.
    #[error("the model needs {needed} bytes on the disk of `{path}`, which has {free} left")]
    NoSpace {
        /// Where it is put.
        path: Utf8PathBuf,
        /// Its bytes.
        needed: u64,
        /// Bytes left.
        free: u64,
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
    /// A place in S3 that could not be read.
    #[error(transparent)]
    S3(#[from] S3Error),
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
            Self::NoSpace { .. } => Some("free some space".into()),
            Self::Tree(error) => error.hint(),
            Self::Unpack(error) => error.hint(),
            Self::Staging(error) => error.hint(),
            Self::Storage(error) => error.hint(),
            Self::S3(error) => error.hint(),
        }
    }
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

    /// What was loaded.
    pub fn loaded(&self) -> &LoadedModel {
        &self.loaded
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

/// Checks that there is something where a model is to come from, before anything runs.
pub fn check_model(
    text: &str,
    bases: &[Utf8PathBuf],
    s3: &S3Access,
    cancelled: &dyn Fn() -> bool,
) -> Result<(), ModelError> {
    match Location::parse(text, bases)? {
        Location::Path(path) if path.exists() => Ok(()),
        Location::Path(path) => Err(ModelError::Missing { text: text.to_owned(), path }),
        Location::S3 { bucket, key } => {
            look(&s3.open(&bucket, &key, Purpose::Read)?, cancelled)?;
            Ok(())
        }
    }
}

/// Puts a model from outside into `train_artifacts/models/`; the previous models stay until it is whole, and are gone
/// then.
pub fn load_model(
    text: &str,
    bases: &[Utf8PathBuf],
    s3: &S3Access,
    layout: &ProjectLayout,
    run: &RunId,
    limits: &Limits,
    cancelled: &dyn Fn() -> bool,
) -> Result<LoadedModel, ModelError> {
    let StagedModel { staged, loaded } = stage_model(text, bases, s3, layout, run, limits, cancelled)?;
    staged.commit()?;
    Ok(loaded)
}

/// Brings a model from outside beside the project's own, where it waits.
///
/// `text` is as written in the plan: a `model.tar.gz`, a folder holding one, or a folder of model files; relative
/// paths start at the first of `bases` below which they exist; in S3 the same is looked for. What comes from outside is not trusted: see
/// [`unpack`](crate::unpack) for archives; links out of a folder are refused.
pub fn stage_model(
    text: &str,
    bases: &[Utf8PathBuf],
    s3: &S3Access,
    layout: &ProjectLayout,
    run: &RunId,
    limits: &Limits,
    cancelled: &dyn Fn() -> bool,
) -> Result<StagedModel, ModelError> {
    let path = match Location::parse(text, bases)? {
        Location::Path(path) => path,
        Location::S3 { bucket, key } => {
            let remote = s3.open(&bucket, &key, Purpose::Read)?;
            return stage_remote_model(&remote, layout, run, limits, cancelled);
        }
    };
    if !path.exists() {
        return Err(ModelError::Missing { text: text.to_owned(), path });
    }
    refuse_overlap(&path, layout)?;
    let source = if path.is_dir() && path.join(ARCHIVE).is_file() { path.join(ARCHIVE) } else { path };
    let staged = StagedModels::begin(layout, run)?;
    if source.is_dir() {
        let tree = Tree::list(&source, Links::Within)?;
        refuse_without_space(tree.bytes(), staged.path())?;
        copy_tree(&tree, &source, staged.path())?;
    } else {
        unpack_models(&source, &staged, limits, cancelled)?;
    }
    whole(staged, source)
}

/// [`stage_model`] from a bucket: an archive, a prefix that holds one, or a prefix of model files.
fn stage_remote_model(
    remote: &Remote,
    layout: &ProjectLayout,
    run: &RunId,
    limits: &Limits,
    cancelled: &dyn Fn() -> bool,
) -> Result<StagedModel, ModelError> {
    let mut listed = list(remote, look(remote, cancelled)?, &layout.state(), cancelled)?;
    let mut objects = listed.files()?.collect::<Result<Vec<_>, _>>()?;
    // An archive directly below the prefix counts alone; the path of a single object is empty.
    let archive = objects.iter().position(|object| object.relative == ARCHIVE || object.relative == "");
    let staged = StagedModels::begin(layout, run)?;
    let mut source = remote.clone();
    if let Some(archive) = archive {
        let object = objects.swap_remove(archive);
        source.key.clone_from(&object.key);
        let beside = crate::durable::parent(staged.path());
        let packed = tempfile::Builder::new()
            .prefix(crate::durable::TEMP_PREFIX)
            .tempdir_in(beside)
            .map_err(StorageError::of("write in", beside))?;
        let packed = Utf8PathBuf::try_from(packed.path().join(ARCHIVE))
            .map(|path| (path, packed))
            .map_err(|error| StorageError::new("write in", beside, error.into_io_error()))?;
        refuse_without_space(object.size, beside)?;
        bring(remote, vec![(object, packed.0.clone())], cancelled)?;
        let url = source.to_string();
        unpack_models(&packed.0, &staged, limits, cancelled).map_err(|error| match error {
            ModelError::Unpack(error) => ModelError::Unpack(error.from(&url)),
            error => error,
        })?;
    } else {
        refuse_without_space(objects.iter().map(|object| object.size).sum(), staged.path())?;
        let at = |object: RemoteObject| {
            let to = staged.path().join(&object.relative);
            (object, to)
        };
        let wanted: Vec<_> = objects.into_iter().map(at).collect();
        for (_, to) in &wanted {
            crate::durable::create_dir_all(crate::durable::parent(to))?;
        }
        bring(remote, wanted, cancelled)?;
    }
    whole(staged, source.to_string().into())
}

/// Fetches objects to where nothing lies yet.
fn bring(
    remote: &Remote,
    wanted: Vec<(RemoteObject, Utf8PathBuf)>,
    cancelled: &dyn Fn() -> bool,
) -> Result<(), S3Error> {
    let job = |(object, to)| Ok(Fetch { row: 0, object, to, present: Present::Nothing });
    fetch(remote, wanted.into_iter().map(job), cancelled, &mut |_, _| {}, &mut |_| {})
}

fn refuse_without_space(needed: u64, folder: &Utf8Path) -> Result<(), ModelError> {
    let free = crate::durable::free_space(folder)?;
    if needed > free {
        return Err(ModelError::NoSpace { path: folder.to_owned(), needed, free });
    }
    Ok(())
}

/// Tells what is staged, if that is something.
fn whole(staged: StagedModels, source: Utf8PathBuf) -> Result<StagedModel, ModelError> {
    let tree = Tree::list(staged.path(), Links::Within)?;
    if tree.files.is_empty() {
        return Err(ModelError::Empty { path: source });
    }
    let (files, bytes) = (tree.files.len() as u64, tree.bytes());
    // An inference that uses them says where they come from.
    staged.record(None)?;
    let loaded = LoadedModel { source, files, bytes, train_id: EXTERNAL_MODEL.to_owned() };
    Ok(StagedModel { staged, loaded })
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

/// Unpacks an archive to where models wait.
fn unpack_models(
    archive: &Utf8Path,
    staged: &StagedModels,
    limits: &Limits,
    cancelled: &dyn Fn() -> bool,
) -> Result<(), ModelError> {
    unpack(archive, staged.path(), limits, cancelled)?;
    // Each link alone leads to a place inside; where it leads with the others shows now.
    let in_archive = |path: &Utf8Path, why| {
        let member = path.strip_prefix(staged.path()).unwrap_or(path).to_string();
        ModelError::Unpack(UnpackError::Unsafe { archive: archive.to_owned(), member, why })
    };
    Tree::list(staged.path(), Links::Within).map_err(|error| match &error {
        TreeError::LinkOut { path, .. } => in_archive(path, "it is a link that leads out"),
        TreeError::LinkBroken { path } => in_archive(path, "it is a link that leads nowhere"),
        TreeError::LinkLoop { path } => in_archive(path, "it is a link that leads in a circle"),
        _ => error.into(),
    })?;
    Ok(unwrap_models(staged.path())?)
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
