//! An empty environment that is made while the packages are still being decided on.
//!
//! Its name is known only with its packages, so it is made beside the others and moved to its place before anything is installed.
//! One alo process at a time makes one for an interpreter; another goes without.

use camino::{Utf8Path, Utf8PathBuf};

use crate::cache::Place;
use crate::digest;
use crate::installer::{Creation, Installer, Runner, Running, Toolbox};
use crate::key_lock::KeyLock;

/// An empty environment in the making. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Spare {
    /// Gone once it was waited for.
    making: Option<Running>,
    folder: Utf8PathBuf,
    /// Keeps others, and those who clean up, from the folder.
    _lock: KeyLock,
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
        Some(Self { making: Some(making), folder, _lock: lock })
    }

    /// Waits for it and moves it to `place`, which must be free. Tells whether it is there.
    pub(super) fn take_place(mut self, place: &Utf8Path, runner: &Runner<'_>) -> bool {
        let made = self.making.take().map(|making| making.wait(runner.cancelled, &mut |_| {}));
        matches!(made, Some(Ok(_))) && fs_err::rename(&self.folder, place).is_ok()
    }
}

fn begin(creation: &Creation, folder: &Utf8Path, runner: &mut Runner<'_>) -> Option<Running> {
    fs_err::create_dir_all(folder).ok()?;
    creation.begin(folder, runner).ok()
}

impl Drop for Spare {
    fn drop(&mut self) {
        // It ends before its folder goes.
        self.making = None;
        remove(&self.folder);
    }
}

fn remove(folder: &Utf8Path) {
    // What stays is removed by the next one, or when the cache is pruned.
    let _ = fs_err::remove_dir_all(folder);
}
