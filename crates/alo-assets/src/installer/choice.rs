//! Which installer works: what the user has chosen, else the best that is there.

use std::fmt;
use std::str::FromStr;

use camino::{Utf8Path, Utf8PathBuf};

use super::pinned_uv::{self, Wheel};
use super::{InstallError, Runner, Uv, uv_version};
use crate::cache::CacheUse;
use crate::{Machine, SetupEvent};

/// The first uv with all that is asked of it (`UV_DEFAULT_INDEX`, `--no-project`, `pip compile --no-strip-extras`).
pub(super) const FIRST_UV: (u32, u32) = (0, 5);

/// What installs packages (`--installer`).
///
/// ```
/// use alo_assets::InstallerChoice;
///
/// assert_eq!("pip".parse(), Ok(InstallerChoice::Pip));
/// assert_eq!(InstallerChoice::default().to_string(), "auto");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum InstallerChoice {
    /// uv if it is there or can be fetched, else pip.
    #[default]
    Auto,
    /// uv; without it there is no installation.
    Uv,
    /// pip, even where uv is there.
    Pip,
}

/// A word that names no installer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no installer: choose `auto`, `uv` or `pip`")]
pub struct InstallerChoiceError(String);

impl fmt::Display for InstallerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Uv => "uv",
            Self::Pip => "pip",
        })
    }
}

impl FromStr for InstallerChoice {
    type Err = InstallerChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "uv" => Ok(Self::Uv),
            "pip" => Ok(Self::Pip),
            other => Err(InstallerChoiceError(other.to_owned())),
        }
    }
}

/// A uv that works.
#[derive(Debug)]
pub(super) struct FoundUv {
    /// The program.
    pub(super) program: Utf8PathBuf,
    /// Keeps alo's own in the cache.
    _in_use: Option<CacheUse>,
}

/// The uv to install with: the one that was named, else the one on the path, else alo's own. `None`: pip is to do it.
pub(super) fn find_uv(
    machine: &Machine,
    offline: bool,
    cancelled: &dyn Fn() -> bool,
    scratch: &Utf8Path,
    runner: &mut Runner<'_>,
) -> Result<Option<FoundUv>, InstallError> {
    let users = |program| Ok(Some(FoundUv { program, _in_use: None }));
    if machine.installer == InstallerChoice::Pip {
        return Ok(None);
    }
    if let Some(program) = &machine.uv {
        return match fault(machine, program, scratch, runner)? {
            None => users(program.clone()),
            Some(said) => Err(InstallError::NotUv { program: program.to_string(), said }),
        };
    }
    if let Some(program) = machine.program("uv") {
        let Some(said) = fault(machine, &program, scratch, runner)? else { return users(program) };
        (runner.observer)(SetupEvent::Warning { message: format!("`{program}` is left alone: {said}") });
    }
    let because = match machine.no_uv.get() {
        Some(because) => because.clone(),
        None => match own(machine, offline, cancelled, scratch, runner)? {
            Ok(found) => return Ok(Some(found)),
            Err(because) => machine.no_uv.get_or_init(|| because).clone(),
        },
    };
    if cancelled() {
        return Err(InstallError::Cancelled);
    }
    if machine.installer == InstallerChoice::Uv {
        return Err(InstallError::NoUv { because });
    }
    (runner.observer)(SetupEvent::InstallerFallback { because });
    Ok(None)
}

/// alo's own uv, or why there is none.
fn own(
    machine: &Machine,
    offline: bool,
    cancelled: &dyn Fn() -> bool,
    scratch: &Utf8Path,
    runner: &mut Runner<'_>,
) -> Result<Result<FoundUv, String>, InstallError> {
    let Some(wheel) = Wheel::for_this_machine() else {
        return Ok(Err("none is on PATH, and none is known for this kind of machine".to_owned()));
    };
    let mut found = match pinned_uv::program(machine, &wheel, offline, cancelled, runner.observer) {
        Ok(found) => found,
        Err(no) => return Ok(Err(format!("none is on PATH; {no}"))),
    };
    let mut said = fault(machine, &found.0, scratch, runner)?;
    if said.is_some() {
        match pinned_uv::repaired(&found.0, machine, &wheel, offline, cancelled, runner.observer) {
            Ok(None) => {}
            Ok(Some(whole)) => {
                found = whole;
                said = fault(machine, &found.0, scratch, runner)?;
            }
            Err(no) => return Ok(Err(format!("the one in `{}` is damaged; {no}", found.0))),
        }
    }
    let (program, in_use) = found;
    Ok(match said {
        None => Ok(FoundUv { program, _in_use: Some(in_use) }),
        Some(said) => Err(format!("the one that was fetched does not work here: {said}")),
    })
}

/// What is wrong with a program that is called uv; `None` if nothing is.
fn fault(
    machine: &Machine,
    program: &Utf8Path,
    scratch: &Utf8Path,
    runner: &mut Runner<'_>,
) -> Result<Option<String>, InstallError> {
    let ask = || Uv::new(program.to_owned(), machine).version(scratch, runner);
    let version = uv_version::of(program, &machine.cache, ask)?;
    Ok(match version {
        Some(version) if version >= FIRST_UV => None,
        Some((major, minor)) => {
            Some(format!("uv {major}.{minor} is older than {}.{}", FIRST_UV.0, FIRST_UV.1))
        }
        None => Some("it does not run as uv should".to_owned()),
    })
}
