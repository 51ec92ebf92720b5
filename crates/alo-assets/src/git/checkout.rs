//! The files of one commit, kept in the cache: written once, whole or not at all.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::object_id::{CommitId, TreeId};
use super::url::GitUrl;
use crate::cache::{CHECKOUTS, CacheUse, Place};
use crate::digest::FolderState;
use crate::durable;

/// Version of the record's format.
const FORMAT: u32 = 3;
const RECORD: &str = "checkout.json";
const CODE: &str = "code";

/// A folder of code at a known commit.
#[derive(Debug)]
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
    /// Keeps it in the cache.
    pub(crate) in_use: CacheUse,
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

/// What a whole checkout tells of itself.
#[derive(Debug)]
pub(crate) struct CheckoutRecord {
    /// Its repository, without credentials.
    pub(crate) url: String,
    /// Its commit.
    pub(crate) commit: CommitId,
    folder: Utf8PathBuf,
    state: FolderState,
}

impl CheckoutRecord {
    /// Reads that of the checkout in `place`; `None` if there is no whole one.
    pub(crate) fn read(place: &Utf8Path) -> Option<Self> {
        let Record { url, commit, state, .. } = Record::read(place)?;
        Some(Self { url, commit, folder: place.join(CODE), state })
    }

    /// Whether somebody has edited its files, or may have.
    pub(crate) fn is_edited(&self) -> bool {
        let now = FolderState::refresh(&self.folder, Some(&self.state));
        now.map_or_else(
            |error| error.kind() != io::ErrorKind::NotFound,
            |now| now.digest != self.state.digest,
        )
    }
}

impl Record {
    fn read(place: &Utf8Path) -> Option<Self> {
        let record: Self = serde_json::from_slice(&fs_err::read(place.join(RECORD)).ok()?).ok()?;
        (record.version == FORMAT).then_some(record)
    }

    fn write(&self, place: &Utf8Path) -> io::Result<()> {
        durable::write(&place.join(RECORD), &serde_json::to_vec_pretty(self)?)
    }
}

/// The checkouts of one URL: `git/checkouts/<repository>/<commit>/{code/,checkout.json}`.
pub(super) struct Checkouts<'a> {
    cache: &'a Utf8Path,
    parent: Utf8PathBuf,
    url: &'a GitUrl,
}

impl<'a> Checkouts<'a> {
    pub(super) fn new(cache: &'a Utf8Path, url: &'a GitUrl) -> Self {
        Self { cache, parent: cache.join(CHECKOUTS).join(url.folder_name()), url }
    }

    /// The checkout of that commit if it is there; it stays as long as the answer lives. Starts nothing and reads no file
    /// that has not changed.
    pub(super) fn find(&self, commit: &CommitId) -> Result<Option<Checkout>, GitError> {
        let place = Place::Checkout { repository: self.url.folder_name(), commit: commit.to_string() };
        // From before the first look on: what is seen is not being removed.
        let in_use = CacheUse::begin(self.cache, &place)?;
        let place = place.folder(self.cache);
        let Some(mut record) = Record::read(&place).filter(|record| record.commit == *commit) else {
            return Ok(None);
        };
        let folder = place.join(CODE);
        if !folder.is_dir() {
            // Somebody has removed the files, and no edits with them that are not gone as well.
            return Ok(None);
        }
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
            in_use,
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
