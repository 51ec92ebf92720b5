//! The arguments of every command that prepares environments: which Python, which installer.

use alo_core::assets::{InstallerChoice, Machine, PythonRequest};
use camino::Utf8PathBuf;

/// Which Python, and what installs packages.
#[derive(Debug, clap::Args)]
pub(super) struct PythonArgs {
    /// The Python of the environments, by version or by path [default: the one of alo.lock, else 3.10, else the newest of
    /// 3.8 to 3.13].
    #[arg(long, value_name = "X.Y|PATH", env = "ALO_PYTHON", hide_env_values = true, value_parser = python)]
    python: Option<PythonRequest>,
    /// What installs packages: auto, uv, pip. `auto` is uv where it is found or can be fetched, else pip.
    #[arg(long, value_name = "NAME", default_value_t, env = "ALO_INSTALLER", hide_env_values = true)]
    installer: InstallerChoice,
    /// The uv to use instead of the one on PATH.
    #[arg(long, value_name = "PATH", env = "ALO_UV", hide_env_values = true, hide = true, value_parser = path)]
    uv: Option<Utf8PathBuf>,
}

impl PythonArgs {
    /// Tells the machine what was asked for.
    pub(super) fn apply(&self, machine: &mut Machine) {
        machine.python.clone_from(&self.python);
        machine.installer = self.installer;
        machine.uv.clone_from(&self.uv);
    }
}

/// Reads what `--python` wants; a relative path starts at the working folder.
pub(super) fn python(text: &str) -> Result<PythonRequest, String> {
    match text.parse().map_err(|_| format!("`{text}` is neither a version such as 3.10 nor a path"))? {
        PythonRequest::Path(given) => path(given.as_str()).map(PythonRequest::Path),
        version @ PythonRequest::Version(_) => Ok(version),
    }
}

fn path(text: &str) -> Result<Utf8PathBuf, String> {
    camino::absolute_utf8(text).map_err(|error| error.to_string())
}
