//! What goes wrong with git repositories.

use std::io;

use camino::Utf8PathBuf;

use super::object_id::CommitId;
use super::reference::GitRef;
use super::submodule::SubmoduleError;
use super::transport_error::TransportError;
use super::unsupported::Unsupported;
use super::url::GitUrlError;
use crate::interpreter::InterpreterError;
use crate::key_lock::LockError;
use crate::unpack::UnpackError;

/// What to do where the git program is missing.
const INSTALL: &str = "install git (`apt install git`, `dnf install git`, `brew install git`), \
                       or name a folder with a clone of the repository";
/// What to do where git does not trust a folder.
const OWNER: &str =
    "the repository belongs to another user: add it to `safe.directory` of your git configuration";

/// Why the code of a git repository could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The server could not be talked to, or refused.
    #[error("failed to fetch `{url}`")]
    Transport {
        /// The URL without credentials.
        url: String,
        /// What happened.
        #[source]
        source: TransportError,
    },
    /// Only the git program can fetch it, and there is none.
    #[error("the git program is needed for `{url}` and is not on the search path: {why}")]
    NoProgram {
        /// The URL without credentials.
        url: String,
        /// What libgit2 cannot do.
        why: Unsupported,
    },
    /// git has no such remote helper.
    #[error("`{url}` needs the program `git-remote-{helper}`, which is not on the search path")]
    NoHelper {
        /// The URL without credentials.
        url: String,
        /// The helper.
        helper: String,
    },
    /// There is no Python to start the git program safely.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    /// alo's own files for starting the git program could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A local repository is not there.
    #[error("`{path}` is no git repository")]
    NoRepository {
        /// Where it was looked for.
        path: Utf8PathBuf,
    },
    /// The repository has no commit.
    #[error("the repository `{url}` is empty")]
    Empty {
        /// The URL without credentials.
        url: String,
    },
    /// The plan names no branch, and the repository's `HEAD` one that it does not have.
    #[error("the repository `{url}` has no default branch: its `HEAD` names one that is not there")]
    NoDefault {
        /// The URL without credentials.
        url: String,
        /// The branches that it has, the first of them.
        branches: Vec<String>,
    },
    /// The repository has no branch, tag or commit of that name.
    #[error("the repository `{url}` has no branch, tag or commit `{reference}`")]
    NoReference {
        /// The URL without credentials.
        url: String,
        /// What the plan asks for.
        reference: GitRef,
        /// Branches and tags of similar names.
        near: Vec<String>,
    },
    /// A recorded commit is no longer in the repository.
    #[error("the repository `{url}` no longer has the commit `{commit}`")]
    NoCommit {
        /// The URL without credentials.
        url: String,
        /// The commit that `alo.lock` names.
        commit: CommitId,
    },
    /// What is needed is not in the cache, and no network may be used.
    #[error("{} of `{url}` is not in the cache", shown(.reference.as_ref()))]
    Offline {
        /// The URL without credentials.
        url: String,
        /// Branch, tag or commit; `None` is the default branch.
        reference: Option<GitRef>,
    },
    /// A variable of the environment makes no sense.
    #[error("`{name}` is `{value}`, which is no number of seconds above 0")]
    Timeout {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The user's git configuration cannot be read.
    #[error("failed to read the git configuration `{path}`")]
    Configuration {
        /// The file.
        path: Utf8PathBuf,
        /// What libgit2 said.
        #[source]
        source: git2::Error,
    },
    /// An `insteadOf` of the user's git configuration makes no address.
    #[error("failed to replace the start of the URL by `insteadOf`")]
    Rewritten(#[from] GitUrlError),
    /// libgit2 gave up.
    #[error("failed to read the git repository `{url}`")]
    Git {
        /// The URL without credentials.
        url: String,
        /// What libgit2 said.
        #[source]
        source: git2::Error,
    },
    /// The cache could not be written.
    #[error("failed to keep the code of `{url}` in the cache")]
    Cache {
        /// The URL without credentials.
        url: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The submodules of a repository make no sense.
    #[error("failed to read the submodules of `{url}`")]
    Submodules {
        /// The URL of the repository without credentials.
        url: String,
        /// What is wrong.
        #[source]
        source: SubmoduleError,
    },
    /// A submodule could not be had.
    #[error("failed to get the submodule `{path}` of `{parent}`")]
    Submodule {
        /// Its folder, relative to that of the commit.
        path: Utf8PathBuf,
        /// The URL of the repository that has it, without credentials.
        parent: String,
        /// Why, with the submodule's own URL.
        #[source]
        source: Box<GitError>,
    },
    /// The cache could not be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The run has been cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl GitError {
    /// What to check or to write instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Transport { source, .. } => Some(match source {
                TransportError::Connection(_) => {
                    "check the host name, the network and the proxy variables (`HTTPS_PROXY`, `NO_PROXY`)".to_owned()
                }
                TransportError::Stalled(_) => {
                    "check the proxy and the firewall; `ALO_GIT_TIMEOUT` is the number of seconds to wait".to_owned()
                }
                TransportError::Unavailable(_) | TransportError::Truncated => {
                    "the server has trouble: try again later".to_owned()
                }
                TransportError::RedirectedToLogin(_) => {
                    "write the new address in the plan: passwords and tokens go to no host that the plan does not name"
                        .to_owned()
                }
                TransportError::Forbidden(_) => {
                    "the user or token is known but may not read the repository: check its rights and expiry".to_owned()
                }
                TransportError::Proxy(_) => {
                    "check the user and password of the proxy in `HTTPS_PROXY` or `http.proxy`".to_owned()
                }
                TransportError::Refused(text) if text.starts_with("HTTP") => {
                    "the repository is private or the token is wrong: check the user and token in the URL, \
                     `ALO_GIT_TOKEN`, or the credential helper of your git configuration; or use an ssh URL"
                        .to_owned()
                }
                TransportError::Refused(text) if text.contains("ost key") => {
                    "connect once by `ssh` to accept the key of the host".to_owned()
                }
                TransportError::Refused(_) => "check that your ssh agent holds a key the server knows".to_owned(),
                TransportError::NotFound(_) => {
                    "check the path in the URL, and whether you may read the repository".to_owned()
                }
                TransportError::NotGit(_) => "check the URL: it should be the one `git clone` takes".to_owned(),
                TransportError::Ssh(_) => "try the same host with `ssh -T`".to_owned(),
                TransportError::Program(text) if text.contains("dubious ownership") => OWNER.to_owned(),
                TransportError::Program(_) => "try the same address with `git ls-remote`".to_owned(),
                TransportError::Unsupported(_) => INSTALL.to_owned(),
                TransportError::Cancelled => return None,
            }),
            Self::NoProgram { .. } => Some(INSTALL.to_owned()),
            Self::NoHelper { helper, .. } => Some(format!(
                "install the package that brings `git-remote-{helper}`, or write the repository's `https://` or `ssh://` address"
            )),
            Self::Interpreter(error) => error.hint(),
            Self::NoRepository { .. } => Some("check the path in `code`".to_owned()),
            Self::NoReference { near, .. } if !near.is_empty() => {
                let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
                Some(format!("did you mean {}?", near.join(" or ")))
            }
            Self::NoReference { .. } => Some("check `branch` in the plan".to_owned()),
            Self::NoCommit { .. } => {
                Some("its branch was rewritten: delete the step's entry in `alo.lock` to take the branch as it is now".to_owned())
            }
            Self::Offline { .. } => {
                Some("run `alo fetch` on a machine with a network, or without `--offline`".to_owned())
            }
            Self::NoDefault { branches, .. } => {
                let branches: Vec<_> = branches.iter().map(|name| format!("`{name}`")).collect();
                Some(format!("write one of its branches as the step's `branch`: {}", branches.join(", ")))
            }
            Self::Empty { .. } => Some("push a commit to it first".to_owned()),
            Self::Git { source, .. } if source.code() == git2::ErrorCode::Owner => {
                Some(OWNER.to_owned())
            }
            Self::Cache { .. } => Some("check the space and the permissions of the cache folder".to_owned()),
            Self::Timeout { .. } => Some("write a number such as `120`, or unset it".to_owned()),
            Self::Configuration { .. } => Some("correct the file; git itself cannot read it either".to_owned()),
            Self::Rewritten(error) => error.hint(),
            Self::Submodules { source, .. } => source.hint(),
            Self::Submodule { source, .. } => match &**source {
                Self::NoCommit { .. } => Some(
                    "the commit is not in the submodule's repository: push it there, or let the step's repository name another"
                        .to_owned(),
                ),
                Self::NoRepository { .. } | Self::Empty { .. } => {
                    Some("check the submodule's `url` in `.gitmodules` of the step's repository".to_owned())
                }
                source => source.hint(),
            },
            Self::Git { .. } | Self::Unpack(_) | Self::Lock(_) | Self::Cancelled => None,
        }
    }

    /// Why it failed, without saying once more what failed.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Transport { source, .. } => source.to_string(),
            error => error.to_string(),
        }
    }

    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Transport { source, .. } if source.is_transient())
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled
            | Self::Lock(LockError::Cancelled)
            | Self::Transport { source: TransportError::Cancelled, .. } => true,
            Self::Submodule { source, .. } => source.is_cancelled(),
            _ => false,
        }
    }

    /// Whether it is only missing because no network may be used.
    pub(crate) fn is_offline(&self) -> bool {
        match self {
            Self::Offline { .. } => true,
            Self::Submodule { source, .. } => source.is_offline(),
            _ => false,
        }
    }
}

fn shown(reference: Option<&GitRef>) -> String {
    reference.map_or_else(|| "the default branch".to_owned(), |reference| format!("`{reference}`"))
}
