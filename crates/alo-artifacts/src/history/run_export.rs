//! One run as a folder or an archive of its own.

use std::time::{Duration, SystemTime};

use alo_plan::{ArchiveFormat, PipelineKind};
use camino::{Utf8Path, Utf8PathBuf};

use super::entry::HistoryEntry;
use super::file_list::Damage;
use super::record::RunState;
use super::restore::named;
use super::run_folder::{LOCK, PINNED};
use super::runs::History;
use crate::archive::{ArchiveError, MemberTime, pack};
use crate::copy::copy_tree;
use crate::durable;
use crate::run_id::RunId;
use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::tree_error::TreeError;
use crate::unflushed::Unflushed;
use crate::walk::Links;

/// A run that was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedRun {
    /// The folder or archive.
    pub path: Utf8PathBuf,
    /// Number of files.
    pub files: u64,
    /// Bytes of the folder's files, or of the archive.
    pub bytes: u64,
}

/// A run that could not be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunExportError {
    /// It has not ended.
    #[error("the run `{id}` is still running")]
    Running {
        /// The run.
        id: RunId,
    },
    /// Its files are not what they were.
    #[error("the history of the run `{id}` is damaged: {}", named(.files))]
    Damaged {
        /// The run.
        id: RunId,
        /// The files.
        files: Vec<Damage>,
    },
    /// Something is there already.
    #[error("`{path}` exists")]
    Exists {
        /// The target.
        path: Utf8PathBuf,
    },
    /// A target that belongs to the project.
    #[error("`{path}` lies where the project keeps its own files")]
    Inside {
        /// The target.
        path: Utf8PathBuf,
    },
    /// The archive could not be made.
    #[error(transparent)]
    Archive(ArchiveError),
    /// The run could not be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl From<ArchiveError> for RunExportError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Cancelled => Self::Cancelled,
            error => Self::Archive(error),
        }
    }
}

impl RunExportError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Running { .. } => Some("wait until it has ended".into()),
            Self::Damaged { .. } => Some("copy what is good from its folder by hand".into()),
            Self::Exists { .. } | Self::Inside { .. } => Some("name another path".into()),
            Self::Archive(error) => error.hint(),
            Self::Tree(error) => error.hint(),
            Self::Storage(error) => error.hint(),
            Self::Cancelled => None,
        }
    }
}

impl History {
    /// Copies a run with its record, plan, lock, artifacts and logs to `to`, which must not exist: an archive when its name
    /// ends in `.tar.gz`, `.tgz` or `.zip`, else a folder. It appears whole or not at all. Every file is compared with
    /// its digest before, and has the time of the kept one, unless `time` is fixed.
    pub fn export(
        &self,
        entry: &HistoryEntry,
        to: &Utf8Path,
        time: MemberTime,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<ExportedRun, RunExportError> {
        let id = entry.record.id.clone();
        if entry.record.state == RunState::Running {
            return Err(RunExportError::Running { id });
        }
        let layout = self.layout();
        let own = [layout.history_root(), layout.state(), layout.staging()];
        let artifacts = PipelineKind::ALL.map(|kind| layout.artifacts(kind).root().to_owned());
        if own.iter().chain(&artifacts).any(|folder| to.starts_with(folder)) {
            return Err(RunExportError::Inside { path: to.to_owned() });
        }
        if to.symlink_metadata().is_ok() {
            return Err(RunExportError::Exists { path: to.to_owned() });
        }
        let files = entry.verify()?;
        if !files.is_empty() {
            return Err(RunExportError::Damaged { id, files });
        }
        let parent = durable::parent(to);
        durable::create_dir_all(parent)?;
        // Copied first: markers of the history stay behind, and a run that is removed meanwhile is an error, not a hole.
        let aside = tempfile::Builder::new()
            .prefix(durable::TEMP_PREFIX)
            .tempdir_in(parent)
            .map_err(StorageError::of("write in", parent))?;
        let Some(folder) = Utf8Path::from_path(aside.path()).map(|aside| aside.join("run")) else {
            return Err(RunExportError::Inside { path: to.to_owned() });
        };
        let mut tree = Tree::list(&entry.folder, Links::AsIs)?;
        tree.files.retain(|file| ![LOCK, PINNED].contains(&file.relative.as_str()));
        let bytes = copy_tree(&tree, &entry.folder, &folder)?;
        for file in &tree.files {
            set_time(&folder.join(&file.relative), time.seconds(file.stamp.modified))?;
        }
        let count = tree.files.len() as u64;
        if cancelled() {
            return Err(RunExportError::Cancelled);
        }
        let Some(format) = format_of(to) else {
            let mut unflushed = Unflushed::default();
            tree.files.iter().for_each(|file| unflushed.add(&file.relative));
            unflushed.flush(&folder)?;
            durable::rename(&folder, to)?;
            durable::sync_dir(parent)?;
            return Ok(ExportedRun { path: to.to_owned(), files: count, bytes });
        };
        let packed = pack(&folder, to, format, time, cancelled)?;
        Ok(ExportedRun { path: to.to_owned(), files: packed.files, bytes: packed.bytes })
    }
}

/// Gives a copy its time in whole seconds: the same run gives the same bytes.
fn set_time(copy: &Utf8Path, seconds: i64) -> Result<(), StorageError> {
    let since = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(since)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(since)
    };
    let Some(time) = time else { return Ok(()) };
    let set = fs_err::File::open(copy).and_then(|file| file.file().set_modified(time));
    set.map_err(StorageError::of("set the time of", copy))
}

fn format_of(path: &Utf8Path) -> Option<ArchiveFormat> {
    let ending = path.extension().map(str::to_lowercase)?;
    let inner = || path.file_stem().and_then(|stem| Utf8Path::new(stem).extension()).map(str::to_lowercase);
    match ending.as_str() {
        "zip" => Some(ArchiveFormat::Zip),
        "tgz" => Some(ArchiveFormat::TarGz),
        "gz" if inner().as_deref() == Some("tar") => Some(ArchiveFormat::TarGz),
        _ => None,
    }
}
