//! What is asked for with `--python`: a version, or an interpreter by its path.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use camino::Utf8PathBuf;

use super::{PythonVersion, PythonVersionError};

/// A wish for an interpreter: `3.10`, `3.10.13`, or the path of one.
///
/// ```
/// use alo_assets::PythonRequest;
///
/// assert!(matches!("3.11".parse(), Ok(PythonRequest::Version(_))));
/// assert!(matches!("/opt/python/bin/python3".parse(), Ok(PythonRequest::Path(_))));
/// assert!("three".parse::<PythonRequest>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PythonRequest {
    /// Any interpreter of that version.
    Version(PythonVersion),
    /// This interpreter, by an absolute path.
    Path(Utf8PathBuf),
}

impl From<PythonVersion> for PythonRequest {
    fn from(version: PythonVersion) -> Self {
        Self::Version(version)
    }
}

impl fmt::Display for PythonRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Path(path) => write!(f, "`{path}`"),
        }
    }
}

impl FromStr for PythonRequest {
    type Err = PythonVersionError;

    /// Whatever holds a `/` is a path; a relative one is not made absolute.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('/') {
            let path: Result<_, Infallible> = text.parse();
            return Ok(path.map_or_else(|never| match never {}, Self::Path));
        }
        text.parse().map(Self::Version)
    }
}
