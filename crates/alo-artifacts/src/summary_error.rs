//! Why a summary is refused.

use camino::Utf8PathBuf;

use crate::storage_error::StorageError;

/// A value that a summary cannot hold, or a summary that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SummaryError {
    /// A value of a wrong type.
    #[error("`{field}` must be {expected}, not `{text}` ({type_name})")]
    Type {
        /// `result`, `score`, `note` or `probability`.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
        /// The type of what was given.
        type_name: String,
        /// What was given.
        text: String,
    },
    /// A text that is too long.
    #[error("`{field}` has {length} characters, more than {most}")]
    TooLong {
        /// `result` or `note`.
        field: &'static str,
        /// Its characters.
        length: usize,
        /// The limit.
        most: usize,
    },
    /// A score that is no number from 0 to 1.
    #[error("`score` must be from 0 to 1, not {text}")]
    Score {
        /// What was given.
        text: String,
    },
    /// A label whose value is no probability.
    #[error("`probability` of `{label}` must be a number from 0 to 1, not {text}")]
    Probability {
        /// The label.
        label: String,
        /// What was given.
        text: String,
    },
    /// Probabilities that do not add up to 1.
    #[error("`probability` must add up to 1, not {sum}")]
    Sum {
        /// The sum, with up to four decimals.
        sum: String,
    },
    /// The file.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file that holds no summary.
    #[error("understand the summary `{path}`: {fault}")]
    Content {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        fault: String,
    },
}

impl SummaryError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Type { field: "result" | "note", .. } => Some("convert it with `str(…)`".into()),
            Self::Type { field: "score", .. } => Some("convert it with `float(…)`".into()),
            Self::Type { .. } => Some("give a dict such as `{'OK': 0.6, 'NG': 0.4}`".into()),
            Self::TooLong { field: "result", .. } => {
                Some("move the details to `note` or to a file in the output folder".into())
            }
            Self::TooLong { .. } => Some("write the details to a file in the output folder".into()),
            Self::Score { .. } | Self::Probability { .. } | Self::Sum { .. } => {
                Some("divide by the total, so that 1 stands for certainty".into())
            }
            Self::Storage(error) => error.hint(),
            Self::Content { .. } => None,
        }
    }
}
