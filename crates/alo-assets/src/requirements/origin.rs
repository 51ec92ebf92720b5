//! Where a requirement is written.

use std::fmt;

use alo_plan::StepName;
use camino::Utf8PathBuf;

/// Where a requirement is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The step it belongs to.
    pub step: StepName,
    /// File and line (from 1); `None` is the plan itself.
    pub file: Option<(Utf8PathBuf, usize)>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some((file, line)) => write!(f, "{file}:{line}"),
            None => write!(f, "the requirements of step `{}` in the plan", self.step),
        }
    }
}
