//! What goes wrong with `alo.lock`.

use std::io;

use camino::Utf8PathBuf;

/// Why the pins cannot be read or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockfileError {
    /// The file cannot be read or written.
    #[error("failed to {action} `{path}`")]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file makes no sense.
    #[error("`{path}` is no lock file of alo")]
    Syntax {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_yaml::Error,
    },
    /// The file may not change, and the plan asks for another one.
    #[error("`alo.lock` may not change, but has steps that the plan no longer has: {}", .steps.join(", "))]
    Leftover {
        /// The steps, in backticks.
        steps: Vec<String>,
    },
    /// The file may not change, and packages would.
    #[error("`alo.lock` may not change, but {} would", .changes.join(", "))]
    Packages {
        /// What would change, in words.
        changes: Vec<String>,
    },
}

impl LockfileError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { .. } => Some(
                "restore the file from version control, or delete it to take every branch as it is now"
                    .to_owned(),
            ),
            Self::Leftover { .. } | Self::Packages { .. } => {
                Some("run without `--locked` once, and keep the `alo.lock` that results".to_owned())
            }
            Self::Io { .. } => None,
        }
    }
}
