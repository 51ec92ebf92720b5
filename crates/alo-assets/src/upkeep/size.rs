//! How much of the disk folders take.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;

use camino::Utf8Path;

/// Adds up what folders take of the disk. A file of several names counts once, with the folder that comes first.
#[derive(Debug, Default)]
pub(super) struct DiskUse {
    seen: HashSet<(u64, u64)>,
}

impl DiskUse {
    /// What everything below `folder` takes, in bytes. No link is followed; what cannot be read counts nothing.
    pub(super) fn of(&mut self, folder: &Utf8Path) -> u64 {
        let mut total = 0;
        let mut folders = vec![folder.as_std_path().to_owned()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs_err::read_dir(&folder) else { continue };
            for entry in entries.filter_map(Result::ok) {
                let Ok(found) = entry.metadata() else { continue };
                if found.nlink() > 1 && !found.is_dir() && !self.seen.insert((found.dev(), found.ino())) {
                    continue;
                }
                // The system counts in blocks of 512 bytes, whatever those of the disk are.
                total += found.blocks() * 512;
                if found.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        total
    }
}
