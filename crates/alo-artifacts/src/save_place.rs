//! Whether a folder of somebody else can take results, found out without writing to it.

use std::io::ErrorKind;

use alo_plan::PipelineKind;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use rustix::fs::{Access, AtFlags, CWD, accessat};

use crate::export_error::ExportError;
use crate::layout::{MODEL_ARCHIVE, ProjectLayout};
use crate::storage_error::StorageError;

/// Checks that a save path leads to a folder that can be written to, or made, and that is none of the project's own that
/// the next run replaces.
pub(crate) fn check_save_path(path: &Utf8Path, project: &ProjectLayout) -> Result<(), ExportError> {
    let place = Place::of(path)?;
    let own = PipelineKind::ALL.map(|kind| project.artifacts(kind).root().to_owned());
    for own in own.into_iter().chain([project.state()]) {
        // One that is not there yet will lie in the project, and is known by its name.
        let folder = Place::of(&own)?;
        if place.whole().starts_with(folder.whole()) {
            return Err(ExportError::Inside { path: path.to_owned() });
        }
    }
    let there = &place.there;
    if !there.is_dir() {
        return Err(ExportError::NoFolder {
            path: if place.rest.as_str().is_empty() { path } else { there }.to_owned(),
        });
    }
    // What both pipelines export.
    let names = [MODEL_ARCHIVE, "process.log", "pipeline.log"].map(|name| path.join(name));
    if let Some(path) = names.into_iter().find(|path| path.is_dir()) {
        return Err(ExportError::Occupied { path });
    }
    let may = accessat(CWD, there.as_std_path(), Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
    Ok(may.map_err(|error| StorageError::new("write in", there, error.into()))?)
}

/// A path as far as it is there, without links and `..`, and what of it is not there yet.
struct Place {
    there: Utf8PathBuf,
    rest: Utf8PathBuf,
}

impl Place {
    fn of(path: &Utf8Path) -> Result<Self, StorageError> {
        let mut there = path;
        let found = loop {
            match there.canonicalize_utf8() {
                Ok(found) => break found,
                // A file in the way, or a link that leads nowhere, is not there, and no folder can be made in its place.
                Err(error) if there.is_symlink() => {
                    return Err(StorageError::new("follow the link", there, error));
                }
                Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {
                    let above = there.parent().filter(|above| !above.as_str().is_empty());
                    there = above.ok_or_else(|| StorageError::new("read", path, error))?;
                }
                Err(error) => return Err(StorageError::new("read", there, error)),
            }
        };
        let (mut found, mut rest) = (found, Utf8PathBuf::new());
        for part in path.strip_prefix(there).unwrap_or(Utf8Path::new("")).components() {
            // What is not there is no link: `..` leads where it seems to.
            match part {
                Utf8Component::ParentDir if !rest.pop() => {
                    found.pop();
                }
                Utf8Component::Normal(name) => rest.push(name),
                _ => {}
            }
        }
        Ok(Self { there: found, rest })
    }

    fn whole(&self) -> Utf8PathBuf {
        if self.rest.as_str().is_empty() { self.there.clone() } else { self.there.join(&self.rest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, ProjectLayout) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").join("project");
        fs_err::create_dir_all(root.join("train_artifacts")).expect("created");
        (dir, ProjectLayout::new(root))
    }

    #[test]
    fn no_way_into_the_artifacts_is_overlooked() {
        let (_dir, project) = project();
        let root = project.root();
        let link =
            |to: Utf8PathBuf, name: &str| fs_err::os::unix::fs::symlink(to, root.join(name)).expect("linked");
        link(root.join("train_artifacts"), "linked");
        link(root.to_owned(), "itself");
        for inside in [
            "train_artifacts",
            "train_artifacts/x/y",
            "out/../train_artifacts",
            "absent/../train_artifacts/x",
            "linked/out",
            "itself/inference_artifacts",
            "itself/.alo/x",
            "../project/train_artifacts",
            "inference_artifacts/x",
        ] {
            let error = check_save_path(&root.join(inside), &project).expect_err(inside);
            assert!(matches!(error, ExportError::Inside { .. }), "{inside}: {error}");
        }
        for fine in
            ["out", "out/deep", "../beside", "train_artifacts/../out", "train_artifacts2", "itself/out"]
        {
            check_save_path(&root.join(fine), &project).expect(fine);
        }
        assert!(!root.join("out").exists(), "nothing is made");
    }

    #[test]
    fn a_place_that_cannot_take_files_is_found_before() {
        let (_dir, project) = project();
        let root = project.root();
        fs_err::write(root.join("file"), "").expect("written");
        for path in ["file", "file/x"] {
            let error = check_save_path(&root.join(path), &project).expect_err(path);
            assert!(matches!(error, ExportError::NoFolder { .. }), "{path}: {error}");
        }
        fs_err::create_dir_all(root.join("out/model.tar.gz")).expect("created");
        let error = check_save_path(&root.join("out"), &project).expect_err("a folder in the way");
        assert!(
            matches!(&error, ExportError::Occupied { path } if path.ends_with("model.tar.gz")),
            "{error}"
        );
        fs_err::os::unix::fs::symlink("nowhere", root.join("dangling")).expect("linked");
        check_save_path(&root.join("dangling"), &project).expect_err("a link to nowhere");
    }
}
