//! What libgit2, or our way to use it, cannot do, and the git program can.

/// Why the git program is needed for a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// A web server gives out the files of the repository and knows nothing of git.
    #[error("the server gives out plain files (git's \"dumb\" protocol)")]
    PlainFiles,
    /// Objects have names of 64 digits.
    #[error("its objects are named by SHA-256")]
    Sha256,
    /// A repository on this machine has a newer format.
    #[error("its format is not known to libgit2: {0}")]
    Format(String),
    /// It is a file, as `git bundle` writes it.
    #[error("it is a bundle")]
    Bundle,
    /// Its address is for a program of git's.
    #[error("its address is for git's remote helper `git-remote-{0}`")]
    Helper(String),
    /// A command of the user only makes sense to a shell.
    #[error("`{0}` needs a shell")]
    Shell(&'static str),
    /// A setting of the user's git configuration (or a variable of its meaning) has to be obeyed.
    #[error("`http.{0}` of git is set")]
    Setting(&'static str),
    /// The server wants to know who asks in another way than by name and password.
    #[error("the server wants authentication of another kind than by name and password: `{0}`")]
    Authentication(String),
}
