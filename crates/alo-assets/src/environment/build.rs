//! Builds environments: at their final place, under a lock, declared whole by a record that is written last.
//!
//! They are not built aside and renamed because environments hold absolute paths to themselves. A folder without a record
//! is what a killed build has left and is removed by the next one.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::EnvironmentError;
use super::key;
use super::record::{Environment, python_in};
use crate::guard::Guard;
use crate::installer::{InstallError, Installer, InstallerChoice, Job, Pip, RunError, Runner, Uv};
use crate::interpreter::Interpreter;
use crate::key_lock::KeyLock;
use crate::requirements::RequirementSet;
use crate::{Machine, SetupEvent, redact};

/// Lists what is installed. Runs in the new environment, without the variables of the user.
const LIST: &str = "\
import importlib.metadata, json
found = {(d.metadata['Name'] or '', d.version or '') for d in importlib.metadata.distributions()}
print(json.dumps(sorted(('%s==%s' % pair for pair in found if pair[0]), key=str.lower)))
";

/// What an environment is to be made of.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) interpreter: &'a Interpreter,
    pub(crate) requirements: &'a RequirementSet,
}

/// The environments of the user's cache.
pub(crate) struct Environments<'a> {
    machine: &'a Machine,
    cancelled: &'a dyn Fn() -> bool,
}

impl<'a> Environments<'a> {
    pub(crate) fn new(machine: &'a Machine, cancelled: &'a dyn Fn() -> bool) -> Self {
        Self { machine, cancelled }
    }

    /// The environment's name.
    #[expect(clippy::unused_self, reason = "callers have no other door to names than the cache")]
    pub(crate) fn key(&self, wanted: Wanted<'_>) -> Result<String, EnvironmentError> {
        key::of(wanted.interpreter, wanted.requirements).map_err(EnvironmentError::Read)
    }

    /// The environment, built if it is not there. A warm call starts no process and takes no lock.
    pub(crate) fn ensure(
        &self,
        wanted: Wanted<'_>,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Environment, EnvironmentError> {
        let key = self.key(wanted)?;
        let folder = self.machine.cache.join("envs").join(&key);
        if let Some(found) = Environment::find(&folder, &key) {
            observer(ready(&found, true));
            return Ok(found);
        }
        let _lock = KeyLock::acquire(&self.machine.cache, &format!("env-{key}"), self.cancelled)?;
        if let Some(found) = Environment::find(&folder, &key) {
            observer(ready(&found, true));
            return Ok(found);
        }
        match self.build(wanted, &key, &folder, observer) {
            Ok(built) => {
                observer(ready(&built, false));
                Ok(built)
            }
            Err(error) => {
                // What is left has no record; if it cannot be removed now, the next build removes it.
                let _ = fs_err::remove_dir_all(&folder);
                Err(error)
            }
        }
    }

