//! A run's artifacts before it has succeeded: written beside, made current in one step.
//!
//! The order of durable steps of a commit:
//! 1. every file and folder of the staged tree is flushed;
//! 2. the staged folder and the current one are exchanged in one atomic rename (or, on file systems without it:
//!    the current one is renamed to `….previous` beside the staged one, the staged one takes its place);
//! 3. the project's folder is flushed;
//! 4. the old artifacts, now in the staging folder, are removed.
//!
//! A kill before 2 leaves the old artifacts current, after it the new ones; [`StagedArtifacts::recover`] removes
//! what is left, and finishes a commit that was killed between its two renames.

mod models;

use std::os::unix::fs::MetadataExt;

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::durable::{self, Lasting};
use crate::experimental::ExperimentalHistoryError;
use crate::layout::{ArtifactLayout, ProjectLayout, artifacts_name};
use crate::run_id::RunId;
use crate::storage_error::StorageError;
use crate::tree_error::TreeError;
use crate::unflushed::Unflushed;
use crate::walk::{Entry, Links, Other, Walk};

pub(crate) use models::StagedModels;

/// Artifacts that could not be staged or made current.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StagingError {
    /// A link where the artifacts are to lie: they are exchanged as a whole, so it would be replaced.
    #[error("`{path}` is a link: a run would replace it by a folder")]
    Link {
        /// The link.
        path: Utf8PathBuf,
    },
    /// Artifacts that could never become current.
    #[error(
        "`{staging}` and `{target}` lie on different file systems: what a run makes could not be moved there"
    )]
    OtherDisk {
        /// Where a run makes them.
        staging: Utf8PathBuf,
        /// Where they are to lie.
        target: Utf8PathBuf,
    },
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The artifacts could not be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The record of the run whose model is current could not be changed.
    #[error(transparent)]
    Record(#[from] ExperimentalHistoryError),
}

impl StagingError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Link { .. } => Some(
                "remove the link; to have the artifacts on another disk move the project there, or name a save path".into(),
            ),
            Self::OtherDisk { staging, .. } => Some(format!(
                "mount the project as a whole, not a folder inside it, and let `{staging}` be a folder of the project, no link \
                 (it may be deleted between runs)"
            )),
            Self::Storage(error) => error.hint(),
            Self::Tree(error) => error.hint(),
            Self::Record(error) => error.hint(),
        }
    }
}

/// A folder in `.alo/staging/<run>/` and the folder whose place it is to take.
#[derive(Debug)]
struct Place {
    /// The folder while it waits.
    path: Utf8PathBuf,
    /// Where it will be.
    target: Utf8PathBuf,
}

/// A folder that waits in its place; removed when dropped, as is the old folder after a swap.
#[derive(Debug)]
struct Staged {
    place: Place,
    /// Whether a swap could be neither done nor undone: what lies there is for the recovery.
    left: bool,
}

/// Which folder is staged, so that a waiting new folder is told from an exchanged old one.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    device: u64,
    inode: u64,
}

impl Staged {
    /// Creates the empty folder and its mark.
    fn begin(folder: &Utf8Path, name: &str, target: Utf8PathBuf) -> Result<Self, StorageError> {
        let place = Place { path: folder.join(name), target };
        durable::remove(&place.path)?;
        durable::create_dir_all(&place.path)?;
        let meta = fs_err::metadata(&place.path).map_err(StorageError::of("read", &place.path))?;
        let mark = Mark { device: meta.dev(), inode: meta.ino() };
        let path = place.mark();
        let bytes =
            serde_json::to_vec(&mark).map_err(|error| StorageError::new("write", &path, error.into()))?;
        durable::write(&path, &bytes, Lasting::Kill)?;
        Ok(Self { place, left: false })
    }

    fn swap(&self) -> Result<(), StagingError> {
        self.place.swap()
    }
}

impl Place {
    fn mark(&self) -> Utf8PathBuf {
        self.path.with_extension("mark")
    }

    fn previous(&self) -> Utf8PathBuf {
        self.path.with_extension("previous")
    }

    /// Whether that folder is the one that was staged.
    fn is_new(&self, path: &Utf8Path) -> bool {
        let mark = durable::read_if_present(&self.mark()).ok().flatten();
        let mark: Option<Mark> = mark.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let meta = fs_err::symlink_metadata(path).ok();
        mark.zip(meta).is_some_and(|(mark, meta)| (mark.device, mark.inode) == (meta.dev(), meta.ino()))
    }

    /// Makes the staged folder current; the old one stays in the staging folder.
    fn swap(&self) -> Result<(), StagingError> {
        self.make_lasting()?;
        Ok(self.exchange()?)
    }

