//! Why there is no interpreter to work with.

use camino::Utf8PathBuf;

use super::{PythonVersion, Refusal};

/// As many candidates that do not run are named in advice.
const NAMED: usize = 4;

/// Why there is no interpreter to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterpreterError {
    /// The version asked for is not on this machine.
    #[error("there is no Python {asked} on this machine")]
    NotFound {
        /// The version asked for.
        asked: PythonVersion,
        /// Interpreters that were found instead, oldest first.
        found: Vec<(PythonVersion, Utf8PathBuf)>,
        /// Candidates that cannot be used, with what is wrong.
        refused: Vec<(Utf8PathBuf, Refusal)>,
    },
    /// There is none at all.
    #[error("there is no Python 3.8 to 3.13 on this machine")]
    None {
        /// Candidates that cannot be used, with what is wrong.
        refused: Vec<(Utf8PathBuf, Refusal)>,
    },
    /// The version asked for is one that assets do not run on.
    #[error("Python {asked} is not supported: assets run on Python 3.8 to 3.13")]
    Unsupported {
        /// The version asked for.
        asked: PythonVersion,
    },
    /// The interpreter that was named cannot be used.
    #[error("the Python at `{path}` {refusal}")]
    Refused {
        /// The interpreter.
        path: Utf8PathBuf,
        /// What is wrong with it.
        refusal: Refusal,
    },
}

impl InterpreterError {
    /// What to install or to ask for.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { found, refused, .. } if !found.is_empty() => {
                let found: Vec<_> =
                    found.iter().map(|(version, path)| format!("{version} (`{path}`)")).collect();
                format!("found {}: choose one of them with `--python`{}", found.join(", "), named(refused))
            }
            Self::NotFound { asked, refused, .. } => {
                format!("install Python {asked} and put it on PATH{}", named(refused))
            }
            Self::None { refused } => match &refused[..] {
                [(path, refusal)] => format!("`{path}` {refusal}; {}", refusal.hint()),
                refused => format!("install Python 3.10 and put it on PATH{}", named(refused)),
            },
            Self::Unsupported { .. } => "choose one of 3.8 to 3.13 with `--python`".to_owned(),
            Self::Refused { refusal, .. } => refusal.hint(),
        })
    }
}

fn named(refused: &[(Utf8PathBuf, Refusal)]) -> String {
    let named = refused.iter().take(NAMED).map(|(path, refusal)| format!("; `{path}` {refusal}"));
    let more = refused.len().saturating_sub(NAMED);
    let rest = if more == 0 { String::new() } else { format!("; {more} more cannot be used") };
    named.collect::<String>() + &rest
}
