//! Installers of packages, behind one trait: uv where it is on the path, else pip.
//!
//! Requirements are resolved first, then exactly what that gave is installed: so a set of packages has a name before it
//! is built, and can be kept in `alo.lock`.

mod choice;
mod failure;
mod index_status;
mod pinned_uv;
mod pip;
mod pip_settings;
mod run;
mod running;
mod toolbox;
mod uv;
mod uv_version;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

pub use choice::{InstallerChoice, InstallerChoiceError};
pub use failure::{FailureReason, InstallError};
pub(crate) use pip::Pip;
pub(crate) use run::Runner;
pub(crate) use running::{RunError, Running};
pub(crate) use toolbox::Toolbox;
pub(crate) use uv::Uv;

use crate::interpreter::Interpreter;
use crate::requirements::RequirementSet;
use crate::resolution::Resolution;

/// Whether the folder of a tool in the cache is whole.
pub(crate) fn is_whole_tool(folder: &Utf8Path) -> bool {
    [pinned_uv::PROGRAM, pip::MARKER].iter().any(|mark| folder.join(mark).is_file())
}

/// What is to be resolved.
#[derive(Clone, Copy)]
pub(crate) struct ResolveJob<'a> {
    /// The interpreter that the packages are for.
    pub(crate) interpreter: &'a Interpreter,
    /// What the environment is to hold.
    pub(crate) requirements: &'a RequirementSet,
    /// Packages whose versions are kept where the requirements allow it.
    pub(crate) preferences: &'a Resolution,
    /// The indexes as they stood then.
    pub(crate) as_of: Option<Timestamp>,
    /// Whether nothing is fetched.
    pub(crate) offline: bool,
    /// Whether folders are built where they lie: what the installer has built of them before does not count.
    pub(crate) is_in_place: bool,
    /// A private folder for files the installer reads and writes; the caller removes it.
    pub(crate) scratch: &'a Utf8Path,
}

/// What is to be installed, and where.
#[derive(Clone, Copy)]
pub(crate) struct InstallJob<'a> {
    /// The interpreter inside the environment.
    pub(crate) python: &'a Utf8Path,
    /// The exact packages.
    pub(crate) resolution: &'a Resolution,
    /// What they were resolved from: indexes, and credentials of URLs.
    pub(crate) requirements: &'a RequirementSet,
    /// Whether nothing is fetched.
    pub(crate) offline: bool,
    /// Whether folders are built where they lie: what the installer has built of them before does not count.
    pub(crate) is_in_place: bool,
    /// Whether packages that are there are installed over, and not from what the installer has kept of them.
    pub(crate) is_afresh: bool,
    /// A private folder for files the installer reads; the caller removes it.
    pub(crate) scratch: &'a Utf8Path,
}

/// How an empty environment is made.
#[derive(Debug)]
pub(crate) struct Creation {
    program: Utf8PathBuf,
    arguments: Vec<String>,
    /// Whether the environment may be moved before anything is installed into it.
    pub(crate) is_movable: bool,
}

impl Creation {
    /// Starts making it, in the working folder `scratch`.
    pub(crate) fn begin(&self, scratch: &Utf8Path, runner: &mut Runner<'_>) -> Result<Running, RunError> {
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        runner.begin(&self.program, &arguments, scratch)
    }

    /// Makes it.
    pub(crate) fn run(&self, scratch: &Utf8Path, runner: &mut Runner<'_>) -> Result<(), RunError> {
        self.begin(scratch, runner)?.wait(runner.cancelled, &mut |_| {}).map(drop)
    }
}

/// Finds packages and installs them into environments.
pub(crate) trait Installer: Sync {
    /// The program's name, for people.
    fn name(&self) -> &'static str;

    /// The exact packages that the requirements come to.
    fn resolve(&self, job: &ResolveJob<'_>, runner: &mut Runner<'_>) -> Result<Resolution, InstallError>;

    /// What makes an empty environment in a folder that holds at most files of alo.
    fn creation(&self, interpreter: &Interpreter, folder: &Utf8Path) -> Creation;

    /// Installs exactly these packages; byte-code is made afterwards, see `finishing`.
    fn install(&self, job: &InstallJob<'_>, runner: &mut Runner<'_>) -> Result<(), InstallError>;
}