    /// Flushes what waits: what needs room on the disk is done then.
    fn make_lasting(&self) -> Result<(), StagingError> {
        let (mut files, mut links) = (Unflushed::default(), Vec::new());
        for entry in Walk::open(&self.path, Links::AsIs)? {
            match entry? {
                Entry::File(file) => files.add(&file.relative),
                Entry::Folder(_) => {}
                Entry::Other(other) => links.push(other),
            }
        }
        self.turn_links(&links)?;
        Ok(files.flush(&self.path)?)
    }

    /// [`swap`](Self::swap) of what is flushed.
    fn exchange(&self) -> Result<(), StorageError> {
        let parent = durable::parent(&self.target);
        durable::create_dir_all(parent)?;
        if self.target.symlink_metadata().is_err() {
            durable::rename(&self.path, &self.target)?;
        } else if !durable::exchange(&self.path, &self.target)? {
            self.swap_in_two()?;
        }
        // The exchange is one transaction of the file system: flushing one of the two folders makes it last.
        durable::sync_dir(parent)
    }

    /// Flushes what tells the two folders apart.
    fn sync_mark(&self) -> Result<(), StorageError> {
        let mark = self.mark();
        let file = fs_err::File::open(&mark).map_err(StorageError::of("read", &mark))?;
        file.sync_all().map_err(StorageError::of("write", &mark))
    }

    /// Undoes a swap, whole or half done.
    fn swap_back(&self) -> Result<(), StorageError> {
        if !self.is_new(&self.target) {
            return Ok(());
        }
        if self.previous().symlink_metadata().is_ok() {
            // Killed between the two it is finished, and undone again.
            durable::rename(&self.target, &self.path)?;
            durable::rename(&self.previous(), &self.target)?;
        } else if self.path.symlink_metadata().is_err() {
            durable::rename(&self.target, &self.path)?;
        } else if !durable::exchange(&self.path, &self.target)? {
            let error = std::io::ErrorKind::Unsupported.into();
            return Err(StorageError::new("put back", &self.target, error));
        }
        durable::sync_dir(durable::parent(&self.target))
    }

    /// For file systems that cannot exchange: two renames, of which a killed second one is finished by recovery.
    fn swap_in_two(&self) -> Result<(), StorageError> {
        durable::rename(&self.target, &self.previous())?;
        durable::sync_dir(durable::parent(&self.path))?;
        durable::rename(&self.path, &self.target).inspect_err(|_| {
            // The old artifacts go back; if that fails too, recovery does it.
            durable::rename(&self.previous(), &self.target).ok();
        })
    }

    /// Links that an asset made with absolute paths would lead nowhere after the move.
    fn turn_links(&self, links: &[Other]) -> Result<(), StorageError> {
        for other in links {
            let link = self.path.as_std_path().join(&other.relative);
            let Ok(target) = fs_err::read_link(&link) else { continue };
            let Ok(inner) = target.strip_prefix(&self.path) else { continue };
            let Some(link) = Utf8Path::from_path(&link) else { continue };
            let moved = self.target.as_std_path().join(inner);
            durable::remove(link)?;
            fs_err::os::unix::fs::symlink(moved, link).map_err(StorageError::of("write", link))?;
        }
        Ok(())
    }

    /// Finishes or rolls back what a killed run left; whether a commit was finished.
    fn recover(&self) -> Result<bool, StorageError> {
        let mut finished = false;
        if self.target.symlink_metadata().is_err() && self.previous().symlink_metadata().is_ok() {
            finished = self.is_new(&self.path);
            let whole = if finished { &self.path } else { &self.previous() };
            durable::rename(whole, &self.target)?;
            durable::sync_dir(durable::parent(&self.target))?;
        }
        Ok(finished)
    }
}

/// The artifacts of a run that has not succeeded yet, in `.alo/staging/<run>/<kind>_artifacts/`.
///
/// Dropped without [`commit`](Self::commit) they are removed, and the current artifacts are what they were.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let root = camino::Utf8PathBuf::try_from(dir.path().to_owned())?;
/// use alo_artifacts::{ProjectLayout, RunId, StagedArtifacts};
/// use alo_plan::PipelineKind;
///
/// let project = ProjectLayout::new(root);
/// let run = RunId::generate(jiff::Timestamp::now(), "titanic");
/// let staged = StagedArtifacts::begin(&project, PipelineKind::Train, &run)?;
/// fs_err::write(staged.layout().models().join("model"), "weights")?;
/// staged.commit()?;
/// assert!(project.artifacts(PipelineKind::Train).models().join("model").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StagedArtifacts {
    staged: Staged,
    layout: ArtifactLayout,
}

