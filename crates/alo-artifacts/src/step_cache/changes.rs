//! What a step has changed in the staged artifacts: two listings compared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};

use super::content;
use crate::copy::CopyError;
use crate::layout::ArtifactLayout;
use crate::tree::{Links, Stamp, Tree, TreeError};

/// A file that was written so shortly before may be written again without its times showing it.
const UNSETTLED: Duration = Duration::from_millis(100);

/// The artifacts of a pipeline at one moment, but for the engine's own logs.
#[derive(Debug)]
pub(super) struct Snapshot {
    files: BTreeMap<Utf8PathBuf, Known>,
    folders: BTreeSet<Utf8PathBuf>,
    pub(super) others: Vec<String>,
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    executable: bool,
    /// Of a file that was written just before.
    digest: Option<String>,
}

/// What is there now and was not there before, or otherwise.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Files that are new or have changed, and whether they can be executed.
    pub(super) files: Vec<(Utf8PathBuf, bool)>,
    /// Files and folders that are gone, what lies in a folder before it.
    pub(super) removed: Vec<Utf8PathBuf>,
    /// New folders, each before what lies in it.
    pub(super) folders: Vec<Utf8PathBuf>,
}

/// Why the artifacts could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Copy(#[from] CopyError),
}

impl Snapshot {
    pub(super) fn take(artifacts: &ArtifactLayout) -> Result<Self, SnapshotError> {
        let root = artifacts.root();
        let tree = Tree::list(root, Links::AsIs)?;
        let own = [artifacts.process_log(), artifacts.pipeline_log()];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = i64::try_from(now.saturating_sub(UNSETTLED).as_nanos()).unwrap_or(i64::MAX);
        let mut files = BTreeMap::new();
        for file in tree.files {
            let path = root.join(&file.relative);
            if own.contains(&path) {
                continue;
            }
            let fresh = file.stamp.changed.max(file.stamp.modified) >= settled;
            let digest = if fresh { Some(content::digest(&path)?) } else { None };
            files.insert(file.relative, Known { stamp: file.stamp, executable: file.executable, digest });
        }
        let others =
            tree.others.iter().map(|other| format!("`{}` is {}", other.relative.display(), other.what));
        Ok(Self { files, folders: tree.folders.into_iter().collect(), others: others.collect() })
    }

    /// What has changed since an earlier moment.
    pub(super) fn since(&self, earlier: &Self, root: &Utf8Path) -> Result<Changes, CopyError> {
        let mut changes = Changes::default();
        for (path, file) in &self.files {
            let same = match earlier.files.get(path) {
                None => false,
                Some(known) if known.executable != file.executable => false,
                Some(Known { digest: Some(digest), .. }) => content::digest(&root.join(path))? == *digest,
                Some(known) => known.stamp == file.stamp,
            };
            if !same {
                changes.files.push((path.clone(), file.executable));
            }
        }
        let gone_files = earlier.files.keys().filter(|path| !self.files.contains_key(*path)).cloned();
        let gone_folders: Vec<_> = earlier.folders.difference(&self.folders).cloned().collect();
        changes.removed = gone_files.chain(gone_folders.into_iter().rev()).collect();
        changes.folders = self.folders.difference(&earlier.folders).cloned().collect();
        Ok(changes)
    }
}
