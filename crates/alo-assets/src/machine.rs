//! The machine as a run sees it, resolved once by the program and passed down as plain values.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, OnceLock};

use camino::Utf8PathBuf;

use crate::installer::InstallerChoice;
use crate::interpreter::PythonRequest;

/// Where the cache is, where programs are found, and which environment variables children get.
///
/// The library reads no environment of its own: what is not in here does not exist for it.
///
/// ```
/// use alo_assets::Machine;
///
/// let machine = Machine::new("/tmp/cache", [("PATH".into(), "/usr/bin".into()), ("HOME".into(), "/root".into())]);
/// assert_eq!(machine.home.as_deref(), Some("/root".into()));
/// ```
#[derive(Clone)]
pub struct Machine {
    /// The user's cache folder for git repositories, environments and what is known of interpreters.
    pub cache: Utf8PathBuf,
    /// The folders that programs (`uv`, `ssh`, `python3.10`) are searched in, as in `PATH`.
    pub path: OsString,
    /// The user's home folder, for pyenv's and uv's interpreters.
    pub home: Option<Utf8PathBuf>,
    /// The Python asked for (`--python`), by version or path; `None` is the default rule: the version of `alo.lock`, else 3.10,
    /// else the newest of 3.8–3.13.
    pub python: Option<PythonRequest>,
    /// What installs packages. Default: [`InstallerChoice::Auto`].
    pub installer: InstallerChoice,
    /// The uv to use instead of the one on the path (`ALO_UV`); it must run. Default: none.
    pub uv: Option<Utf8PathBuf>,
    /// Why there is no uv of alo's own, once it was tried in vain: it is tried once.
    pub(crate) no_uv: Arc<OnceLock<String>>,
    /// The environment variables that installers and `ssh` start with, before ours are taken out.
    pub variables: BTreeMap<OsString, OsString>,
}

/// Shows the names of the variables and not their values, among which are tokens.
impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("cache", &self.cache)
            .field("path", &self.path)
            .field("home", &self.home)
            .field("python", &self.python)
            .field("installer", &self.installer)
            .field("uv", &self.uv)
            .field("variables", &self.variables.keys())
            .finish_non_exhaustive()
    }
}

impl Machine {
    /// Describes a machine by its cache folder and environment variables (`PATH`, `HOME`, proxies, `PIP_…`, `UV_…`).
    pub fn new(
        cache: impl Into<Utf8PathBuf>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let variables: BTreeMap<_, _> = variables.into_iter().collect();
        let home = variables.get(OsStr::new("HOME")).and_then(|home| home.to_str());
        Self {
            cache: cache.into(),
            path: variables.get(OsStr::new("PATH")).cloned().unwrap_or_default(),
            home: home.filter(|home| !home.is_empty()).map(Utf8PathBuf::from),
            python: None,
            installer: InstallerChoice::Auto,
            uv: None,
            no_uv: Arc::default(),
            variables,
        }
    }

    /// The value of a variable, if it is set, not empty, and text.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(OsStr::new(name))
            .and_then(|value| value.to_str())
            .filter(|value| !value.is_empty())
    }

    /// What children start with: the variables, with `PATH` as this machine says.
    pub(crate) fn child_variables(&self) -> BTreeMap<OsString, OsString> {
        let mut variables = self.variables.clone();
        variables.insert("PATH".into(), self.path.clone());
        variables
    }

    /// Every executable file of that name on the path, in order.
    pub fn programs<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Utf8PathBuf> + 'a {
        std::env::split_paths(&self.path)
            .filter_map(|folder| Utf8PathBuf::from_path_buf(folder).ok())
            .filter(|folder| folder.is_absolute())
            .map(move |folder| folder.join(name))
            .filter(|file| is_executable(file))
    }

    /// The first executable file of that name on the path.
    pub fn program(&self, name: &str) -> Option<Utf8PathBuf> {
        self.programs(name).next()
    }
}

pub(crate) fn is_executable(file: &camino::Utf8Path) -> bool {
    fs_err::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
