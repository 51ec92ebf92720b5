//! What a step has changed in the staged artifacts: two listings compared.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};

use super::content;
use crate::copy::CopyError;
use crate::files_error::FilesError;
use crate::layout::ArtifactLayout;
use crate::permissions;
use crate::stamp::Stamp;
use crate::tree::Tree;
use crate::walk::{Links, TreeFile};

/// A file that was written so shortly before may be written again without its times showing it.
const UNSETTLED: Duration = Duration::from_millis(100);

/// The artifacts of a pipeline at one moment, but for the engine's own logs.
#[derive(Debug)]
pub struct Snapshot {
    files: BTreeMap<Utf8PathBuf, Known>,
    /// With their permissions.
    folders: BTreeMap<Utf8PathBuf, u32>,
    pub(super) others: Vec<String>,
    /// When the newest file changed that may be written again without its times or a digest showing it, if there is one.
    /// In nanoseconds since 1970.
    pub(super) unsettled: Option<i64>,
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    executable: bool,
    mode: u32,
    /// Of a file that was written just before.
    digest: Option<String>,
}

/// How much of what was written just before may be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) files: usize,
    pub(super) bytes: u64,
}

/// What is there now and was not there before, or otherwise.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Files that are new or have changed.
    pub(super) files: Vec<TreeFile>,
    /// Files and folders that are gone, what lies in a folder before it.
    pub(super) removed: Vec<Utf8PathBuf>,
    /// New folders, and those with new permissions, each before what lies in it.
    pub(super) folders: Vec<(Utf8PathBuf, u32)>,
}

impl Snapshot {
    /// Lists them. Files that were written just before are digested if they fit the budget, all or none.
    pub(super) fn take(artifacts: &ArtifactLayout, budget: Budget) -> Result<Self, FilesError> {
        let root = artifacts.root();
        let tree = Tree::list(root, Links::AsIs)?;
        let own = [artifacts.process_log(), artifacts.pipeline_log()];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = i64::try_from(now.saturating_sub(UNSETTLED).as_nanos()).unwrap_or(i64::MAX);
        let mut listed = tree.files;
        listed.retain(|file| !own.contains(&root.join(&file.relative)));
        let written = |file: &TreeFile| file.stamp.changed.max(file.stamp.modified);
        let fresh = || listed.iter().filter(|file| written(file) >= settled);
        let fits = fresh().count() <= budget.files
            && fresh().map(|file| file.stamp.size).sum::<u64>() <= budget.bytes;
        let unsettled = if fits { None } else { fresh().map(written).max() };
        let mut files = BTreeMap::new();
        for file in listed {
            let digested = fits && written(&file) >= settled;
            let digest = if digested { Some(content::digest(&root.join(&file.relative))?) } else { None };
            let TreeFile { relative, stamp, executable, mode } = file;
            files.insert(relative, Known { stamp, executable, mode, digest });
        }
        let others =
            tree.others.iter().map(|other| format!("`{}` is {}", other.relative.display(), other.what));
        let mut folders = BTreeMap::new();
        for folder in tree.folders {
            let mode = permissions::mode(&root.join(&folder))?;
            folders.insert(folder, mode);
        }
        Ok(Self { files, folders, others: others.collect(), unsettled })
    }

    /// What has changed since an earlier moment.
    pub(super) fn since(&self, earlier: &Self, root: &Utf8Path) -> Result<Changes, CopyError> {
        let mut changes = Changes::default();
        for (path, file) in &self.files {
            let same = match earlier.files.get(path) {
                None => false,
                Some(known) if known.mode != file.mode => false,
                Some(Known { digest: Some(digest), .. }) => content::digest(&root.join(path))? == *digest,
                Some(known) => known.stamp == file.stamp,
            };
            if !same {
                let Known { stamp, executable, mode, .. } = *file;
                changes.files.push(TreeFile { relative: path.clone(), stamp, executable, mode });
            }
        }
        let gone_files = earlier.files.keys().filter(|path| !self.files.contains_key(*path)).cloned();
        let gone_folders = earlier.folders.keys().filter(|path| !self.folders.contains_key(*path)).cloned();
        changes.removed = gone_files.chain(gone_folders.rev()).collect();
        let new = self.folders.iter().filter(|(path, mode)| earlier.folders.get(*path) != Some(mode));
        changes.folders = new.map(|(path, mode)| (path.clone(), *mode)).collect();
        Ok(changes)
    }
}
