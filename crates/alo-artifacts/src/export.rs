//! Results out: archives of the artifacts and the logs, into a folder of somebody else.
//!
//! Every file appears whole under its name, replacing an older one; nothing else in that folder is touched.

use std::io;

use alo_plan::{ArchiveFormat, PipelineKind};
use camino::{Utf8Path, Utf8PathBuf};
use tempfile::NamedTempFile;

use crate::archive::{MemberTime, pack_by};
use crate::durable::{self, Lasting};
use crate::export_error::ExportError;
use crate::layout::{ArtifactLayout, MODEL_ARCHIVE, ProjectLayout, artifacts_name};
use crate::location::Location;
use crate::s3::{Aborted, Purpose, Remote, S3Access, abort_left, upload};
use crate::save_place::check_save_path;
use crate::storage_error::StorageError;
use crate::temp_mark::TempMark;

/// Where results go: a folder, or a prefix in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveTarget(Target);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Folder(Folder),
    Remote(Outbox),
}

/// A place in a bucket, and where uploads to it are written down as long as they last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outbox {
    remote: Remote,
    pending: Utf8PathBuf,
}

/// A folder of somebody else, and how our temporary files in it are known.
#[derive(Debug, Clone, Eq)]
struct Folder {
    path: Utf8PathBuf,
    /// Absent where nobody exports again, who could remove what a kill has left.
    mark: Option<TempMark>,
}

/// Two targets are the same if they are the same place, whoever writes there.
impl PartialEq for Folder {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Folder {
    fn temp_for(&self, target: &Utf8Path) -> Result<NamedTempFile, StorageError> {
        match &self.mark {
            Some(mark) => mark.temp_beside(target),
            None => durable::temp_beside(target),
        }
    }
}

impl From<Utf8PathBuf> for SaveTarget {
    fn from(path: Utf8PathBuf) -> Self {
        Self(Target::Folder(Folder { path, mark: None }))
    }
}

/// One exported file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Where it lies; the URL, if that is in S3.
    pub path: Utf8PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// All that was exported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Exports {
    /// The files, in the order in which they were made.
    pub files: Vec<Exported>,
    /// What has no content, such as broken links, and was left out.
    pub warnings: Vec<String>,
}

/// Resolves a save path of a plan and checks that it can be written to, before anything runs. Relative paths start at the first of `bases`, unless they
/// exist only below another one. A bucket must be there and take the credentials.
pub fn resolve_save_path(
    text: &str,
    bases: &[Utf8PathBuf],
    s3: &S3Access,
    project: &ProjectLayout,
) -> Result<SaveTarget, ExportError> {
    let path = match Location::parse(text, bases)? {
        Location::Path(path) => path,
        Location::S3 { bucket, key } => {
            let remote = s3.open(&bucket, &key, Purpose::Write)?;
            return Ok(SaveTarget(Target::Remote(Outbox { remote, pending: project.uploads() })));
        }
    };
    check_save_path(&path, project)?;
    Ok(SaveTarget(Target::Folder(Folder { path, mark: Some(TempMark::of_project(project.root())) })))
}

/// Exports a pipeline's artifacts to a folder, which is created, or to S3, by way of a folder beside the artifacts.
///
/// Training: `train_artifacts.tar.gz` and, when there are models, `model.tar.gz`. Inference:
/// `inference_artifacts.tar.gz` or `.zip`, and `model.tar.gz` when it has models of its own. Both: `process.log` and
/// `pipeline.log`, when they exist.
pub fn export(
    kind: PipelineKind,
    artifacts: &ArtifactLayout,
    to: &SaveTarget,
    inference_format: ArchiveFormat,
    cancelled: &dyn Fn() -> bool,
) -> Result<Exports, ExportError> {
    let form = ExportForm { inference: inference_format, time: MemberTime::Kept, before: &[] };
    export_as(&form, kind, artifacts, to, cancelled)
}

/// In which form results go out.
#[derive(Debug, Clone, Copy)]
pub struct ExportForm<'a> {
    /// The format of the archive of an inference.
    pub inference: ArchiveFormat,
    /// The times in archives.
    pub time: MemberTime,
    /// What the same run has exported before. A `model.tar.gz` among it stays: inference's own models are in the archive of
    /// its artifacts, too.
    pub before: &'a [Utf8PathBuf],
}

