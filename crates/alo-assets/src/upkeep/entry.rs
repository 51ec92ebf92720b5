//! A whole thing that the cache holds.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::size::DiskUse;
use crate::cache::{CacheUse, Place};
use crate::git::{CheckoutRecord, CommitId};
use crate::installer;

/// The record that a whole environment has.
const ENVIRONMENT: &str = "alo-environment.json";
/// The file that a bare repository has.
const REPOSITORY: &str = "HEAD";

/// Something that the cache holds and can do without: what needs it fetches or builds it anew.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CacheEntry {
    /// What it is.
    #[serde(flatten)]
    pub content: CacheContent,
    /// Its folder.
    pub folder: Utf8PathBuf,
    /// When it was used last, within an hour; where that is not known, when it was made.
    pub last_used: Timestamp,
    /// In bytes on the disk.
    pub size: u64,
    #[serde(skip)]
    pub(super) place: Place,
}

/// What an entry of the cache is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum CacheContent {
    /// A Python environment.
    Environment {
        /// What tells it from others.
        key: String,
        /// The version of its Python.
        python: String,
        /// What is installed: `name==version`, sorted by name.
        packages: Vec<String>,
    },
    /// The files of one commit.
    Checkout {
        /// Where it came from, without credentials.
        url: String,
        /// The commit.
        commit: CommitId,
    },
    /// What was fetched from one URL: the commits themselves, of which checkouts are made.
    Repository {
        /// Its short name and a digest of its URL.
        name: String,
    },
    /// An installer of alo's own.
    Tool {
        /// Its name, and its version or a digest of the interpreter it is for.
        name: String,
    },
}

impl CacheContent {
    /// What tells it from others of its kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Environment { key, .. } => key,
            Self::Checkout { commit, .. } => commit.as_str(),
            Self::Repository { name } | Self::Tool { name } => name,
        }
    }

    /// What lies at that place, if it is whole.
    fn read(place: &Place, folder: &Utf8Path) -> Option<Self> {
        match place {
            Place::Environment { key } => {
                let Environment { python, packages } =
                    serde_json::from_slice(&fs_err::read(folder.join(ENVIRONMENT)).ok()?).ok()?;
                Some(Self::Environment { key: key.clone(), python, packages })
            }
            Place::Checkout { commit, .. } => CheckoutRecord::read(folder)
                .filter(|record| record.commit.as_str() == commit)
                .map(|CheckoutRecord { url, commit, .. }| Self::Checkout { url, commit }),
            Place::Mirror { .. } => {
                let name = folder.file_name()?.to_owned();
                folder.join(REPOSITORY).is_file().then_some(Self::Repository { name })
            }
            Place::Tool { name } => {
                installer::is_whole_tool(folder).then(|| Self::Tool { name: name.clone() })
            }
        }
    }
}

/// The part of an environment's record that is shown.
#[derive(Deserialize)]
struct Environment {
    python: String,
    packages: Vec<String>,
}

impl CacheEntry {
    /// What lies at that place below `cache`, if it is whole.
    pub(super) fn read(cache: &Utf8Path, place: &Place, disk: &mut DiskUse) -> Option<Self> {
        let folder = place.folder(cache);
        let content = CacheContent::read(place, &folder)?;
        let made = || fs_err::metadata(&folder).and_then(|known| known.modified()).ok();
        let last = CacheUse::last(cache, place).or_else(made).unwrap_or(SystemTime::UNIX_EPOCH);
        let last_used = Timestamp::try_from(last).unwrap_or(Timestamp::UNIX_EPOCH);
        let size = disk.of(&folder);
        Some(Self { content, folder, last_used, size, place: place.clone() })
    }

    /// Whether somebody has edited its files, so that no fetch would bring them back. Reads files whose times have changed.
    pub(super) fn is_edited(&self) -> bool {
        match &self.place {
            Place::Checkout { .. } => {
                CheckoutRecord::read(&self.folder).is_some_and(|record| record.is_edited())
            }
            _ => false,
        }
    }
}
