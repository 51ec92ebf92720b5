//! What can be wrong with the requirements of a step.

use std::io;
use std::ops::Range;

use camino::Utf8PathBuf;
use pep508_rs::{Pep508Error, VerbatimUrl};

use super::origin::Origin;

/// Why the requirements of a step make no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequirementError {
    /// It is not written as PEP 508 or pip wants it.
    #[error("`{text}` in {origin} is no valid requirement: {reason}")]
    Syntax {
        /// The requirement without credentials.
        text: String,
        /// Where it is written.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
        /// The bytes of the text that are at fault.
        at: Range<usize>,
    },
    /// pip's option is not one that can be used here.
    #[error("`{option}` in {origin} is no option that a requirement can have")]
    Option {
        /// The option.
        option: String,
        /// Where it is written.
        origin: Origin,
    },
    /// A file that is named is not there.
    #[error("`{path}`, named in {origin}, does not exist")]
    Missing {
        /// The file or folder that was looked for.
        path: Utf8PathBuf,
        /// Where it is named.
        origin: Origin,
    },
    /// A file of this machine is not the one whose digest is asked for.
    #[error("`{path}`, named in {origin}, has another digest than the one beside it: sha256:{found}")]
    Digest {
        /// The file.
        path: Utf8PathBuf,
        /// Its SHA-256.
        found: String,
        /// Where it is named.
        origin: Origin,
    },
    /// A file cannot be read.
    #[error("failed to read `{path}`")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Requirements files name each other in a circle.
    #[error("`{path}`, named in {origin}, names itself in the end")]
    Circle {
        /// The file that is met again.
        path: Utf8PathBuf,
        /// Where it is named.
        origin: Origin,
    },
}

impl RequirementError {
    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            // What is wrong with an option or an address says what to write.
            Self::Syntax { text, .. } if text.contains(" -") || text.starts_with('-') || text.contains("://") => None,
            Self::Syntax { text, .. } => match text.split_once('=') {
                Some((name, version)) if !version.starts_with('=') && !name.ends_with(['<', '>', '!', '~', '=']) => {
                    Some(format!("did you mean `{name}=={version}`?"))
                }
                _ => Some("write it as for `pip install`, for example `pandas==1.5.3` or `scikit-learn>=1.3,<2`".to_owned()),
            },
            Self::Missing { path, .. } if path.file_name() == Some("requirements.txt") => Some(
                "the item `requirements.txt` means the file of that name beside the asset's code: add it, or remove the item"
                    .to_owned(),
            ),
            Self::Missing { .. } => Some("check the path".to_owned()),
            Self::Digest { .. } => {
                Some("if the file is the one that is meant, correct the digest".to_owned())
            }
            Self::Option { option, .. } if option == "--no-deps" => {
                Some("packages always come with what they need: leave it away".to_owned())
            }
            Self::Option { .. } | Self::Read { .. } | Self::Circle { .. } => None,
        }
    }

    /// A fault of the text as a whole.
    pub(super) fn syntax(text: &str, origin: &Origin, reason: String) -> Self {
        let text = crate::redact(text);
        Self::Syntax { at: 0..text.len(), text, origin: origin.clone(), reason }
    }

    /// A fault of that part of the text.
    pub(super) fn syntax_at(text: &str, part: &str, origin: &Origin, reason: String) -> Self {
        match Self::syntax(text, origin, reason) {
            // What is hidden in the text would make the place another.
            Self::Syntax { text: shown, origin, reason, at } if shown == text => {
                let found = text.find(part).map_or(at, |start| start..start + part.len());
                Self::Syntax { text: shown, origin, reason, at: found }
            }
            whole => whole,
        }
    }

    /// A fault that the parser of PEP 508 has found.
    pub(super) fn not_pep508(text: &str, origin: &Origin, error: &Pep508Error<VerbatimUrl>) -> Self {
        let whole = Self::syntax(text, origin, crate::redact(&error.message.to_string()));
        match whole {
            // What is hidden in the text would make the place another.
            Self::Syntax { text: shown, origin, reason, .. } if shown == text => {
                let start = error.start.min(text.len());
                let at = start..(start + error.len.max(1)).min(text.len()).max(start);
                Self::Syntax { text: shown, origin, reason, at }
            }
            whole => whole,
        }
    }
}
