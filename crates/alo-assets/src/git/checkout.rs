//! The files of one commit, kept in the cache: written once, whole or not at all.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::object_id::{CommitId, TreeId};
use super::url::GitUrl;
use crate::digest::FolderState;
use crate::durable;

/// Version of the record's format.
const FORMAT: u32 = 3;
const RECORD: &str = "checkout.json";
const CODE: &str = "code";

/// A folder of code at a known commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkout {
    /// The folder of the files.
    pub(crate) folder: Utf8PathBuf,
    /// The tree of the commit.
    pub(crate) tree: TreeId,
    /// Digest of the files as they are now.
    pub(crate) digest: String,
    /// Whether somebody has edited them.
    pub(crate) modified: bool,
    /// The folders of submodules that are empty, since the repository does not say where they come from.
    pub(crate) empty_folders: Vec<Utf8PathBuf>,
}

/// What was written to a new checkout.
#[derive(Debug)]
pub(super) struct Written {
    /// The tree of the commit.
    pub(super) tree: TreeId,
    /// The folders of submodules that stay empty, relative to that of the commit.
    pub(super) empty_folders: Vec<Utf8PathBuf>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    version: u32,
    url: String,
    commit: CommitId,
    tree: TreeId,
    empty_folders: Vec<Utf8PathBuf>,
    state: FolderState,
}

impl Record {
    fn write(&self, place: &Utf8Path) -> io::Result<()> {
        durable::write(&place.join(RECORD), &serde_json::to_vec_pretty(self)?)
    }
}

/// The checkouts of one URL: `git/checkouts/<repository>/<commit>/{code/,checkout.json}`.
pub(super) struct Checkouts<'a> {
    parent: Utf8PathBuf,
    url: &'a GitUrl,
}

impl<'a> Checkouts<'a> {
    pub(super) fn new(cache: &Utf8Path, url: &'a GitUrl) -> Self {
        Self { parent: cache.join("git").join("checkouts").join(url.folder_name()), url }
    }

    /// The checkout of that commit if it is there. Starts nothing and reads no file that has not changed.
    pub(super) fn find(&self, commit: &CommitId) -> Result<Option<Checkout>, GitError> {
        let place = self.parent.join(commit.as_str());
        let Ok(record) = fs_err::read(place.join(RECORD)) else { return Ok(None) };
        let Ok(mut record) = serde_json::from_slice::<Record>(&record) else { return Ok(None) };
        if record.version != FORMAT || record.commit != *commit {
            return Ok(None);
        }
        let folder = place.join(CODE);
        let now = FolderState::refresh(&folder, Some(&record.state)).map_err(|source| self.failed(source))?;
        let modified = now.digest != record.state.digest;
        if now.is_settled() && !record.state.is_settled() && !modified {
            // From now on a look at the files' times is enough. If it cannot be kept, they are read again next time.
            record.state = now.clone();
            let _ = record.write(&place);
        }
        Ok(Some(Checkout {
            folder,
            tree: record.tree,
            modified,
            digest: now.digest,
            empty_folders: record.empty_folders,
        }))
    }

    /// Makes the checkout; `write` fills the folder and tells what it has written.
    ///
    /// The caller holds the lock of the URL, so whatever lies aside is left over from a process that was killed.
    pub(super) fn make(
        &self,
        commit: &CommitId,
        write: impl FnOnce(&Utf8Path) -> Result<Written, GitError>,
    ) -> Result<(), GitError> {
        let failed = |source| self.failed(source);
        fs_err::create_dir_all(&self.parent).map_err(failed)?;
        self.remove_leftovers(commit).map_err(failed)?;
        let aside = tempfile::Builder::new()
            .prefix(".building-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .tempdir_in(&self.parent)
            .map_err(failed)?;
        let place =
            Utf8Path::from_path(aside.path()).ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?;
        let code = place.join(CODE);
        fs_err::create_dir(&code).map_err(failed)?;
        let written = write(&code)?;
        let record = Record {
            version: FORMAT,
            url: self.url.identity().to_owned(),
            commit: commit.clone(),
            tree: written.tree,
            empty_folders: written.empty_folders,
            state: FolderState::read(&code).map_err(failed)?,
        };
        record.write(place).map_err(failed)?;
        fs_err::rename(place, self.parent.join(commit.as_str())).map_err(failed)
    }

    fn remove_leftovers(&self, commit: &CommitId) -> io::Result<()> {
        for entry in fs_err::read_dir(&self.parent)? {
            let entry = entry?;
            let name = entry.file_name();
            // A folder of the commit's own name that `find` did not accept is broken.
            if name.to_string_lossy().starts_with(".building-") || name == commit.as_str() {
                fs_err::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> GitError {
        GitError::Cache { url: self.url.to_string(), source }
    }
}
