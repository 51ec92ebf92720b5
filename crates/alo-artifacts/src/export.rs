//! Results out: archives of the artifacts and the logs, into a folder of somebody else.
//!
//! Every file appears whole under its name, replacing an older one; nothing else in that folder is touched.

use alo_plan::{ArchiveFormat, PipelineKind};
use camino::{Utf8Path, Utf8PathBuf};

use crate::archive::{ArchiveError, MemberTime, pack};
use crate::copy::{CopyError, Meter, copy_file};
use crate::durable::{self, StorageError};
use crate::layout::{ArtifactLayout, ProjectLayout, artifacts_name};
use crate::location::{Location, LocationError};
use crate::s3::{Purpose, Remote, S3Access, S3Error, upload};

/// Where results go: a folder, or a prefix in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveTarget(Target);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Folder(Utf8PathBuf),
    Remote(Remote),
}

impl From<Utf8PathBuf> for SaveTarget {
    fn from(folder: Utf8PathBuf) -> Self {
        Self(Target::Folder(folder))
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

/// Results that could not be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A save path that is no usable place.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// A save path inside the artifacts, which the next run replaces.
    #[error("the save path `{path}` lies in the artifacts themselves")]
    Inside {
        /// The path.
        path: Utf8PathBuf,
    },
    /// A save path that is a file.
    #[error("the save path `{path}` is no folder")]
    NoFolder {
        /// The path.
        path: Utf8PathBuf,
    },
    /// An archive that could not be made.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A log that could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The folder could not be made.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// S3 did not take it.
    #[error(transparent)]
    S3(#[from] S3Error),
}

impl ExportError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Location(error) => error.hint(),
            Self::Inside { .. } | Self::NoFolder { .. } => Some("name another folder in the plan".into()),
            Self::Archive(error) => error.hint(),
            Self::Copy(error) => error.hint(),
            Self::Storage(error) => error.hint(),
            Self::S3(error) => error.hint(),
        }
    }
}

/// Resolves a save path of a plan, before anything runs. Relative paths start at the first of `bases`, unless they
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
            return Ok(SaveTarget(Target::Remote(s3.open(&bucket, &key, Purpose::Write)?)));
        }
    };
    let kinds = PipelineKind::ALL;
    if kinds.into_iter().any(|kind| path.starts_with(project.artifacts(kind).root()))
        || path.starts_with(project.state())
    {
        return Err(ExportError::Inside { path });
    }
    if path.exists() && !path.is_dir() {
        return Err(ExportError::NoFolder { path });
    }
    Ok(path.into())
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
    let remote = match &to.0 {
        Target::Folder(folder) => return to_folder(kind, artifacts, folder, inference_format, cancelled),
        Target::Remote(remote) => remote,
    };
    let beside = durable::parent(artifacts.root());
    let packed = tempfile::Builder::new()
        .prefix(durable::TEMP_PREFIX)
        .tempdir_in(beside)
        .map_err(StorageError::of("write in", beside))?;
    let folder = Utf8PathBuf::try_from(packed.path().to_owned())
        .map_err(|error| StorageError::new("write in", beside, error.into_io_error()))?;
    let mut exports = to_folder(kind, artifacts, &folder, inference_format, cancelled)?;
    for file in &mut exports.files {
        let name = file.path.file_name().unwrap_or_default();
        let target = remote.join(name);
        file.bytes = upload(&target, &file.path, cancelled)?;
        file.path = target.to_string().into();
    }
    Ok(exports)
}

fn to_folder(
    kind: PipelineKind,
    artifacts: &ArtifactLayout,
    to: &Utf8Path,
    inference_format: ArchiveFormat,
    cancelled: &dyn Fn() -> bool,
) -> Result<Exports, ExportError> {
    durable::create_dir_all(to)?;
    let format = match kind {
        PipelineKind::Train => ArchiveFormat::TarGz,
        PipelineKind::Inference => inference_format,
    };
    let ending = match format {
        ArchiveFormat::TarGz => "tar.gz",
        ArchiveFormat::Zip => "zip",
    };
    let mut exports = Exports::default();
    let mut archive = |folder: &Utf8Path, name: String, format| -> Result<(), ExportError> {
        let path = to.join(name);
        let packed = pack(folder, &path, format, MemberTime::Kept, cancelled)?;
        let left_out = packed.left_out.into_iter();
        let left_out =
            left_out.map(|what| format!("{what} and not in `{}`", path.file_name().unwrap_or_default()));
        exports.warnings.extend(left_out);
        exports.files.push(Exported { path, bytes: packed.bytes });
        Ok(())
    };
    archive(artifacts.root(), format!("{}.{ending}", artifacts_name(kind)), format)?;
    if has_entries(&artifacts.models())? {
        archive(&artifacts.models(), "model.tar.gz".to_owned(), ArchiveFormat::TarGz)?;
    }
    for log in [artifacts.process_log(), artifacts.pipeline_log()] {
        if let Some(name) = log.file_name().filter(|_| log.is_file()) {
            let path = to.join(name);
            let bytes = copy_log(&log, &path)?;
            exports.files.push(Exported { path, bytes });
        }
    }
    Ok(exports)
}

/// Copies a log as it is now: it may still grow, which [`copy_file`] would not take.
fn copy_log(from: &Utf8Path, to: &Utf8Path) -> Result<u64, ExportError> {
    match copy_file::<blake3::Hasher>(from, to, &Meter::default()) {
        Ok(copied) => Ok(copied.copy.size),
        Err(CopyError::Changing { .. }) => {
            let content = durable::read(from)?;
            durable::write(to, &content, durable::Lasting::Kill)?;
            Ok(content.len() as u64)
        }
        Err(error) => Err(error.into()),
    }
}

fn has_entries(folder: &Utf8Path) -> Result<bool, StorageError> {
    if !folder.is_dir() {
        return Ok(false);
    }
    Ok(fs_err::read_dir(folder).map_err(StorageError::of("list", folder))?.next().is_some())
}
