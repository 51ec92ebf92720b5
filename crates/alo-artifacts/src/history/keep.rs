//! [`Keep`]: what of a finished run goes into the history.

use camino::Utf8Path;

use super::data_list::DATA;
use super::file_list::FILES;
use super::record::FILE;
use super::run_folder::{LOCK, PINNED};
use crate::layout::ArtifactLayout;
use crate::tree_error::TreeError;
use crate::walk::{Entry, Links, Walk};

/// The folder of the logs.
pub(super) const LOGS: &str = "log";

/// What of a finished run goes into the history.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep<'a> {
    /// Where artifacts and logs lie: staged or current.
    pub layout: Option<&'a ArtifactLayout>,
    /// Keep all but the logs: models, output, extra output, report, score.
    pub artifacts: bool,
    /// Keep the logs.
    pub logs: bool,
}

impl Keep<'_> {
    /// Only the record.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Where it lies, if it is there.
    pub(super) fn root(&self) -> Option<&Utf8Path> {
        self.layout.map(ArtifactLayout::root).filter(|root| root.is_dir())
    }

    /// What lies there and is to be kept.
    pub(super) fn entries(&self) -> Result<impl Iterator<Item = Result<Entry, TreeError>> + '_, TreeError> {
        let walk = self.root().map(|root| Walk::open(root, Links::Follow)).transpose()?;
        Ok(walk.into_iter().flatten().filter(|entry| match entry {
            Ok(Entry::File(file)) => self.wants(&file.relative) && !is_own_name(file.relative.as_str()),
            Ok(Entry::Folder(folder)) => self.wants(folder),
            Ok(Entry::Other(other)) => {
                Utf8Path::from_path(&other.relative).is_none_or(|path| self.wants(path))
            }
            Err(_) => true,
        }))
    }

    fn wants(&self, path: &Utf8Path) -> bool {
        if path.starts_with(LOGS) { self.logs } else { self.artifacts }
    }
}

/// Whether a name at the top of a run's folder is the history's own.
pub(super) fn is_own_name(name: &str) -> bool {
    [FILE, FILES, LOCK, PINNED, DATA, "experimental_plan.yaml", "alo.lock"].contains(&name)
}
