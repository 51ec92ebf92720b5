//! Installers of packages, behind one trait: uv where it is on the path, else pip.

mod choice;
mod failure;
mod pip;
mod run;
mod uv;

use camino::Utf8Path;

pub use choice::{InstallerChoice, InstallerChoiceError};
pub use failure::{FailureReason, InstallError};
pub(crate) use pip::Pip;
pub(crate) use run::{RunError, Runner};
pub(crate) use uv::Uv;

use crate::requirements::RequirementSet;

/// What is to be installed, and where.
pub(crate) struct Job<'a> {
    /// The interpreter inside the environment.
    pub(crate) python: &'a Utf8Path,
    /// What the environment is to hold.
    pub(crate) requirements: &'a RequirementSet,
    /// A private folder for files the installer reads; the caller removes it.
    pub(crate) scratch: &'a Utf8Path,
}

/// Installs packages into an environment that has none.
pub(crate) trait Installer {
    /// The program's name, for people.
    fn name(&self) -> &'static str;

    /// Installs everything, byte-code included.
    fn install(&self, job: &Job<'_>, runner: &mut Runner<'_>) -> Result<(), InstallError>;
}
