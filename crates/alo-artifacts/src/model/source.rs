//! Where a model comes from: looked for, and brought beside the project's own.

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use super::archive::unpack_models;
use super::error::ModelError;
use super::staged::{LoadedModel, StagedModel};
use crate::copy::copy_tree;
use crate::layout::{MODEL_ARCHIVE, ProjectLayout};
use crate::location::Location;
use crate::run_id::RunId;
use crate::s3::{Fetch, Present, Purpose, Remote, RemoteObject, S3Access, S3Error, fetch, list, look};
use crate::staging::StagedModels;
use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::unpack::Limits;
use crate::walk::Links;

/// Where a model comes from: a `model.tar.gz`, a folder holding one, or a folder of model files; in S3 the same.
#[derive(Debug, Clone, Copy)]
pub struct ModelSource<'a> {
    /// As written in the plan.
    pub text: &'a str,
    /// A relative path starts at the first of these below which it exists.
    pub bases: &'a [Utf8PathBuf],
    /// How buckets are opened.
    pub s3: &'a S3Access,
}

impl ModelSource<'_> {
    /// Checks that there is something, before anything runs.
    pub fn check(self, cancelled: &dyn Fn() -> bool) -> Result<(), ModelError> {
        match Location::parse(self.text, self.bases)? {
            Location::Path(path) if path.exists() => Ok(()),
            Location::Path(path) => Err(self.missing(path)),
            Location::S3 { bucket, key } => {
                look(&self.s3.open(&bucket, &key, Purpose::Read)?, cancelled)?;
                Ok(())
            }
        }
    }

    /// Puts the model into `train_artifacts/models/`; the previous models stay until it is whole, and are gone then.
    pub fn load(
        self,
        layout: &ProjectLayout,
        run: &RunId,
        limits: &Limits,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<LoadedModel, ModelError> {
        self.stage(layout, run, limits, cancelled)?.commit()
    }

    /// Brings the model beside the project's own, where it waits.
    ///
    /// What comes from outside is not trusted: see [`unpack`](crate::unpack) for archives; links out of a folder are refused.
    pub fn stage(
        self,
        layout: &ProjectLayout,
        run: &RunId,
        limits: &Limits,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<StagedModel, ModelError> {
        let path = match Location::parse(self.text, self.bases)? {
            Location::Path(path) => path,
            Location::S3 { bucket, key } => {
                let remote = self.s3.open(&bucket, &key, Purpose::Read)?;
                return stage_remote(&remote, layout, run, limits, cancelled);
            }
        };
        if !path.exists() {
            return Err(self.missing(path));
        }
        refuse_overlap(&path, layout)?;
        let source =
            if path.is_dir() && path.join(MODEL_ARCHIVE).is_file() { path.join(MODEL_ARCHIVE) } else { path };
        let staged = StagedModels::begin(layout, run)?;
        if source.is_dir() {
            let tree = Tree::list(&source, Links::Within)?;
            refuse_without_space(tree.bytes(), staged.path())?;
            copy_tree(&tree, &source, staged.path())?;
        } else {
            unpack_models(&source, &staged, limits, cancelled)?;
        }
        StagedModel::whole(staged, source)
    }

    fn missing(self, path: Utf8PathBuf) -> ModelError {
        ModelError::Missing { text: self.text.to_owned(), path }
    }
}

/// [`ModelSource::stage`] from a bucket: an archive, a prefix that holds one, or a prefix of model files.
fn stage_remote(
    remote: &Remote,
    layout: &ProjectLayout,
    run: &RunId,
    limits: &Limits,
    cancelled: &dyn Fn() -> bool,
) -> Result<StagedModel, ModelError> {
    let mut listed = list(remote, look(remote, cancelled)?, &layout.state(), cancelled)?;
    let mut objects = listed.files()?.collect::<Result<Vec<_>, _>>()?;
    // An archive directly below the prefix counts alone; the path of a single object is empty.
    let archive = objects.iter().position(|object| object.relative == MODEL_ARCHIVE || object.relative == "");
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
        let packed = Utf8PathBuf::try_from(packed.path().join(MODEL_ARCHIVE))
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
    StagedModel::whole(staged, source.to_string().into())
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
