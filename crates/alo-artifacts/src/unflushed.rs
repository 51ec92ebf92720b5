//! Files that are to survive a power failure.

use camino::{Utf8Path, Utf8PathBuf};

use crate::durable::{sync_all_of, sync_dir};
use crate::storage_error::StorageError;

/// Up to so many files are flushed one by one. Each flush waits for the disk, so with more of them one flush of the
/// whole file system is cheaper…
const FEW_FILES: usize = 3;
/// …unless others have more bytes than this waiting to be written, and the files are not very many.
const LITTLE_WAITING: u64 = 64 << 20;
/// From so many files on the whole file system is flushed in any case.
const MANY_FILES: usize = 64;

/// Files of a folder that are to be flushed, by their names as long as they are few enough to be flushed one by one.
#[derive(Debug, Default)]
pub(crate) struct Unflushed {
    names: Vec<Utf8PathBuf>,
    count: usize,
}

impl Unflushed {
    /// Adds a file by its path below the folder.
    pub(crate) fn add(&mut self, file: &Utf8Path) {
        self.count += 1;
        if self.count <= MANY_FILES {
            self.names.push(file.to_owned());
        }
    }

    /// Flushes the content of every file, and the names with it.
    ///
    /// The folders inside are not flushed one by one: the journalling file systems that `docs/storage.md` names write
    /// the name of a new file, and the folders it lies in, no later than its content when that is flushed.
    pub(crate) fn flush(&self, folder: &Utf8Path) -> Result<(), StorageError> {
        if self.count > MANY_FILES
            || (self.count > FEW_FILES && waiting_bytes().is_some_and(|bytes| bytes < LITTLE_WAITING))
        {
            return sync_all_of(folder);
        }
        for name in &self.names {
            let path = folder.join(name);
            match fs_err::File::open(&path) {
                Ok(handle) => handle.sync_all().map_err(StorageError::of("flush", &path))?,
                // A file that its own owner may not read can still be flushed with all others.
                Err(_) => return sync_all_of(folder),
            }
        }
        sync_dir(folder)
    }
}

/// Bytes that all processes have written and that are not on a disk yet, where the system tells.
fn waiting_bytes() -> Option<u64> {
    let text = fs_err::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
    };
    Some((kilobytes("Dirty")? + kilobytes("Writeback")?) * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_any_size_are_flushed() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let mut files = Unflushed::default();
        for name in 0..=MANY_FILES {
            if [0, FEW_FILES, FEW_FILES + 1, MANY_FILES].contains(&name) {
                files.flush(folder).expect("flushed");
            }
            fs_err::write(folder.join(name.to_string()), "x").expect("written");
            files.add(name.to_string().as_str().into());
        }
        files.flush(folder).expect("flushed");
        assert!(files.names.len() < files.count);
        files = Unflushed::default();
        files.add("absent".into());
        files.flush(folder).expect("flushed with all others");
        assert!(cfg!(not(target_os = "linux")) || waiting_bytes().is_some());
    }
}
