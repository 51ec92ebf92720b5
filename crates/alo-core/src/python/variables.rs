//! The environment variables of a worker.

use std::process::Command;

use alo_assets::Machine;
use camino::Utf8Path;

/// Variables that would change the interpreter from outside: another library path, no byte-code, interactive mode.
const NOT_PASSED_ON: [&str; 20] = [
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "PYTHONPYCACHEPREFIX",
    "PYTHONOPTIMIZE",
    "PYTHONINSPECT",
    "PYTHONDEBUG",
    "PYTHONVERBOSE",
    "PYTHONPLATLIBDIR",
    "PYTHONUSERBASE",
    "PYTHONNOUSERSITE",
    "PYTHONSAFEPATH",
    "PYTHONCASEOK",
    "PYTHONEXECUTABLE",
    "PYTHONBREAKPOINT",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "__PYVENV_LAUNCHER__",
];

/// Gives a worker the machine's variables but those, UTF-8 output, and the programs of its own environment first on the
/// search path.
pub(super) fn set(command: &mut Command, machine: &Machine, python: &Utf8Path) {
    command.env_clear().envs(&machine.variables);
    for name in NOT_PASSED_ON {
        command.env_remove(name);
    }
    command.env("PYTHONIOENCODING", "utf-8:backslashreplace");
    let own = python.parent().map(|bin| bin.as_std_path().to_owned());
    // It cannot be joined when the environment lies in a folder with a colon in its name: then the search path stays.
    if let Ok(path) = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&machine.path))) {
        command.env("PATH", path);
    }
}
