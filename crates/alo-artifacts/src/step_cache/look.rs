//! What a step has found at a place that it looked at without opening it.

use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

/// A place that a step has looked at, and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LookedAt {
    /// The place.
    pub path: Utf8PathBuf,
    /// What was found.
    #[serde(flatten)]
    pub look: Look,
}

/// What a step has found at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Whether it has followed a link that lies there.
    pub follows: bool,
    /// None if there was nothing.
    pub found: Option<Sight>,
}

/// What there is to see of a file or folder, as far as the step may have made use of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sight {
    /// Its type and permissions.
    pub mode: u32,
    /// The bits of these that count.
    pub mask: u32,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// When it was written last, in nanoseconds since 1970.
    pub modified: Option<i64>,
    /// Where a link leads to.
    pub target: Option<String>,
}

impl Look {
    /// Whether the same would be found now.
    pub(super) fn holds(&self, path: &Utf8Path) -> bool {
        let meta = if self.follows { fs_err::metadata(path) } else { fs_err::symlink_metadata(path) };
        match (meta, &self.found) {
            (Err(_), None) => true,
            (Ok(meta), Some(found)) => found.is(&meta, path),
            _ => false,
        }
    }
}

impl Sight {
    fn is(&self, meta: &std::fs::Metadata, path: &Utf8Path) -> bool {
        let modified = || meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        meta.mode() & self.mask == self.mode
            && self.size.is_none_or(|size| size == meta.len())
            && self.modified.is_none_or(|then| then == modified())
            && self.target.as_ref().is_none_or(|then| {
                fs_err::read_link(path).is_ok_and(|now| now.as_os_str().as_encoded_bytes() == then.as_bytes())
            })
    }
}
