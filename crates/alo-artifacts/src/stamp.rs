//! What a file is recognised by without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use rustix::fs::Stat;
use serde::{Deserialize, Serialize};

/// What tells, without reading it, whether a file has changed. Times are nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) changed: i64,
    pub(crate) inode: u64,
}

impl Stamp {
    pub(crate) fn of(meta: &Metadata) -> Self {
        Self {
            size: meta.len(),
            modified: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            changed: nanoseconds(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
        }
    }

    pub(crate) fn of_stat(stat: &Stat) -> Self {
        // The types of these differ from system to system.
        let at =
            |seconds: i128, nanos: i128| i64::try_from(seconds * 1_000_000_000 + nanos).unwrap_or(i64::MAX);
        Self {
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified: at(stat.st_mtime.into(), stat.st_mtime_nsec.into()),
            changed: at(stat.st_ctime.into(), stat.st_ctime_nsec.into()),
            inode: stat.st_ino,
        }
    }
}

fn nanoseconds(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// What a copy is recognised by. The time of its last change of status is left out: a backup tool may touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopyStamp {
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) inode: u64,
}

impl From<Stamp> for CopyStamp {
    fn from(stamp: Stamp) -> Self {
        Self { size: stamp.size, modified: stamp.modified, inode: stamp.inode }
    }
}