/// What a killed run left in `.alo/staging`, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leftover {
    /// Unfinished artifacts, or old ones that were being removed: they are gone.
    Removed {
        /// The run's folder in `.alo/staging`.
        run: String,
    },
    /// A commit that was killed halfway: it is done.
    Finished {
        /// The run's folder in `.alo/staging`.
        run: String,
        /// Which artifacts.
        kind: PipelineKind,
    },
}

impl StagedArtifacts {
    /// Creates the empty folders of a pipeline's artifacts beside the current ones.
    pub fn begin(project: &ProjectLayout, kind: PipelineKind, run: &RunId) -> Result<Self, StagingError> {
        Self::check(project, kind)?;
        let folder = project.staging().join(run.as_str());
        let staged = Staged::begin(&folder, artifacts_name(kind), project.artifacts(kind).root().to_owned())?;
        let layout = ArtifactLayout::new(staged.place.path.clone());
        let staged = Self { staged, layout };
        staged.layout.create_all(kind)?;
        Ok(staged)
    }

    /// Checks that the artifacts of a pipeline can become current when they are made.
    pub fn check(project: &ProjectLayout, kind: PipelineKind) -> Result<(), StagingError> {
        let (state, target) = (project.state(), project.artifacts(kind).root().to_owned());
        if target.is_symlink() {
            return Err(StagingError::Link { path: target });
        }
        let device = |path: &Utf8Path| {
            let found = path.ancestors().find_map(|path| fs_err::metadata(path).ok());
            found.map(|meta| meta.dev())
        };
        if device(&state) != device(&target) {
            return Err(StagingError::OtherDisk { staging: state, target });
        }
        Ok(())
    }

    /// Where the artifacts of a run lie before it has succeeded, whether or not they are there yet.
    pub fn layout_of(project: &ProjectLayout, kind: PipelineKind, run: &RunId) -> ArtifactLayout {
        ArtifactLayout::new(project.staging().join(run.as_str()).join(artifacts_name(kind)))
    }

    /// The folders to write to.
    pub fn layout(&self) -> &ArtifactLayout {
        &self.layout
    }

    /// Makes these artifacts the current ones in one step and removes the old ones.
    ///
    /// When this fails the old ones are still current.
    pub fn commit(self) -> Result<(), StagingError> {
        self.staged.swap()
        // Dropping removes what now lies in the staging folder: the old artifacts.
    }

    /// [`commit`](Self::commit) together with the models that the run was made with: both become current, or neither.
    pub(crate) fn commit_with(mut self, models: &mut StagedModels) -> Result<(), StagingError> {
        models.commit_with(&mut self.staged)
    }

    /// The logs of a run that was killed before its artifacts became current.
    pub(crate) fn unfinished(
        project: &ProjectLayout,
        kind: PipelineKind,
        run: &RunId,
    ) -> Option<ArtifactLayout> {
        let path = project.staging().join(run.as_str()).join(artifacts_name(kind));
        let place = Place { path, target: project.artifacts(kind).root().to_owned() };
        place.is_new(&place.path).then(|| ArtifactLayout::new(place.path))
    }

