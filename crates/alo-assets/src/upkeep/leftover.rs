//! What killed builds, fetches and prunes have left in the cache.

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::cache::Place;

/// How much killed processes have left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Leftovers {
    /// How many folders.
    pub count: usize,
    /// In bytes on the disk.
    pub size: u64,
}

/// A folder that nothing will ever look at, unless somebody is filling it right now.
#[derive(Debug)]
pub(super) struct Leftover {
    pub(super) folder: Utf8PathBuf,
    /// In bytes on the disk.
    pub(super) size: u64,
    /// The place whose maker may be at work on it; none if it was being deleted.
    pub(super) place: Option<Place>,
}
