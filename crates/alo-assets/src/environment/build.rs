//! Builds environments: at their final place, under a lock, declared whole by a record that is written last.
//!
//! They are not built aside and renamed because environments hold absolute paths to themselves. A folder without a record
//! is what a killed build has left and is removed by the next one; a damaged one is renamed first, so that its place is
//! free at once and a worker that still runs in it soon finds the same packages there again.

use std::cell::RefCell;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::audit;
use super::contents::Contents;
use super::error::EnvironmentError;
use super::key;
use super::record::{Environment, Look, python_in};
use super::spare::Moved;
use crate::cache::{CacheUse, Place};
use crate::folder_copies::FolderCopies;
use crate::installer::{InstallError, InstallJob, Installer, RunError, Runner, Toolbox};
use crate::interpreter::Interpreter;
use crate::key_lock::KeyLock;
use crate::requirements::RequirementSet;
use crate::resolution::Resolution;
use crate::{SetupEvent, redact};

/// What an environment is to be made of.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The exact packages.
    pub(crate) resolution: &'a Resolution,
    /// What they were resolved from.
    pub(crate) requirements: &'a RequirementSet,
}

/// The environments of the user's cache.
pub(crate) struct Environments<'a> {
    tools: &'a Toolbox<'a>,
    /// Keeps those that were asked for in the cache.
    in_use: RefCell<Vec<CacheUse>>,
}

impl<'a> Environments<'a> {
    pub(crate) fn new(tools: &'a Toolbox<'a>) -> Self {
        Self { tools, in_use: RefCell::default() }
    }

    /// The environment, built if it is not there or damaged; it stays in the cache as long as this lives. A warm call starts no
    /// process and waits for nobody who builds.
    pub(crate) fn ensure(
        &self,
        wanted: Wanted<'_>,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Environment, EnvironmentError> {
        let key = key::of(self.tools.interpreter, wanted.resolution).map_err(EnvironmentError::Read)?;
        let cache = &self.tools.machine.cache;
        let place = Place::Environment { key: key.clone() };
        // From before the first look on: what is seen is not being removed.
        self.in_use.borrow_mut().push(CacheUse::begin(cache, &place)?);
        let folder = place.folder(cache);
        let shown = shown(wanted.requirements);
        let found = |found: Environment, observer: &mut dyn FnMut(SetupEvent)| {
            let found = Environment { requirements: shown.clone(), ..found };
            observer(ready(&found, true));
            found
        };
        if let Look::Whole(environment) = Environment::look(&folder, &key) {
            return Ok(found(environment, observer));
        }
        let _lock = KeyLock::acquire(cache, &place.maker_lock(), self.tools.cancelled)?;
        let cache = |source| EnvironmentError::Cache { folder: folder.clone(), source };
        let is_repair = audit::noted(&folder).is_some();
        match Environment::look(&folder, &key) {
            Look::Whole(environment) => return Ok(found(environment, observer)),
            Look::Damaged(damage) => observer(SetupEvent::Warning {
                message: format!("the environment in `{folder}` is damaged ({damage}): it is built again"),
            }),
            Look::Absent => {}
        }
        // Also what a killed process was removing.
        let aside = folder.with_file_name(format!("{key}.old"));
        remove(&aside).map_err(cache)?;
        if folder.exists() {
            fs_err::rename(&folder, &aside).map_err(cache)?;
        }
        let outcome = self.build(wanted, &key, &folder, shown.clone(), is_repair, observer);
        // It has no record any more under that name; if it cannot be removed now, the next build removes it.
        let _ = remove(&aside);
        match outcome {
            Ok(built) => {
                observer(ready(&built, false));
                Ok(built)
            }
            Err(error) => {
                let _ = remove(&folder);
                Err(error)
            }
        }
    }

    /// Gives away what keeps the environments in the cache.
    pub(crate) fn into_uses(self) -> impl Iterator<Item = CacheUse> {
        self.in_use.into_inner().into_iter()
    }

