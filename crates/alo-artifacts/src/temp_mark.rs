//! Temporary files in folders that are not the project's own: whose they are, and whether their writer lives.
//!
//! A kill leaves them there. The next export into the folder removes those whose name says that this project, on this
//! machine, made them, and whose kernel lock nobody holds. Where a file system has no locks they stay.

use std::fs::TryLockError;

use camino::Utf8Path;
use tempfile::NamedTempFile;

use crate::digest::Fields;
use crate::durable::{self, TEMP_PREFIX};
use crate::storage_error::StorageError;

/// Digits of the digest in a name.
const DIGITS: usize = 16;
/// How often a file is begun anew that another process took for a leftover in the moment of its making.
const TRIES: u32 = 5;

/// How the names of a project's temporary files begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TempMark(String);

impl TempMark {
    /// The mark of the project at `root`, on this machine.
    pub(crate) fn of_project(root: &Utf8Path) -> Self {
        let root = root.canonicalize_utf8().unwrap_or_else(|_| root.to_owned());
        let mut digest = Fields::<blake3::Hasher>::default();
        digest.add(rustix::system::uname().nodename().to_bytes());
        digest.add(root.as_str().as_bytes());
        Self(format!("{TEMP_PREFIX}{:.DIGITS$}-", digest.finish()))
    }

    /// Starts a temporary file beside a target, locked for as long as it is open.
    pub(crate) fn temp_beside(&self, target: &Utf8Path) -> Result<NamedTempFile, StorageError> {
        let mut tries = 1;
        loop {
            let temp = durable::temp_beside_as(target, &self.0)?;
            let is_taken = matches!(temp.as_file().try_lock(), Err(TryLockError::WouldBlock));
            // Whoever sweeps has the lock while he removes.
            if (!is_taken && temp.path().exists()) || tries == TRIES {
                return Ok(temp);
            }
            tries += 1;
        }
    }

    /// Removes what killed writers of this mark have left in `folder`. Answers how many files that were.
    ///
    /// What cannot be looked at or removed stays: it is litter, and no reason for an export to fail.
    pub(crate) fn sweep(&self, folder: &Utf8Path) -> usize {
        let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
        let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&self.0));
        ours.filter(|entry| removes_leftover(&entry.path())).count()
    }
}

/// Removes a file that nobody has locked. Tells whether it did.
fn removes_leftover(path: &std::path::Path) -> bool {
    let is_file = |meta: std::fs::Metadata| meta.is_file();
    if !fs_err::symlink_metadata(path).is_ok_and(is_file) {
        return false;
    }
    // For writing: network file systems give an exclusive lock for nothing less.
    let Ok(file) = fs_err::OpenOptions::new().write(true).open(path) else { return false };
    file.file().try_lock().is_ok() && fs_err::remove_file(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_leftovers_of_the_project_that_nobody_writes_go() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        let (mine, other) = (TempMark::of_project(root), TempMark::of_project(&root.join("other")));
        let target = root.join("a.tar.gz");
        let in_use = mine.temp_beside(&target).unwrap();
        let left = mine.temp_beside(&target).unwrap().into_temp_path().keep().unwrap();
        let foreign = other.temp_beside(&target).unwrap().into_temp_path().keep().unwrap();
        let unmarked = root.join(".alo-tmp-x");
        fs_err::write(&unmarked, "").unwrap();
        let folder = root.join(format!("{}folder", mine.0));
        fs_err::create_dir(&folder).unwrap();
        assert_eq!(mine.sweep(root), 1);
        assert!(!left.exists() && in_use.path().exists() && foreign.exists());
        assert!(unmarked.exists() && folder.exists());
        let in_use = in_use.into_temp_path();
        assert_eq!(mine.sweep(root), 1);
        assert!(!in_use.exists());
        assert_eq!(mine.sweep(&root.join("absent")), 0);
    }

    #[test]
    fn a_link_of_such_a_name_is_not_followed_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        let mark = TempMark::of_project(root);
        let (link, target) = (root.join(format!("{}link", mark.0)), root.join("precious"));
        fs_err::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(mark.sweep(root), 0);
        assert!(target.exists() && link.symlink_metadata().is_ok());
    }
}
