//! Versions of Python, as asked for and as found.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A Python version: `3.10`, or with its third number `3.10.13`.
///
/// ```
/// use alo_assets::PythonVersion;
///
/// let asked: PythonVersion = "3.10".parse()?;
/// let found: PythonVersion = "3.10.13".parse()?;
/// assert!(found.satisfies(asked));
/// # Ok::<(), alo_assets::PythonVersionError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PythonVersion {
    /// 3.
    pub major: u16,
    /// 8 to 13 for the versions that run assets.
    pub minor: u16,
    /// The third number; `None` in a request means any.
    pub patch: Option<u16>,
}

/// A text that is no Python version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no Python version such as `3.10` or `3.10.13`")]
pub struct PythonVersionError(String);

impl PythonVersion {
    /// What a plan means that says nothing (the rule of the manual).
    pub const DEFAULT: Self = Self { major: 3, minor: 10, patch: None };

    /// Whether this version is one of those asked for.
    pub fn satisfies(self, asked: Self) -> bool {
        (self.major, self.minor) == (asked.major, asked.minor)
            && asked.patch.is_none_or(|patch| self.patch == Some(patch))
    }

    /// Whether assets run on it: 3.8 to 3.13.
    pub fn is_supported(self) -> bool {
        self.major == 3 && (8..=13).contains(&self.minor)
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.patch {
            Some(patch) => write!(f, ".{patch}"),
            None => Ok(()),
        }
    }
}

impl FromStr for PythonVersion {
    type Err = PythonVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.trim().split('.').map(|number| number.parse::<u16>().ok());
        let version = match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
            (Some(Some(major)), Some(Some(minor)), None, None) => Some(Self { major, minor, patch: None }),
            (Some(Some(major)), Some(Some(minor)), Some(Some(patch)), None) => {
                Some(Self { major, minor, patch: Some(patch) })
            }
            _ => None,
        };
        version.ok_or_else(|| PythonVersionError(text.to_owned()))
    }
}

impl TryFrom<String> for PythonVersion {
    type Error = PythonVersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PythonVersion> for String {
    fn from(version: PythonVersion) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_two_or_three_numbers_and_nothing_else() {
        for text in ["3.10", "3.10.13"] {
            assert_eq!(text.parse::<PythonVersion>().unwrap().to_string(), text);
        }
        for text in ["", "3", "3.", "3.x", "3.10.1.2", "python3.10", "3.10rc1"] {
            assert!(text.parse::<PythonVersion>().is_err(), "{text}");
        }
    }
}
