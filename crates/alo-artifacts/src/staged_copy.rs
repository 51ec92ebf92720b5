//! Artifacts that begin as a copy of those of other steps: several runs continue from the same first steps.

use camino::Utf8Path;

use crate::copy::copy_tree;
use crate::layout::ArtifactLayout;
use crate::staging::{StagedArtifacts, StagingError};
use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::walk::Links;

impl StagedArtifacts {
    /// Copies everything that lies in `other` into these artifacts. Both are the caller's own afterwards: no file is shared.
    ///
    /// Links with absolute paths into `other` lead to the copy.
    pub fn copy_from(&self, other: &ArtifactLayout) -> Result<(), StagingError> {
        let (from, to) = (other.root(), self.layout().root());
        let tree = Tree::list(from, Links::AsIs)?;
        copy_tree(&tree, from, to)?;
        for link in &tree.others {
            copy_link(from, to, &link.relative)?;
        }
        Ok(())
    }
}

/// Copies a link; what is neither a file, a folder nor a link (a socket) is nothing that a later step could use.
fn copy_link(from: &Utf8Path, to: &Utf8Path, relative: &std::path::Path) -> Result<(), StorageError> {
    let Ok(target) = fs_err::read_link(from.as_std_path().join(relative)) else { return Ok(()) };
    let target = match target.strip_prefix(from) {
        Ok(inner) => to.as_std_path().join(inner),
        Err(_) => target,
    };
    let link = to.as_std_path().join(relative);
    fs_err::os::unix::fs::symlink(target, &link).map_err(StorageError::of("write", to))
}

#[cfg(test)]
mod tests {
    use alo_plan::PipelineKind;
    use camino::Utf8PathBuf;

    use super::*;
    use crate::layout::ProjectLayout;
    use crate::run_id::RunId;

    #[test]
    fn a_copy_is_whole_and_its_own() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8PathBuf::try_from(dir.path().to_owned()).expect("UTF-8");
        let project = ProjectLayout::new(root);
        let staged = |number| {
            let run = RunId::new(jiff::Timestamp::UNIX_EPOCH, number, "x");
            StagedArtifacts::begin(&project, PipelineKind::Train, &run).expect("staged")
        };
        let (one, two) = (staged(1), staged(2));
        let models = one.layout().models();
        fs_err::create_dir_all(models.join("empty")).expect("made");
        fs_err::write(models.join("m"), "one").expect("written");
        fs_err::os::unix::fs::symlink(models.join("m"), models.join("latest")).expect("linked");
        two.copy_from(one.layout()).expect("copied");
        let copied = two.layout().models();
        fs_err::write(copied.join("latest"), "two").expect("written");
        assert_eq!(fs_err::read_to_string(copied.join("m")).expect("read"), "two");
        assert_eq!(fs_err::read_to_string(models.join("m")).expect("read"), "one");
        assert!(copied.join("empty").is_dir());
    }
}
