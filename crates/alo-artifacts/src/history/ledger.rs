//! What the history takes in all: so that a run that stays within the quota does not look at every other.
//!
//! Only a cache: when the number of folders is not the expected one, the history is another folder, or the file is gone,
//! everything is counted anew.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;

use alo_plan::PipelineKind;
use serde::{Deserialize, Serialize};

use super::objects::Objects;
use super::run_folder::run_names;
use crate::durable::{self, Lasting};
use crate::layout::ProjectLayout;
use crate::storage_error::StorageError;
use crate::walk::{Entry, Links, Walk};

/// The version that is written; another one is not used.
const FORMAT: u32 = 2;

/// How many runs the history has and what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    format: u32,
    /// The folder that was counted: a copy of a project may share nothing any longer.
    history: (u64, u64),
    /// Folders of runs, train and inference.
    pub(super) folders: usize,
    /// Bytes of their files, those that several share counted once.
    pub(super) bytes: u64,
}

impl Ledger {
    pub(super) fn new(layout: &ProjectLayout, folders: usize, bytes: u64) -> Self {
        Self { format: FORMAT, history: place(layout), folders, bytes }
    }

    pub(super) fn read(layout: &ProjectLayout) -> Option<Self> {
        let bytes = durable::read_if_present(&layout.ledger()).ok()??;
        let ledger: Self = serde_json::from_slice(&bytes).ok()?;
        (ledger.format == FORMAT && ledger.history == place(layout)).then_some(ledger)
    }

    /// Counts all files of all runs, each content once, after removing contents that no run has any longer.
    pub(super) fn count(layout: &ProjectLayout) -> Result<Self, StorageError> {
        Objects::new(layout).sweep()?;
        let (mut folders, mut bytes, mut seen) = (0, 0, HashSet::new());
        for kind in PipelineKind::ALL {
            let history = layout.history(kind);
            for name in run_names(&history)? {
                folders += 1;
                // What has vanished, or cannot be listed, takes nothing that we could set free.
                for entry in Walk::open(&history.join(name), Links::AsIs).into_iter().flatten() {
                    if let Ok(Entry::File(file)) = entry
                        && seen.insert(file.stamp.inode)
                    {
                        bytes += file.stamp.size;
                    }
                }
            }
        }
        Ok(Self::new(layout, folders, bytes))
    }

    /// Writes the ledger; without it the next run counts.
    pub(super) fn write(self, layout: &ProjectLayout) {
        match serde_json::to_vec(&self) {
            Ok(bytes) if durable::write(&layout.ledger(), &bytes, Lasting::Kill).is_ok() => {}
            _ => Self::forget(layout),
        }
    }

    /// Makes the next run count.
    pub(super) fn forget(layout: &ProjectLayout) {
        durable::remove(&layout.ledger()).ok();
    }
}

/// The folder of the history, whatever path leads to it.
pub(super) fn place(layout: &ProjectLayout) -> (u64, u64) {
    let history = layout.history_root();
    fs_err::metadata(history).map_or((0, 0), |meta| (meta.dev(), meta.ino()))
}