    /// Finishes or rolls back what killed runs left. The project must be locked.
    pub fn recover(project: &ProjectLayout) -> Result<Vec<Leftover>, StagingError> {
        let staging = project.staging();
        if staging.is_symlink() {
            // Not made by us: what it leads to is not ours to clear.
            durable::remove(&staging)?;
            return Ok(Vec::new());
        }
        let entries = match fs_err::read_dir(&staging) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StorageError::new("list", staging, error).into()),
        };
        let mut leftovers = Vec::new();
        for entry in entries {
            let entry = entry.map_err(StorageError::of("list", &staging))?;
            let run = entry.file_name().to_string_lossy().into_owned();
            let folder = staging.join(&run);
            let mut removed = true;
            for kind in PipelineKind::ALL {
                let target = project.artifacts(kind).root().to_owned();
                if (Place { path: folder.join(artifacts_name(kind)), target }).recover()? {
                    leftovers.push(Leftover::Finished { run: run.clone(), kind });
                    removed = false;
                }
            }
            StagedModels::recover(project, &folder)?;
            durable::remove_std(&entry.path())?;
            if removed {
                leftovers.push(Leftover::Removed { run });
            }
        }
        Ok(leftovers)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let place = &self.place;
        let is_half = place.target.symlink_metadata().is_err() && place.previous().symlink_metadata().is_ok();
        if self.left || is_half {
            return;
        }
        // Whatever stays is removed by the next run.
        durable::remove(&place.path).ok();
        durable::remove(&place.previous()).ok();
        durable::remove(&place.mark()).ok();
        if let Some(folder) = place.path.parent() {
            fs_err::remove_dir(folder).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, ProjectLayout, RunId) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        (dir, ProjectLayout::new(root), RunId::new(jiff::Timestamp::UNIX_EPOCH, 1, "x"))
    }

    fn staged(project: &ProjectLayout, run: &RunId, model: &str) -> StagedArtifacts {
        let staged = StagedArtifacts::begin(project, PipelineKind::Train, run).expect("staged");
        fs_err::write(staged.layout().models().join("m"), model).expect("written");
        staged
    }

    fn model(project: &ProjectLayout) -> String {
        fs_err::read_to_string(project.artifacts(PipelineKind::Train).models().join("m")).expect("read")
    }

    #[test]
    fn a_commit_replaces_everything_and_leaves_no_trace() {
        let (_dir, project, run) = project();
        staged(&project, &run, "one").commit().expect("committed");
        fs_err::write(project.artifacts(PipelineKind::Train).output().join("old.csv"), "").expect("written");
        staged(&project, &run, "two").commit().expect("committed");
        assert_eq!(model(&project), "two");
        assert!(!project.artifacts(PipelineKind::Train).output().join("old.csv").exists());
        assert_eq!(fs_err::read_dir(project.staging()).expect("listed").count(), 0);
    }

    #[test]
    fn without_a_commit_the_old_model_stays() {
        let (_dir, project, run) = project();
        staged(&project, &run, "one").commit().expect("committed");
        drop(staged(&project, &run, "two"));
        assert_eq!(model(&project), "one");
        assert_eq!(fs_err::read_dir(project.staging()).expect("listed").count(), 0);
    }

    #[test]
    fn leftovers_of_a_killed_run_are_removed() {
        let (_dir, project, run) = project();
        staged(&project, &run, "one").commit().expect("committed");
        std::mem::forget(staged(&project, &run, "two"));
        assert!(StagedArtifacts::unfinished(&project, PipelineKind::Train, &run).is_some());
        let leftovers = StagedArtifacts::recover(&project).expect("recovered");
        assert_eq!(leftovers, [Leftover::Removed { run: run.to_string() }]);
        assert_eq!(model(&project), "one");
    }

    #[test]
    fn a_kill_after_the_exchange_keeps_the_new_model() {
        let (_dir, project, run) = project();
        staged(&project, &run, "one").commit().expect("committed");
        let two = staged(&project, &run, "two");
        two.staged.swap().expect("swapped");
        std::mem::forget(two);
        assert!(StagedArtifacts::unfinished(&project, PipelineKind::Train, &run).is_none());
        StagedArtifacts::recover(&project).expect("recovered");
        assert_eq!(model(&project), "two");
        assert_eq!(StagedArtifacts::recover(&project).expect("recovered"), []);
    }

    #[test]
    fn a_kill_between_the_two_renames_is_finished() {
        let (_dir, project, run) = project();
        staged(&project, &run, "one").commit().expect("committed");
        let two = staged(&project, &run, "two");
        durable::rename(&two.staged.place.target, &two.staged.place.previous()).expect("renamed");
        std::mem::forget(two);
        let leftovers = StagedArtifacts::recover(&project).expect("recovered");
        assert_eq!(leftovers, [Leftover::Finished { run: run.to_string(), kind: PipelineKind::Train }]);
        assert_eq!(model(&project), "two");
    }

    #[test]
    fn the_two_renames_do_what_the_exchange_does() {
        let (_dir, project, run) = project();
        staged(&project, &run, "one").commit().expect("committed");
        let two = staged(&project, &run, "two");
        two.staged.place.swap_in_two().expect("swapped");
        drop(two);
        assert_eq!(model(&project), "two");
        assert_eq!(fs_err::read_dir(project.staging()).expect("listed").count(), 0);
    }

    #[test]
    fn links_with_absolute_paths_move_along() {
        let (_dir, project, run) = project();
        let one = staged(&project, &run, "one");
        let models = one.layout().models();
        fs_err::os::unix::fs::symlink(models.join("m"), models.join("latest")).expect("linked");
        one.commit().expect("committed");
        let latest = project.artifacts(PipelineKind::Train).models().join("latest");
        assert_eq!(fs_err::read_to_string(latest).expect("it leads somewhere"), "one");
    }

    #[test]
    fn a_link_in_place_of_the_staging_folder_is_not_followed() {
        let (_dir, project, _) = project();
        let kept = project.root().join("elsewhere/kept");
        durable::write(&kept, b"", Lasting::Kill).expect("written");
        durable::create_dir_all(&project.state()).expect("created");
        fs_err::os::unix::fs::symlink(project.root().join("elsewhere"), project.staging()).expect("linked");
        assert_eq!(StagedArtifacts::recover(&project).expect("recovered"), []);
        assert!(kept.exists() && !project.staging().is_symlink());
    }
}
