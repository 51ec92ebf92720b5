//! Where interpreters lie: on the path, at pyenv's and uv's, in the system's own folders.

use camino::{Utf8Path, Utf8PathBuf};

use super::PythonVersion;
use crate::Machine;
use crate::machine::is_executable;

/// Where package managers put interpreters, whether or not they are on the path.
const SYSTEM: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin"];

/// Every file that may be an interpreter of this version, the most likely first. None has been run.
pub(super) fn candidates(machine: &Machine, version: PythonVersion) -> Vec<Utf8PathBuf> {
    let exact = format!("python{}.{}", version.major, version.minor);
    let mut found: Vec<_> = machine.programs(&exact).collect();
    found.extend(pyenv(machine, version));
    found.extend(uv(machine, version, &exact));
    found.extend(
        SYSTEM.iter().map(|folder| Utf8Path::new(folder).join(&exact)).filter(|file| is_executable(file)),
    );
    // These may be any version, so they are asked last.
    found.extend(machine.programs("python3"));
    found.extend(machine.programs("python"));
    let mut seen = std::collections::HashSet::new();
    found.retain(|file| seen.insert(file.clone()));
    found
}

/// `$PYENV_ROOT/versions/3.10.13/bin/python`, the highest patch first.
fn pyenv(machine: &Machine, version: PythonVersion) -> Vec<Utf8PathBuf> {
    let root = machine.variable("PYENV_ROOT").map(Utf8PathBuf::from);
    let Some(root) = root.or_else(|| Some(machine.home.as_ref()?.join(".pyenv"))) else { return Vec::new() };
    newest(&root.join("versions"), version, |name| name.parse().ok())
        .into_iter()
        .map(|folder| folder.join("bin").join("python"))
        .filter(|file| is_executable(file))
        .collect()
}

/// `~/.local/share/uv/python/cpython-3.10.13-linux-x86_64-gnu/bin/python3.10`, the highest patch first.
fn uv(machine: &Machine, version: PythonVersion, exact: &str) -> Vec<Utf8PathBuf> {
    let root = machine.variable("UV_PYTHON_INSTALL_DIR").map(Utf8PathBuf::from);
    let data = machine.variable("XDG_DATA_HOME").map(Utf8PathBuf::from);
    let root = root.or_else(|| {
        let data = data.or_else(|| Some(machine.home.as_ref()?.join(".local/share")))?;
        Some(data.join("uv").join("python"))
    });
    let Some(root) = root else { return Vec::new() };
    newest(&root, version, |name| name.strip_prefix("cpython-")?.split(['-', '+']).next()?.parse().ok())
        .into_iter()
        .map(|folder| folder.join("bin").join(exact))
        .filter(|file| is_executable(file))
        .collect()
}

/// The folders of `root` whose names mean this version, the highest patch first.
fn newest(
    root: &Utf8Path,
    version: PythonVersion,
    read: impl Fn(&str) -> Option<PythonVersion>,
) -> Vec<Utf8PathBuf> {
    let Ok(entries) = root.read_dir_utf8() else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((read(entry.file_name())?, entry.into_path())))
        .filter(|(found, _)| found.satisfies(PythonVersion { patch: None, ..version }))
        .collect();
    found.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.cmp(b)));
    found.into_iter().map(|(_, folder)| folder).collect()
}