/// [`export`] in any form.
pub fn export_as(
    form: &ExportForm<'_>,
    kind: PipelineKind,
    artifacts: &ArtifactLayout,
    to: &SaveTarget,
    cancelled: &dyn Fn() -> bool,
) -> Result<Exports, ExportError> {
    let with_model = |model: &Utf8Path| !form.before.iter().any(|path| path == model);
    let Outbox { remote, pending } = match &to.0 {
        Target::Folder(folder) => {
            let with_model = with_model(&folder.path.join(MODEL_ARCHIVE));
            return to_folder(kind, artifacts, folder, (form, with_model), cancelled);
        }
        Target::Remote(outbox) => outbox,
    };
    let with_model = with_model(Utf8Path::new(&remote.join(MODEL_ARCHIVE).to_string()));
    let left = abort_left(pending, remote, cancelled);
    let beside = durable::parent(artifacts.root());
    let packed = tempfile::Builder::new()
        .prefix(durable::TEMP_PREFIX)
        .tempdir_in(beside)
        .map_err(StorageError::of("write in", beside))?;
    let path = Utf8PathBuf::try_from(packed.path().to_owned())
        .map_err(|error| StorageError::new("write in", beside, error.into_io_error()))?;
    let folder = Folder { path, mark: None };
    let mut exports = to_folder(kind, artifacts, &folder, (form, with_model), cancelled)?;
    exports.warnings.extend(told_of(left));
    for file in &mut exports.files {
        let name = file.path.file_name().unwrap_or_default();
        let target = remote.join(name);
        file.bytes = upload(&target, &file.path, pending, cancelled)?;
        file.path = target.to_string().into();
    }
    Ok(exports)
}

/// What was done about uploads that a kill had cut short, in words.
fn told_of(aborted: Aborted) -> impl Iterator<Item = String> {
    let done = aborted.urls.into_iter();
    let failed = aborted.failed.into_iter();
    done.map(|url| format!("aborted an upload to `{url}` that a killed run had left")).chain(failed.map(
        |(url, why)| format!("an upload to `{url}` that a killed run had left could not be aborted: {why}"),
    ))
}

fn to_folder(
    kind: PipelineKind,
    artifacts: &ArtifactLayout,
    folder: &Folder,
    (form, with_model): (&ExportForm<'_>, bool),
    cancelled: &dyn Fn() -> bool,
) -> Result<Exports, ExportError> {
    let to = &folder.path;
    durable::create_dir_all(to)?;
    let swept = folder.mark.as_ref().map_or(0, |mark| mark.sweep(to));
    let format = match kind {
        PipelineKind::Train => ArchiveFormat::TarGz,
        PipelineKind::Inference => form.inference,
    };
    let ending = match format {
        ArchiveFormat::TarGz => "tar.gz",
        ArchiveFormat::Zip => "zip",
    };
    let mut exports = Exports::default();
    if swept > 0 {
        exports.warnings.push(format!("removed {swept} unfinished files of killed runs from `{to}`"));
    }
    let mut archive = |packs: &Utf8Path, name: String, format| -> Result<(), ExportError> {
        let path = to.join(name);
        let temp = || folder.temp_for(&path);
        let packed = pack_by(packs, &path, format, form.time, cancelled, &temp)?;
        let left_out = packed.left_out.into_iter();
        let left_out =
            left_out.map(|what| format!("{what} and not in `{}`", path.file_name().unwrap_or_default()));
        exports.warnings.extend(left_out);
        exports.files.push(Exported { path, bytes: packed.bytes });
        Ok(())
    };
    archive(artifacts.root(), format!("{}.{ending}", artifacts_name(kind)), format)?;
    let has_models = has_entries(&artifacts.models())?;
    if has_models && with_model {
        archive(&artifacts.models(), MODEL_ARCHIVE.to_owned(), ArchiveFormat::TarGz)?;
    }
    if has_models && !with_model {
        exports.warnings.push(format!(
            "the training's `{MODEL_ARCHIVE}` stays in the save path: the models of inference are in `{}.{ending}` alone",
            artifacts_name(kind)
        ));
    }
    for log in [artifacts.process_log(), artifacts.pipeline_log()] {
        if let Some(name) = log.file_name().filter(|_| log.is_file()) {
            let path = to.join(name);
            let bytes = copy_log(&log, &path, folder.temp_for(&path)?)?;
            exports.files.push(Exported { path, bytes });
        }
    }
    Ok(exports)
}

/// Copies a log as it is now: it may still grow.
fn copy_log(from: &Utf8Path, to: &Utf8Path, mut temp: NamedTempFile) -> Result<u64, ExportError> {
    let mut log = fs_err::File::open(from).map_err(StorageError::of("read", from))?;
    let bytes = io::copy(&mut log, &mut temp).map_err(StorageError::of("write", to))?;
    durable::persist(temp, to, Lasting::Kill)?;
    Ok(bytes)
}

fn has_entries(folder: &Utf8Path) -> Result<bool, StorageError> {
    if !folder.is_dir() {
        return Ok(false);
    }
    Ok(fs_err::read_dir(folder).map_err(StorageError::of("list", folder))?.next().is_some())
}
