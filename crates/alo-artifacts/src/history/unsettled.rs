//! `.alo/history-open/`: which changes of the history have begun and have not ended, so that a run looks at the runs before it
//! only after a kill.
//!
//! A file stands for each change: a run in progress, a run being removed. It is there before anything is changed, and goes
//! when the change is complete. The file `looked` tells that all else was put in order since the machine was started: what
//! a power failure takes back is found by looking at every run once.

use std::io::ErrorKind;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::ledger::place;
use crate::durable::{self, Lasting};
use crate::layout::ProjectLayout;
use crate::manifest::boot_id;
use crate::storage_error::StorageError;

/// The version that is written; another one is not used.
const FORMAT: u32 = 1;
/// The file that tells when every run was looked at.
const LOOKED: &str = "looked";

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Looked {
    format: u32,
    boot: String,
    /// The folder that was looked at: the history of another project may have been put in its place.
    history: (u64, u64),
}

impl Looked {
    fn now(layout: &ProjectLayout) -> Self {
        Self { format: FORMAT, boot: boot_id(), history: place(layout) }
    }
}

/// A change of the history that has begun.
#[derive(Debug)]
pub(super) struct Unsettled {
    mark: Utf8PathBuf,
}

impl Unsettled {
    /// Marks that the folder of a run is about to appear or to vanish.
    pub(super) fn begin(layout: &ProjectLayout, folder: &Utf8Path) -> Result<Self, StorageError> {
        let open = layout.history_open();
        durable::create_dir_all(&open)?;
        let kind = folder.parent().and_then(Utf8Path::file_name).unwrap_or_default();
        let mark = open.join(format!("{kind}-{}", folder.file_name().unwrap_or_default()));
        fs_err::File::create(&mark).map_err(StorageError::of("write", &mark))?;
        Ok(Self { mark })
    }

    /// The change is complete. A mark that cannot be removed only costs looking at every run.
    pub(super) fn end(self) {
        fs_err::remove_file(self.mark).ok();
    }

    /// Whether every change has ended that was begun since all runs were looked at.
    pub(super) fn is_none(layout: &ProjectLayout) -> bool {
        let open = layout.history_open();
        let looked = durable::read_if_present(&open.join(LOOKED)).ok().flatten().unwrap_or_default();
        let looked: Option<Looked> = serde_json::from_slice(&looked).ok();
        let marks = fs_err::read_dir(&open).map(|entries| entries.take(2).count());
        looked.is_some_and(|looked| looked == Looked::now(layout)) && marks.is_ok_and(|marks| marks == 1)
    }

    /// Remembers that all runs were looked at and put in order. The project must be locked, and no run in progress.
    pub(super) fn looked(layout: &ProjectLayout) -> Result<(), StorageError> {
        let open = layout.history_open();
        match fs_err::read_dir(&open) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.map_err(StorageError::of("list", &open))?;
                    durable::remove_std(&entry.path())?;
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StorageError::new("list", &open, error)),
        }
        let path = open.join(LOOKED);
        let bytes = serde_json::to_vec(&Looked::now(layout))
            .map_err(|error| StorageError::new("write", &path, error.into()))?;
        durable::write(&path, &bytes, Lasting::Kill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_and_not_ended_is_known_and_so_is_another_history_or_boot() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let layout = ProjectLayout::new(Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned());
        let folder = layout.history_root().join("train/id");
        assert!(!Unsettled::is_none(&layout), "nobody has looked yet");
        fs_err::create_dir_all(layout.history_root()).expect("created");
        Unsettled::looked(&layout).expect("written");
        assert!(Unsettled::is_none(&layout));
        let change = Unsettled::begin(&layout, &folder).expect("begun");
        assert!(!Unsettled::is_none(&layout));
        change.end();
        assert!(Unsettled::is_none(&layout));
        drop(Unsettled::begin(&layout, &folder).expect("begun"));
        assert!(!Unsettled::is_none(&layout), "killed");
        Unsettled::looked(&layout).expect("written");
        assert!(Unsettled::is_none(&layout));

        let looked = layout.history_open().join(LOOKED);
        let text = fs_err::read_to_string(&looked).expect("read");
        fs_err::write(&looked, text.replace(&boot_id(), "another boot")).expect("written");
        assert!(!Unsettled::is_none(&layout));
        fs_err::write(&looked, text).expect("written");
        fs_err::rename(layout.history_root(), layout.root().join("former")).expect("renamed");
        fs_err::create_dir_all(layout.history_root()).expect("created");
        assert!(!Unsettled::is_none(&layout));
    }
}
