//! Why a folder cannot be taken as it is.

use camino::Utf8PathBuf;

use crate::storage_error::StorageError;

/// A folder that cannot be taken as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// Something could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A link leads out of the folder.
    #[error("the link `{path}` leads out of its folder, to `{target}`")]
    LinkOut {
        /// The link.
        path: Utf8PathBuf,
        /// Where it leads.
        target: String,
    },
    /// A link leads nowhere.
    #[error("the link `{path}` leads nowhere")]
    LinkBroken {
        /// The link.
        path: Utf8PathBuf,
    },
    /// A link leads back to a folder it lies in.
    #[error("the link `{path}` leads back to a folder that contains it")]
    LinkLoop {
        /// The link.
        path: Utf8PathBuf,
    },
    /// A device, socket or pipe.
    #[error("`{path}` is {what}, not a file")]
    Special {
        /// The thing.
        path: Utf8PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A name that is not UTF-8.
    #[error("the name of `{path}` is not UTF-8")]
    Name {
        /// The path, with the odd bytes replaced.
        path: String,
    },
    /// Nested too deep, or too many entries.
    #[error("`{path}` is nested too deep or holds too many files")]
    TooBig {
        /// Where the limit was reached.
        path: Utf8PathBuf,
    },
}

impl TreeError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::LinkOut { path, target } => {
                Some(format!("replace `{path}` by a copy, or name `{target}` itself in the plan"))
            }
            Self::LinkBroken { path } | Self::LinkLoop { path } | Self::Special { path, .. } => {
                Some(format!("remove `{path}` from the folder"))
            }
            Self::Name { .. } => Some("rename it; `convmv -f cp949 -t utf8` converts Korean names".into()),
            Self::TooBig { .. } => None,
        }
    }
}
