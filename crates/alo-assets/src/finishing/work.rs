//! The finishing of one environment, beside a run or before it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::order::{Order, distribution};
use super::process::{Process, State};
use super::record::{self, Checked, Compiled};
use super::verdict::Verdict;
use crate::environment::{Environment, EnvironmentError};
use crate::key_lock::{KeyLock, LockError};
use crate::requirements::{Origin, RequirementSet, normalize};
use crate::{Machine, SetupEvent};

/// How long one package may take to import.
const IMPORT_SECONDS: u64 = 60;
/// After how long a wait is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// The finishing of one environment: every package that was asked for is imported once, and its byte-code is made.
///
/// It goes on in a process of its own beside the run, which need not wait for it before its first step. What it finds is
/// kept in the environment, so that a warm run starts nothing. Dropping it ends the process; what is left is done by the
/// next run. Two `alo` processes do not do the same work twice.
#[derive(Debug)]
pub struct Finishing {
    machine: Machine,
    environment: Environment,
    /// Where the packages are asked for, by their normalised names.
    origins: BTreeMap<String, Origin>,
    process: Option<Process>,
    /// Whether the verdict has been told.
    is_told: bool,
}

impl Finishing {
    /// Starts what is left to do. An environment that is known not to work is looked at again, and it is waited for.
    pub(crate) fn begin(
        machine: &Machine,
        environment: &Environment,
        requirements: &RequirementSet,
        cancelled: &dyn Fn() -> bool,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Self, EnvironmentError> {
        let mut finishing = Self {
            machine: machine.clone(),
            environment: environment.clone(),
            origins: requirements
                .iter()
                .filter_map(|item| Some((item.name.clone()?, item.origin.clone())))
                .collect(),
            process: None,
            is_told: false,
        };
        if environment.packages.is_empty() {
            return Ok(finishing);
        }
        let known = finishing.known();
        // What was missing may have been installed since: a library of the system, for instance.
        let is_bad = known.as_ref().is_some_and(|verdict| !verdict.broken().is_empty());
        finishing.is_told = known.is_some() && !is_bad;
        if is_bad || known.is_none() || record::compiled(&environment.folder).is_none() {
            finishing.start(is_bad, false)?;
        }
        if is_bad {
            finishing.check(true, cancelled, observer)?;
        }
        Ok(finishing)
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Whether the other one has nothing to look for that this one does not.
    ///
    /// Two sets of requirements that come to the same packages share an environment, and may ask for different ones of them.
    pub fn covers(&self, other: &Self) -> bool {
        self.environment.key == other.environment.key && other.names().is_subset(&self.names())
    }

    /// What the imports came to: `None` while they go on, unless it is to `wait` for them.
    ///
    /// The first answer is told to the observer, warnings included.
    ///
    /// # Errors
    /// [`EnvironmentError::Unimportable`] if a package can never be imported, [`EnvironmentError::Cancelled`].
    pub fn check(
        &mut self,
        wait: bool,
        cancelled: &dyn Fn() -> bool,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Option<Verdict>, EnvironmentError> {
        if self.environment.packages.is_empty() {
            return Ok(Some(Verdict::default()));
        }
        let Some(verdict) = self.verdict(wait, cancelled, observer)? else { return Ok(None) };
        if !self.is_told {
            self.is_told = true;
            observer(SetupEvent::EnvironmentChecked {
                key: self.environment.key.clone(),
                imports: verdict.imports.len(),
            });
            for import in verdict.doubtful() {
                let message =
                    format!("`{}` was installed but does not import: {}", import.requirement, import.cause());
                observer(SetupEvent::Warning { message });
            }
        }
        let mut broken = verdict.broken();
        for import in &mut broken {
            import.origin = self.origins.get(&normalize(&import.requirement)).cloned();
        }
        if broken.is_empty() {
            Ok(Some(verdict))
        } else {
            Err(EnvironmentError::Unimportable { imports: broken })
        }
    }

    /// Waits until all is done, folders of tests included, so that nothing is left to any run.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn complete(
        &mut self,
        cancelled: &dyn Fn() -> bool,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<(), EnvironmentError> {
        self.check(true, cancelled, observer)?;
        if self.wait_until(cancelled, |state| state.compiled.is_some()).is_none() {
            return Err(EnvironmentError::Cancelled);
        }
        self.process = None;
        let Environment { folder, packages, .. } = &self.environment;
        if !packages.is_empty() && record::compiled(folder) != Some(Compiled::All) {
            self.start(false, true)?;
            if self.wait_until(cancelled, |state| state.compiled == Some(Compiled::All)).is_none() {
                return Err(EnvironmentError::Cancelled);
            }
            self.process = None;
        }
        Ok(())
    }

    /// Waits until all that a run may import has byte-code, and ends the process. For the end of a run that succeeded.
    pub fn end(self, cancelled: &dyn Fn() -> bool) {
        self.wait_until(cancelled, |state| state.compiled.is_some());
    }

    /// Waits for the process, if there is one. `None` if `cancelled`.
    fn wait_until(&self, cancelled: &dyn Fn() -> bool, enough: impl Fn(&State) -> bool) -> Option<()> {
        match &self.process {
            Some(process) => process.wait(cancelled, enough).map(drop),
            None => Some(()),
        }
    }

    fn verdict(
        &mut self,
        wait: bool,
        cancelled: &dyn Fn() -> bool,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Option<Verdict>, EnvironmentError> {
        if self.process.is_none() {
            if let Some(verdict) = self.known() {
                return Ok(Some(verdict));
            }
            if !wait {
                // Whoever was at it may have ended.
                self.start(false, false)?;
                return Ok(None);
            }
            // Another alo process is at it. Should it have ended before it was done, the work is ours.
            let lock = KeyLock::acquire(&self.machine.cache, &self.lock_name(), cancelled)?;
            if let Some(verdict) = self.known() {
                return Ok(Some(verdict));
            }
            self.start_under(lock, false, false)?;
        }
        let Some(process) = &self.process else { return Ok(None) };
        let state = if wait {
            let patience = Instant::now() + PATIENCE;
            let mut waited =
                process.wait(cancelled, |state| state.verdict.is_some() || Instant::now() >= patience);
            if let Some(State { verdict: None, ended: false, importing, .. }) = &waited {
                observer(SetupEvent::WaitingForImports { packages: importing.iter().cloned().collect() });
                waited = process.wait(cancelled, |state| state.verdict.is_some());
            }
            waited.ok_or(EnvironmentError::Cancelled)?
        } else {
            process.state()
        };
        if state.verdict.is_none() && state.ended {
            let said = state.complaint.unwrap_or_else(|| "its process ended".to_owned());
            observer(SetupEvent::Warning {
                message: format!(
                    "whether the packages of the environment can be imported is not known: {said}"
                ),
            });
            self.is_told = true;
            return Ok(Some(Verdict::default()));
        }
        Ok(state.verdict)
    }

    /// Starts the process, unless another alo process is at the same work.
    fn start(&mut self, again: bool, tests: bool) -> Result<(), EnvironmentError> {
        match KeyLock::acquire(&self.machine.cache, &self.lock_name(), &|| true) {
            Ok(lock) => self.start_under(lock, again, tests),
            Err(LockError::Cancelled) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn start_under(&mut self, lock: KeyLock, again: bool, tests: bool) -> Result<(), EnvironmentError> {
        let folder: &Utf8Path = &self.environment.folder;
        let (known, mut names) = (record::checked(folder), self.names());
        let is_checked = !again && known.as_ref().is_some_and(|known| known.covers(&names));
        let mut known = known.unwrap_or_default();
        if again {
            names.append(&mut known.asked);
            known = Checked::default();
        }
        let imports = names.difference(&known.asked).cloned().collect();
        known.asked.append(&mut names);
        let order = Order {
            imports: (!is_checked).then_some(imports),
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            seconds: IMPORT_SECONDS,
            tests,
        };
        let started = Process::start(&self.machine, &self.environment.python, folder, &order, known, lock);
        let process = started.map_err(|source| EnvironmentError::Check {
            folder: folder.to_owned(),
            source: Box::new(source),
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// What was asked for by name.
    fn names(&self) -> BTreeSet<String> {
        self.environment.requirements.iter().filter_map(|line| distribution(line)).collect()
    }

    /// What the imports came to, if all that was asked for here has been tried.
    fn known(&self) -> Option<Verdict> {
        let known = record::checked(&self.environment.folder)?;
        known.covers(&self.names()).then_some(known.verdict)
    }

    fn lock_name(&self) -> String {
        format!("finish-{}", self.environment.key)
    }
}
