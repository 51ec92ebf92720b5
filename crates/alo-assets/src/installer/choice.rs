//! Which installer works: what the user has chosen, else the best that is there.

use std::fmt;
use std::str::FromStr;

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
