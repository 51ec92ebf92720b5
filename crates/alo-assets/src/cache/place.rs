//! Where things lie in the cache, and the names of the locks that guard them.

use camino::{Utf8Path, Utf8PathBuf};

/// Names of what is being deleted begin so; nothing looks for anything below such a name.
pub(crate) const TRASH: &str = ".trash-";

/// The folder of environments.
pub(crate) const ENVIRONMENTS: &str = "envs";
/// The folder of checkouts: one folder for each repository in it.
pub(crate) const CHECKOUTS: &str = "git/checkouts";
/// The folder of mirrors.
pub(crate) const MIRRORS: &str = "git/mirrors";
/// The folder of tools.
pub(crate) const TOOLS: &str = "tools";

/// Ends the name of a mirror whose objects are named by SHA-256.
pub(crate) const WIDE: &str = ".sha256";

/// A folder of the cache that is made, used and removed as a whole. It need not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A Python environment.
    Environment {
        /// What tells it from others.
        key: String,
    },
    /// The files of one commit.
    Checkout {
        /// The short name of its repository.
        repository: String,
        /// The commit.
        commit: String,
    },
    /// What was fetched from one URL.
    Mirror {
        /// The short name of the repository.
        repository: String,
        /// Whether its objects are named by SHA-256.
        is_wide: bool,
    },
    /// An installer of alo's own.
    Tool {
        /// Its name and what tells it from others.
        name: String,
    },
}

impl Place {
    /// Its folder below `cache`.
    pub(crate) fn folder(&self, cache: &Utf8Path) -> Utf8PathBuf {
        match self {
            Self::Environment { key } => cache.join(ENVIRONMENTS).join(key),
            Self::Checkout { repository, commit } => cache.join(CHECKOUTS).join(repository).join(commit),
            Self::Mirror { repository, is_wide: false } => cache.join(MIRRORS).join(repository),
            Self::Mirror { repository, is_wide: true } => {
                cache.join(MIRRORS).join(format!("{repository}{WIDE}"))
            }
            Self::Tool { name } => cache.join(TOOLS).join(name),
        }
    }

    /// The name of the lock of whoever makes it, changes it or removes it.
    pub(crate) fn maker_lock(&self) -> String {
        match self {
            Self::Environment { key } => format!("env-{key}"),
            Self::Checkout { repository, .. } | Self::Mirror { repository, .. } => {
                format!("git-{repository}")
            }
            Self::Tool { name } => name.clone(),
        }
    }

    /// The name of the lock that all who use it share.
    pub(super) fn user_lock(&self) -> String {
        match self {
            Self::Environment { key } => format!("use-{key}"),
            Self::Checkout { repository, commit } => format!("use-code-{repository}-{commit}"),
            Self::Mirror { repository, .. } => format!("use-git-{repository}"),
            Self::Tool { name } => format!("use-{name}"),
        }
    }
}
