//! What goes wrong with environments.

use std::io;

use camino::Utf8PathBuf;

use crate::finishing::ImportOutcome;
use crate::installer::InstallError;
use crate::interpreter::PythonVersion;
use crate::key_lock::LockError;
use crate::lockfile::LockfileError;
use crate::unpack::UnpackError;

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The packages could not be installed.
    #[error("failed to build the environment for Python {python}")]
    Install {
        /// The version of its Python.
        python: String,
        /// What the installer said.
        #[source]
        source: InstallError,
    },
    /// The requirements exclude each other.
    #[error("the packages cannot be had together: {reason}")]
    NoSolution {
        /// Why, in the installer's words.
        reason: String,
    },
    /// The interpreter could not make an empty environment.
    #[error("failed to make an environment with `{executable}`: {said}")]
    Venv {
        /// The interpreter.
        executable: Utf8PathBuf,
        /// Its last words.
        said: String,
    },
    /// The interpreter lacks the module that makes environments.
    #[error("the Python at `{executable}` has no `venv` module")]
    NoVenv {
        /// The interpreter.
        executable: Utf8PathBuf,
        /// Its version.
        version: PythonVersion,
    },
    /// It cannot be told what an environment holds.
    #[error("failed to list the packages of the environment at `{folder}`")]
    List {
        /// The environment.
        folder: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Packages were installed and can never be imported.
    #[error("{}", broken(.imports))]
    Unimportable {
        /// What came of their imports, by name.
        imports: Vec<ImportOutcome>,
    },
    /// The look whether packages can be imported could not begin.
    #[error("failed to check the environment at `{folder}`")]
    Check {
        /// The environment.
        folder: Utf8PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The cache could not be read or written.
    #[error("failed to keep the environment at `{folder}`")]
    Cache {
        /// The environment.
        folder: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A folder that is a package is another than the packages were decided with.
    #[error("the folder `{folder}` no longer holds what `alo.lock` has of it")]
    FolderChanged {
        /// The folder.
        folder: Utf8PathBuf,
    },
    /// A file that requirements name could not be read.
    #[error("failed to read a file that the requirements name")]
    Read(#[source] io::Error),
    /// `alo.lock` does not allow it.
    #[error(transparent)]
    Lockfile(#[from] LockfileError),
    /// The cache could not be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The guard of child processes could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The run has been cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl EnvironmentError {
    /// What to check or to change.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Install { source, .. } => source.hint(),
            Self::Lockfile(error) => error.hint(),
            Self::NoVenv { version, .. } => Some(format!(
                "install it (Debian and Ubuntu: `apt install python{}.{}-venv`), or put uv on PATH, which needs none",
                version.major, version.minor
            )),
            Self::Venv { .. } | Self::List { .. } => {
                Some("try another Python with `--python`; this one may be damaged".to_owned())
            }
            Self::Unimportable { imports } => imports.first().map(ImportOutcome::hint),
            Self::Cache { .. } | Self::Check { .. } | Self::Unpack(_) => {
                Some("check the space and the permissions of the cache folder".to_owned())
            }
            Self::NoSolution { .. } => {
                Some("loosen one of the requirements that exclude each other".to_owned())
            }
            Self::FolderChanged { .. } => {
                Some("run again if it was edited just now, else `alo update` takes it as it is".to_owned())
            }
            Self::Read(_) | Self::Lock(_) | Self::Cancelled => None,
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::Lock(LockError::Cancelled)
                | Self::Install { source: InstallError::Cancelled, .. }
        )
    }

    /// What is missing, in words, if the error may only be there because nothing could be fetched.
    pub(crate) fn lack(&self) -> Option<String> {
        match self {
            Self::Install { source: InstallError::Failed { reason, .. }, .. } => {
                reason.lack().map(str::to_owned)
            }
            Self::Install { source: source @ InstallError::NoUv { .. }, .. } => Some(source.to_string()),
            _ => None,
        }
    }

    /// The reason why the packages cannot be had together, if that is what went wrong.
    pub(crate) fn unresolvable(&self) -> Option<String> {
        match self {
            Self::Install { source: source @ InstallError::Failed { reason, .. }, .. }
                if source.is_unresolvable() =>
            {
                Some(reason.to_string())
            }
            _ => None,
        }
    }
}

fn broken(imports: &[ImportOutcome]) -> String {
    let told = imports.iter().map(|import| {
        let told = format!("`{}` cannot be imported: {}", import.requirement, import.cause());
        match import.asked_for() {
            Some(origin) => format!("{told} ({origin})"),
            None => told,
        }
    });
    told.collect::<Vec<_>>().join("; ")
}
