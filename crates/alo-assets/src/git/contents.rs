//! What has been fetched from one URL: by libgit2, or by the git program where libgit2 cannot read it.

use camino::Utf8Path;

use super::error::GitError;
use super::mirror::Mirror;
use super::object_id::{CommitId, TreeId};
use super::submodule::Submodule;
use super::wide_mirror::WideMirror;

/// The mirror that holds a commit.
pub(super) enum Contents<'a> {
    Library(Mirror),
    Program(WideMirror<'a>),
}

impl Contents<'_> {
    /// Whether the commit has been fetched.
    pub(super) fn has(&self, commit: &CommitId) -> Result<bool, GitError> {
        match self {
            Self::Library(mirror) => Ok(mirror.has(commit)),
            Self::Program(mirror) => mirror.has(commit),
        }
    }

    /// Writes the files of a commit to `folder`, which is empty. Answers its tree.
    pub(super) fn write_files(&self, commit: &CommitId, folder: &Utf8Path) -> Result<TreeId, GitError> {
        match self {
            Self::Library(mirror) => mirror.write_files(commit, folder),
            Self::Program(mirror) => mirror.write_files(commit, folder),
        }
    }

    /// The submodules of a commit, not those that lie in them.
    pub(super) fn submodules(&self, commit: &CommitId) -> Result<Vec<Submodule>, GitError> {
        match self {
            Self::Library(mirror) => mirror.submodules(commit),
            Self::Program(mirror) => mirror.submodules(commit),
        }
    }
}
