//! An environment that is made while its packages are still being decided on.
//!
//! Its name is known only with its packages, so it is made beside the others and moved to its place later: empty, or with what
//! the [`guess`](super::guess) has put into it. One alo process at a time makes one for an interpreter; another goes without.

use camino::{Utf8Path, Utf8PathBuf};

use super::record::python_in;
use crate::cache::Place;
use crate::digest;
use crate::installer::{Creation, InstallJob, Installer, Runner, Running, Toolbox};
use crate::key_lock::KeyLock;
use crate::requirements::RequirementSet;
use crate::resolution::Resolution;

/// An environment in the making. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Spare {
    content: Content,
    folder: Utf8PathBuf,
    /// Keeps others, and those who clean up, from the folder.
    _lock: KeyLock,
}

/// What lies in the folder.
#[derive(Debug)]
enum Content {
    /// An environment that is being made.
    Coming(Running),
    /// An environment with exactly these packages.
    Packages(Resolution),
    /// Something that was not finished.
    Rubbish,
}

/// What was moved to the place of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// Nothing.
    Nothing,
    /// An environment without packages.
    Empty,
    /// The environment with all its packages.
    Whole,
}

impl Spare {
    /// Begins to make one, unless there is one, or environments cannot be moved. Without it the environment is made when its
    /// name is known: so nothing that fails here is an error.
    pub(crate) fn begin(tools: &Toolbox<'_>, installer: &dyn Installer, runner: &mut Runner<'_>) {
        let mut spare = tools.spare.borrow_mut();
        if spare.is_none() {
            *spare = Self::new(tools, installer, runner);
        }
    }

    fn new(tools: &Toolbox<'_>, installer: &dyn Installer, runner: &mut Runner<'_>) -> Option<Self> {
        let cache = &tools.machine.cache;
        let name = format!("spare-{:.16}", digest::of_text(tools.interpreter.executable.as_str()));
        let place = Place::Environment { key: name };
        let folder = place.folder(cache);
        let creation = installer.creation(tools.interpreter, &folder);
        if !creation.is_movable {
            return None;
        }
        let lock = KeyLock::try_acquire(cache, &place.maker_lock()).ok()??;
        // What a killed process has left.
        remove(&folder);
        let making = begin(&creation, &folder, runner)?;
        Some(Self { content: Content::Coming(making), folder, _lock: lock })
    }

    /// Whether nothing was installed into it yet.
    pub(super) fn is_unfilled(&self) -> bool {
        matches!(self.content, Content::Coming(_))
    }

    /// Waits until it is made and installs these packages from what the installer has in its cache.
    pub(super) fn fill(
        &mut self,
        resolution: Resolution,
        requirements: &RequirementSet,
        installer: &dyn Installer,
        scratch: &Utf8Path,
        runner: &mut Runner<'_>,
    ) {
        let Content::Coming(making) = std::mem::replace(&mut self.content, Content::Rubbish) else { return };
        if making.wait(runner.cancelled, &mut |_| {}).is_err() {
            return;
        }
        let python = python_in(&self.folder);
        let job = InstallJob {
            python: &python,
            resolution: &resolution,
            requirements,
            offline: true,
            is_in_place: false,
            is_afresh: false,
            scratch,
        };
        if installer.install(&job, runner).is_ok() {
            self.content = Content::Packages(resolution);
        }
    }

    /// Waits for it and moves it to `place`, which must be free, if that is to hold what is in it.
    pub(super) fn take_place(mut self, place: &Utf8Path, wanted: &Resolution, runner: &Runner<'_>) -> Moved {
        let moved = match std::mem::replace(&mut self.content, Content::Rubbish) {
            Content::Coming(making) => {
                making.wait(runner.cancelled, &mut |_| {}).map_or(Moved::Nothing, |_| Moved::Empty)
            }
            Content::Packages(packages) if packages == *wanted => Moved::Whole,
            Content::Packages(_) | Content::Rubbish => Moved::Nothing,
        };
        let is_moved = moved != Moved::Nothing && fs_err::rename(&self.folder, place).is_ok();
        if is_moved { moved } else { Moved::Nothing }
    }
}

fn begin(creation: &Creation, folder: &Utf8Path, runner: &mut Runner<'_>) -> Option<Running> {
    fs_err::create_dir_all(folder).ok()?;
    creation.begin(folder, runner).ok()
}

impl Drop for Spare {
    fn drop(&mut self) {
        // What makes it ends before its folder goes.
        self.content = Content::Rubbish;
        remove(&self.folder);
    }
}

fn remove(folder: &Utf8Path) {
    // What stays is removed by the next one, or when the cache is pruned.
    let _ = fs_err::remove_dir_all(folder);
}
