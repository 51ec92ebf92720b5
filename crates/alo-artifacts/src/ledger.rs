//! What the history takes in all: so that a run that stays within the quota does not read the record of every other.
//!
//! Only a cache: when the number of folders is not the expected one, or the file is gone, everything is counted anew.

use serde::{Deserialize, Serialize};

use crate::durable::{self, Lasting};
use crate::layout::ProjectLayout;

/// The version that is written; another one is not used.
const FORMAT: u32 = 1;

/// How many runs the history has and what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    format: u32,
    /// Folders of runs, train and inference.
    pub(crate) folders: usize,
    /// Their bytes.
    pub(crate) bytes: u64,
}

impl Ledger {
    pub(crate) fn new(folders: usize, bytes: u64) -> Self {
        Self { format: FORMAT, folders, bytes }
    }

    pub(crate) fn read(layout: &ProjectLayout) -> Option<Self> {
        let bytes = durable::read_if_present(&layout.ledger()).ok()??;
        let ledger: Self = serde_json::from_slice(&bytes).ok()?;
        (ledger.format == FORMAT).then_some(ledger)
    }

    /// Writes the ledger; without it the next run counts.
    pub(crate) fn write(self, layout: &ProjectLayout) {
        match serde_json::to_vec(&self) {
            Ok(bytes) if durable::write(&layout.ledger(), &bytes, Lasting::Kill).is_ok() => {}
            _ => Self::forget(layout),
        }
    }

    /// Makes the next run count.
    pub(crate) fn forget(layout: &ProjectLayout) {
        durable::remove(&layout.ledger()).ok();
    }
}
