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

/// Names and values.
type Variables = Vec<(String, Vec<u8>)>;

/// Variables that tell of the session or of the terminal: they change from shell to shell, and hardly any result depends on
/// them.
const OF_THE_SESSION: [&str; 22] = [
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "TERM",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "WINDOWID",
    "PS1",
    "PROMPT_COMMAND",
    "LS_COLORS",
    "GPG_TTY",
    "STY",
    "TMUX",
    "TMUX_PANE",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MOTD_SHOWN",
];
/// Beginnings of names of such variables, and of alo's own.
const OF_THE_SESSION_TOO: [&str; 5] = ["SSH_", "TERM_", "XDG_SESSION", "VSCODE_", "ALO_"];

/// The variables of a worker by name: those that the result of a step may depend on, and those of the session, which count
/// only for a step that reads them.
pub(super) fn seen_by_steps(machine: &Machine) -> (Variables, Variables) {
    let own = [("PATH".to_owned(), machine.path.as_encoded_bytes().to_owned())];
    let all = machine
        .variables
        .iter()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.as_encoded_bytes().to_owned()));
    let passed_on = all.filter(|(name, _)| name != "PATH" && !NOT_PASSED_ON.contains(&name.as_str()));
    let (mut session, mut seen): (Variables, Variables) = passed_on.partition(|(name, _)| {
        OF_THE_SESSION.contains(&name.as_str())
            || OF_THE_SESSION_TOO.iter().any(|beginning| name.starts_with(beginning))
    });
    seen.extend(own);
    seen.sort();
    session.sort();
    (seen, session)
}

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