    fn build(
        &self,
        wanted: Wanted<'_>,
        key: &str,
        folder: &Utf8Path,
        shown: Vec<String>,
        is_repair: bool,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Environment, EnvironmentError> {
        let cache = |source| EnvironmentError::Cache { folder: folder.to_owned(), source };
        let interpreter = self.tools.interpreter;
        let guard = self.tools.guard()?;
        let spare = self.tools.spare.take();
        let mut runner = self.tools.runner(&guard, observer);
        let moved =
            spare.map_or(Moved::Nothing, |spare| spare.take_place(folder, wanted.resolution, &runner));
        fs_err::create_dir_all(folder).map_err(cache)?;
        // What installers read may hold credentials: it is private, and gone before the environment is declared whole.
        let private = tempfile::Builder::new().prefix(".alo-install-").tempdir_in(folder).map_err(cache)?;
        let scratch =
            Utf8Path::from_path(private.path()).ok_or_else(|| cache(io::ErrorKind::InvalidData.into()))?;
        let python = python_in(folder);
        let installer = if wanted.resolution.is_empty() {
            None
        } else {
            let installer = self.tools.installer(scratch, &mut runner);
            Some(installer.map_err(|source| install_error(interpreter, source))?)
        };
        (runner.observer)(SetupEvent::BuildingEnvironment {
            key: key.to_owned(),
            python: interpreter.version.to_string(),
            installer: installer.as_ref().map(|installer| installer.name().to_owned()),
            requirements: shown.clone(),
        });
        match &installer {
            Some(_) if moved == Moved::Whole => {}
            Some(installer) => {
                if moved == Moved::Nothing {
                    let created = installer.creation(interpreter, folder).run(scratch, &mut runner);
                    created.map_err(|error| not_created(interpreter, folder, error))?;
                }
                self.install(wanted, &**installer, &python, false, scratch, &mut runner)?;
            }
            None if moved == Moved::Empty => {}
            None => make_empty(interpreter, folder, scratch, &mut runner)?,
        }
        if let (true, Some(installer)) = (is_repair, &installer) {
            self.repair(wanted, &**installer, folder, scratch, &mut runner)?;
        }
        let contents = Contents::read(folder, interpreter.version)
            .map_err(|source| EnvironmentError::List { folder: folder.to_owned(), source })?;
        let built = Environment {
            key: key.to_owned(),
            folder: folder.to_owned(),
            python,
            version: interpreter.version,
            requirements: shown,
            packages: contents.packages.clone(),
        };
        let name = installer.as_ref().map(|installer| installer.name());
        private.close().map_err(cache)?;
        built.write(&interpreter.executable, name, contents).map_err(cache)?;
        Ok(built)
    }

    /// Sees to it that the files of an environment that was damaged are those of its packages. uv links files of its cache into
    /// environments: where one was edited, it was edited there, too.
    fn repair(
        &self,
        wanted: Wanted<'_>,
        installer: &dyn Installer,
        folder: &Utf8Path,
        scratch: &Utf8Path,
        runner: &mut Runner<'_>,
    ) -> Result<(), EnvironmentError> {
        let cache = |source| EnvironmentError::Cache { folder: folder.to_owned(), source };
        let interpreter = self.tools.interpreter;
        let is_damaged = || audit::audit(folder, interpreter.version).is_some();
        if is_damaged() && !self.tools.offline {
            self.install(wanted, installer, &python_in(folder), true, scratch, runner)?;
        }
        if is_damaged() { audit::give_up(folder).map_err(cache) } else { Ok(()) }
    }

    /// Installs the packages, folders from copies, unless they can only be built where they lie.
    fn install(
        &self,
        wanted: Wanted<'_>,
        installer: &dyn Installer,
        python: &Utf8Path,
        is_afresh: bool,
        scratch: &Utf8Path,
        runner: &mut Runner<'_>,
    ) -> Result<(), EnvironmentError> {
        let Wanted { resolution, requirements } = wanted;
        let copies = FolderCopies::of_resolution(resolution, scratch).map_err(EnvironmentError::Read)?;
        if let Some(folder) = copies.changed(resolution) {
            return Err(EnvironmentError::FolderChanged { folder: folder.to_owned() });
        }
        runner.names = copies.names();
        let with_copies = copies.in_resolution(resolution);
        let offline = self.tools.offline;
        let job = InstallJob {
            python,
            resolution: &with_copies,
            requirements,
            offline,
            is_in_place: false,
            is_afresh,
            scratch,
        };
        let done = match installer.install(&job, runner) {
            Err(error) if copies.may_need_their_place(&error) => {
                installer.install(&InstallJob { resolution, is_in_place: true, ..job }, runner)
            }
            done => done,
        };
        done.map_err(|source| install_error(self.tools.interpreter, source.with_own_hash(requirements)))
    }
}

/// An environment without packages needs no installer.
fn make_empty(
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
    let done = runner.ask(&interpreter.executable, &arguments, scratch, &[]);
    done.map(|_| ()).map_err(|error| not_created(interpreter, folder, error))
}

fn not_created(interpreter: &Interpreter, folder: &Utf8Path, error: RunError) -> EnvironmentError {
    let executable: Utf8PathBuf = interpreter.executable.clone();
    match error {
        RunError::Failed { .. } if !interpreter.venv => {
            EnvironmentError::NoVenv { executable, version: interpreter.version }
        }
        RunError::Failed { status, lines } => {
            let said = lines.last().cloned().unwrap_or_else(|| status.to_string());
            EnvironmentError::Venv { executable, said }
        }
        RunError::Io(source) => EnvironmentError::Cache { folder: folder.to_owned(), source },
        RunError::Cancelled => EnvironmentError::Cancelled,
    }
}

fn remove(folder: &Utf8Path) -> io::Result<()> {
    match fs_err::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Requirements as people get to see them.
pub(crate) fn shown(requirements: &RequirementSet) -> Vec<String> {
    requirements.lines().iter().map(|line| redact(line)).collect()
}

pub(crate) fn install_error(interpreter: &Interpreter, source: InstallError) -> EnvironmentError {
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
