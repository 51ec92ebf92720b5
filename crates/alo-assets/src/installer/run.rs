//! Starts programs under the guard, passes on what they say, and ends them when the run is cancelled.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use camino::Utf8Path;

use super::running::{RunError, Running};
use crate::guard::Guard;
use crate::{Machine, SetupEvent};

/// Variables that would send packages elsewhere, keep byte-code away or load foreign code.
const REMOVED: [&str; 27] = [
    "CONDA_PREFIX",
    "PIP_DRY_RUN",
    "PIP_IGNORE_INSTALLED",
    "PIP_NO_COMPILE",
    "PIP_NO_DEPS",
    "PIP_PREFIX",
    "PIP_PYTHON",
    "PIP_QUIET",
    "PIP_REPORT",
    "PIP_REQUIREMENT",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONWARNINGS",
    "UV_NO_DEPS",
    "UV_PREFIX",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_TARGET",
    "VIRTUAL_ENV",
];

/// Starts programs.
pub(crate) struct Runner<'a> {
    pub(crate) guard: &'a Guard,
    /// The interpreter that runs the guard.
    pub(crate) python: &'a Utf8Path,
    pub(crate) variables: BTreeMap<OsString, OsString>,
    /// What stands for something else in what programs say, and for what: copies of folders for the user's own.
    pub(crate) names: Vec<(String, String)>,
    pub(crate) cancelled: &'a dyn Fn() -> bool,
    pub(crate) observer: &'a mut dyn FnMut(SetupEvent),
}

impl<'a> Runner<'a> {
    pub(crate) fn new(
        machine: &Machine,
        guard: &'a Guard,
        python: &'a Utf8Path,
        cancelled: &'a dyn Fn() -> bool,
        observer: &'a mut dyn FnMut(SetupEvent),
    ) -> Self {
        let mut variables = machine.child_variables();
        variables.retain(|name, _| !REMOVED.iter().any(|removed| name == OsStr::new(removed)));
        for (name, value) in [
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
            ("PIP_NO_INPUT", "1"),
            ("PIP_PROGRESS_BAR", "off"),
            ("PYTHONUNBUFFERED", "1"),
            ("NO_COLOR", "1"),
            ("UV_NO_PROGRESS", "1"),
        ] {
            variables.insert(name.into(), value.into());
        }
        Self { guard, python, variables, names: Vec::new(), cancelled, observer }
    }

    /// Runs a program in `folder`; its lines go to the observer. Answers the lines it said last.
    pub(crate) fn run(
        &mut self,
        program: &Utf8Path,
        arguments: &[&str],
        folder: &Utf8Path,
        more: &[(OsString, OsString)],
    ) -> Result<Vec<String>, RunError> {
        let running = self.spawn(program, arguments, folder, more)?;
        let observer = &mut *self.observer;
        running.wait(self.cancelled, &mut |line| {
            observer(SetupEvent::InstallerOutput { line: line.to_owned() });
        })
    }

    /// Runs a program whose lines are for us alone.
    pub(crate) fn ask(
        &mut self,
        program: &Utf8Path,
        arguments: &[&str],
        folder: &Utf8Path,
        more: &[(OsString, OsString)],
    ) -> Result<Vec<String>, RunError> {
        self.spawn(program, arguments, folder, more)?.wait(self.cancelled, &mut |_| {})
    }

    /// Starts a program whose lines are for us alone, and does not wait for it.
    pub(crate) fn begin(
        &mut self,
        program: &Utf8Path,
        arguments: &[&str],
        folder: &Utf8Path,
    ) -> Result<Running, RunError> {
        self.spawn(program, arguments, folder, &[])
    }

    fn spawn(
        &mut self,
        program: &Utf8Path,
        arguments: &[&str],
        folder: &Utf8Path,
        more: &[(OsString, OsString)],
    ) -> Result<Running, RunError> {
        if (self.cancelled)() {
            return Err(RunError::Cancelled);
        }
        let mut guarded = self.guard.exec(self.python, program.as_str()).map_err(RunError::Io)?;
        guarded
            .command()
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(&self.variables)
            .envs(more.iter().map(|(name, value)| (name, value)));
        Running::new(guarded.spawn().map_err(RunError::Io)?, self.names.clone()).map_err(RunError::Io)
    }
}
