//! Guesses what the indexes will answer, and installs it while they are asked.
//!
//! What the installer's cache knows of the indexes is nearly always what they still say, and to ask them takes about as long as
//! to install. So the packages are decided on twice at the same time: by the indexes, whose answer alone counts, and by the cache,
//! whose answer is installed into the [`Spare`]. If both are the same, the environment is there as soon as its name is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::key;
use super::record::{Environment, Look};
use super::spare::Spare;
use crate::Machine;
use crate::cache::Place;
use crate::guard::Guard;
use crate::installer::{InstallError, Installer, ResolveJob, Runner, Toolbox};
use crate::interpreter::Interpreter;
use crate::resolution::Resolution;

/// Decides on the packages by asking the installer; meanwhile a guess fills the spare environment, if there is one.
pub(crate) fn resolve_beside_guess(
    tools: &Toolbox<'_>,
    guard: &Guard,
    installer: &dyn Installer,
    job: &ResolveJob<'_>,
    runner: &mut Runner<'_>,
) -> Result<Resolution, InstallError> {
    let mut spare = tools.spare.borrow_mut();
    // A folder has no hash; and two at once would build in the same copy.
    let can_guess = !job.offline && job.requirements.folders().next().is_none();
    let Some(spare) = spare.as_mut().filter(|spare| spare.is_unfilled() && can_guess) else {
        return installer.resolve(job, runner);
    };
    let (guessed, is_wrong) = (OnceLock::new(), AtomicBool::new(false));
    let guess = Guess {
        machine: tools.machine,
        interpreter: tools.interpreter,
        guard,
        installer,
        job,
        guessed: &guessed,
        is_wrong: &is_wrong,
    };
    thread::scope(|scope| {
        // Without a thread there is no guess.
        let _ = thread::Builder::new().name("guess".to_owned()).spawn_scoped(scope, || guess.install(spare));
        let resolved = installer.resolve(job, runner);
        if !resolved.as_ref().is_ok_and(|resolved| guessed.get() == Some(resolved)) {
            is_wrong.store(true, Ordering::Relaxed);
        }
        resolved
    })
}

/// What a guess is made with.
struct Guess<'a> {
    machine: &'a Machine,
    interpreter: &'a Interpreter,
    guard: &'a Guard,
    installer: &'a dyn Installer,
    job: &'a ResolveJob<'a>,
    /// What is being installed.
    guessed: &'a OnceLock<Resolution>,
    /// It is not what is wanted, or comes too late.
    is_wrong: &'a AtomicBool,
}

impl Guess<'_> {
    /// Nothing that fails here is an error: then the packages are installed when they are decided on.
    fn install(&self, spare: &mut Spare) {
        let cancelled = || self.is_wrong.load(Ordering::Relaxed);
        let mut observer = |_| {};
        let python = &self.interpreter.executable;
        let mut runner = Runner::new(self.machine, self.guard, python, &cancelled, &mut observer);
        let scratch = self.job.scratch.join("guess");
        if fs_err::create_dir(&scratch).is_err() {
            return;
        }
        let job = ResolveJob { offline: true, scratch: &scratch, ..*self.job };
        let Ok(resolution) = self.installer.resolve(&job, &mut runner) else { return };
        // Without hashes one name may stand for several files.
        if !resolution.is_hashed() || self.is_there(&resolution) {
            return;
        }
        let _ = self.guessed.set(resolution.clone());
        spare.fill(resolution, self.job.requirements, self.installer, &scratch, &mut runner);
    }

    /// Whether the cache has that environment.
    fn is_there(&self, resolution: &Resolution) -> bool {
        key::of(self.interpreter, resolution).is_ok_and(|key| {
            let folder = Place::Environment { key: key.clone() }.folder(&self.machine.cache);
            matches!(Environment::look(&folder, &key), Look::Whole(_))
        })
    }
}