    fn build(
        &self,
        wanted: Wanted<'_>,
        key: &str,
        folder: &Utf8Path,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Environment, EnvironmentError> {
        let cache = |source| EnvironmentError::Cache { folder: folder.to_owned(), source };
        let Wanted { interpreter, requirements } = wanted;
        let guard = Guard::install(&self.machine.cache)?;
        if folder.exists() {
            fs_err::remove_dir_all(folder).map_err(cache)?;
        }
        fs_err::create_dir_all(folder).map_err(cache)?;
        // What installers read may hold credentials: it is private, and gone before the environment is declared whole.
        let private = tempfile::Builder::new().prefix(".alo-install-").tempdir_in(folder).map_err(cache)?;
        let scratch =
            Utf8Path::from_path(private.path()).ok_or_else(|| cache(io::ErrorKind::InvalidData.into()))?;
        let shown: Vec<_> = requirements.lines().iter().map(|line| redact(line)).collect();
        let python = python_in(folder);
        let job = Job { python: &python, requirements, scratch };
        let mut runner = Runner::new(self.machine, &guard, &interpreter.executable, self.cancelled, observer);
        let installer = if requirements.is_empty() {
            None
        } else {
            Some(self.installer(interpreter, &job, &mut runner)?)
        };
        (runner.observer)(SetupEvent::BuildingEnvironment {
            key: key.to_owned(),
            python: interpreter.version.to_string(),
            installer: installer.as_ref().map(|installer| installer.name().to_owned()),
            requirements: shown.clone(),
        });
        self.make_empty(interpreter, folder, scratch, &mut runner)?;
        let mut packages = Vec::new();
        if let Some(installer) = &installer {
            installer.install(&job, &mut runner).map_err(|source| install_error(interpreter, source))?;
            packages = list(folder, &python, scratch, &mut runner)?;
        }
        let built = Environment {
            key: key.to_owned(),
            folder: folder.to_owned(),
            python,
            version: interpreter.version,
            requirements: shown,
            packages,
        };
        let name = installer.as_ref().map(|installer| installer.name());
        private.close().map_err(cache)?;
        built.write(&interpreter.executable, name).map_err(cache)?;
        Ok(built)
    }

    /// uv where it is on the path and runs, else pip.
    fn installer<'b>(
        &'b self,
        interpreter: &'b Interpreter,
        job: &Job<'_>,
        runner: &mut Runner<'_>,
    ) -> Result<Box<dyn Installer + 'b>, EnvironmentError> {
        if self.machine.installer != InstallerChoice::Pip
            && let Some(program) = self.machine.program("uv")
        {
            let uv = Uv::new(program.clone(), self.machine);
            if uv.check(job, runner).map_err(|source| install_error(interpreter, source))? {
                return Ok(Box::new(uv));
            }
            (runner.observer)(SetupEvent::Warning {
                message: format!("`{program}` does not run as uv should: pip is used instead"),
            });
        }
        Ok(Box::new(Pip { cache: &self.machine.cache, interpreter }))
    }

    #[expect(clippy::unused_self, reason = "a step of `build`")]
    fn make_empty(
        &self,
        interpreter: &Interpreter,
        folder: &Utf8Path,
        scratch: &Utf8Path,
        runner: &mut Runner<'_>,
    ) -> Result<(), EnvironmentError> {
        if !interpreter.venv {
            let executable = interpreter.executable.clone();
            return Err(EnvironmentError::NoVenv { executable, version: interpreter.version });
        }
        let arguments = ["-I", "-m", "venv", "--without-pip", folder.as_str()];
        let executable: &Utf8PathBuf = &interpreter.executable;
        match runner.ask(executable, &arguments, scratch) {
            Ok(_) => Ok(()),
            Err(RunError::Failed { status, lines }) => {
                let said = lines.last().cloned().unwrap_or_else(|| status.to_string());
                Err(EnvironmentError::Venv { executable: executable.clone(), said })
            }
            Err(RunError::Io(source)) => Err(EnvironmentError::Cache { folder: folder.to_owned(), source }),
            Err(RunError::Cancelled) => Err(EnvironmentError::Cancelled),
        }
    }
}

fn list(
    folder: &Utf8Path,
    python: &Utf8Path,
    scratch: &Utf8Path,
    runner: &mut Runner<'_>,
) -> Result<Vec<String>, EnvironmentError> {
    let failed = |said: String| EnvironmentError::List { folder: folder.to_owned(), said };
    let lines = match runner.ask(python, &["-I", "-c", LIST], scratch) {
        Ok(lines) => lines,
        Err(RunError::Failed { status, lines }) => {
            return Err(failed(lines.last().cloned().unwrap_or_else(|| status.to_string())));
        }
        Err(RunError::Io(source)) => {
            return Err(EnvironmentError::Cache { folder: folder.to_owned(), source });
        }
        Err(RunError::Cancelled) => return Err(EnvironmentError::Cancelled),
    };
    let answer = lines.iter().rev().find_map(|line| serde_json::from_str(line).ok());
    answer.ok_or_else(|| failed(lines.last().cloned().unwrap_or_default()))
}

fn install_error(interpreter: &Interpreter, source: InstallError) -> EnvironmentError {
    EnvironmentError::Install { python: interpreter.version.to_string(), source }
}

fn ready(environment: &Environment, cached: bool) -> SetupEvent {
    SetupEvent::EnvironmentReady {
        key: environment.key.clone(),
        executable: environment.python.clone(),
        folder: environment.folder.clone(),
        python: environment.version.to_string(),
        packages: environment.packages.len(),
        cached,
    }
}
