//! Folders of the user's that are packages, built from a copy.
//!
//! A build writes into the folder it builds (`build/`, `*.egg-info`), and uv takes a folder whose `setup.py` is as old as the one
//! it has built once for that. A copy at a place of its own ends both.

use std::io;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use crate::digest::PackageFiles;
use crate::installer::{FailureReason, InstallError};
use crate::requirements::RequirementSet;
use crate::resolution::{PackageSource, Resolution};

/// The copies in one scratch folder, which whoever owns that removes.
#[derive(Debug, Default)]
pub(crate) struct FolderCopies(Vec<FolderCopy>);

#[derive(Debug)]
struct FolderCopy {
    /// The user's folder.
    folder: Utf8PathBuf,
    /// The digest of what was copied.
    digest: String,
    copy: Utf8PathBuf,
}

impl FolderCopies {
    /// Copies the folders that requirements name.
    pub(crate) fn of_requirements(set: &RequirementSet, scratch: &Utf8Path) -> io::Result<Self> {
        Self::of(set.folders(), scratch)
    }

    /// Copies the folders of a resolution.
    pub(crate) fn of_resolution(resolution: &Resolution, scratch: &Utf8Path) -> io::Result<Self> {
        Self::of(resolution.folders().map(|(path, _)| path), scratch)
    }

    fn of<'p>(folders: impl Iterator<Item = &'p Utf8Path>, scratch: &Utf8Path) -> io::Result<Self> {
        let mut copies: Vec<FolderCopy> = Vec::new();
        for folder in folders {
            // A copy of what holds the copy has no end.
            if scratch.starts_with(folder) || copies.iter().any(|known| known.folder == folder) {
                continue;
            }
            let files = PackageFiles::list(folder)?;
            let place = scratch.join(place(copies.len()));
            fs_err::create_dir_all(&place)?;
            fs_err::set_permissions(&place, PermissionsExt::from_mode(0o700))?;
            // The name may be all that tells which package it is.
            let copy = place.join(folder.file_name().unwrap_or("package"));
            files.copy(&copy)?;
            // Of the copy: the folder may have changed since.
            let digest = PackageFiles::list(&copy)?.digest()?;
            copies.push(FolderCopy { folder: folder.to_owned(), digest, copy });
        }
        Ok(Self(copies))
    }

    /// The requirements with the copies for their folders.
    pub(crate) fn in_requirements(&self, set: &RequirementSet) -> RequirementSet {
        set.moved(|path| self.copy_of(path))
    }

    /// The resolution with the copies for its folders.
    pub(crate) fn in_resolution(&self, resolution: &Resolution) -> Resolution {
        let mut copied = resolution.clone();
        for package in copied.packages_mut() {
            if let PackageSource::Path { path, editable: false, .. } = &mut package.source
                && let Some(copy) = self.copy_of(path)
            {
                *path = copy.to_owned();
            }
        }
        copied
    }

    /// A resolution of the copies, with the user's folders for them.
    pub(crate) fn given_back(&self, mut resolution: Resolution) -> Resolution {
        for package in resolution.packages_mut() {
            if let PackageSource::Path { path, digest, editable: false } = &mut package.source
                && let Some(known) = self.0.iter().find(|known| known.copy == *path)
            {
                // What the build has left in the copy does not count.
                (*path, *digest) = (plain(&known.folder), known.digest.clone());
            }
        }
        resolution
    }

    /// The first folder of a resolution that no longer holds what was decided on.
    pub(crate) fn changed<'r>(&self, resolution: &'r Resolution) -> Option<&'r Utf8Path> {
        let is_other = |(path, digest): &(&Utf8Path, &str)| {
            self.0.iter().any(|known| known.folder == *path && known.digest != *digest)
        };
        resolution.folders().find(is_other).map(|(path, _)| path)
    }

    /// The copies, as programs name them that run in the scratch folder, and the folders that people know instead.
    pub(crate) fn names(&self) -> Vec<(String, String)> {
        let names = self.0.iter().enumerate().flat_map(|(index, known)| {
            let (copy, folder) = (&known.copy, plain(&known.folder).into_string());
            let relative = format!("./{}", place(index).join(copy.file_name().unwrap_or_default()));
            [(copy.to_string(), folder.clone()), (relative, folder)]
        });
        names.collect()
    }

    /// Whether a folder may be one that can only be built where it lies, since it reads what lies beside it.
    pub(crate) fn may_need_their_place(&self, error: &InstallError) -> bool {
        let is_of_build = matches!(
            error,
            InstallError::Failed { reason: FailureReason::Build(_) | FailureReason::Other(_), .. }
        );
        is_of_build && !self.0.is_empty()
    }

    fn copy_of(&self, path: &Utf8Path) -> Option<&Utf8Path> {
        self.0.iter().find(|known| known.folder == path).map(|known| &*known.copy)
    }
}

/// A path without `.`, as installers write it.
fn plain(path: &Utf8Path) -> Utf8PathBuf {
    path.components().collect()
}

/// Where a copy lies in the scratch folder.
fn place(index: usize) -> Utf8PathBuf {
    Utf8Path::new("folders").join(index.to_string())
}
