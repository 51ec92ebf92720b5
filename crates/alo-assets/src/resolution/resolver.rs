//! From requirements to exact packages: by the lock where it still holds, else by asking the installer.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use alo_plan::{PipelineKind, StepName};
use camino::Utf8Path;
use jiff::Timestamp;

use super::package::{PackageSource, Resolution};
use super::portable::Portable;
use crate::environment::{EnvironmentError, Spare, install_error, resolve_beside_guess, shown};
use crate::folder_copies::FolderCopies;
use crate::installer::{ResolveJob, Toolbox};
use crate::interpreter::PythonVersion;
use crate::key_lock::KeyLock;
use crate::lockfile::{LockedEnvironment, LockedGroup, LockedSteps, Lockfile, LockfileError};
use crate::requirements::RequirementSet;
use crate::unresolvable::Unresolvable;
use crate::{SetupEvent, SetupPolicy, digest, redact};

/// Decides on the packages of a pipeline's environments.
pub(crate) struct Resolver<'a> {
    pub(crate) tools: &'a Toolbox<'a>,
    pub(crate) policy: &'a SetupPolicy,
    lock: &'a Lockfile,
    kind: PipelineKind,
    project: &'a Utf8Path,
    /// Which digests had no solution in this set-up, and why: no question is asked twice.
    failed: RefCell<HashMap<String, String>>,
}

/// Packages that have been decided on.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) resolution: Resolution,
    digest: String,
    python: PythonVersion,
    as_of: Option<Timestamp>,
}

/// Requirements that have no solution together.
#[derive(Debug)]
pub(crate) struct NoSolution {
    /// Why, in the installer's words.
    pub(crate) reason: String,
    /// The error of the installer; `None` if it was asked in an earlier run.
    pub(crate) error: Option<EnvironmentError>,
    /// Where it can be kept for the next run.
    memory: Option<Unresolvable>,
}

impl NoSolution {
    /// Lets the next run do without asking. Only for requirements of which is known that each step's own can be had: else
    /// a fault of one of them would be taken for a clash.
    pub(crate) fn remember(&self) {
        if let Some(memory) = &self.memory {
            memory.remember(&self.reason);
        }
    }
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        tools: &'a Toolbox<'a>,
        policy: &'a SetupPolicy,
        lock: &'a Lockfile,
        kind: PipelineKind,
        project: &'a Utf8Path,
    ) -> Self {
        Self { tools, policy, lock, kind, project, failed: RefCell::default() }
    }

    /// The exact packages for the requirements of these steps.
    ///
    /// The inner error says that the requirements exclude each other, the outer one that this could not be found out.
    pub(crate) fn resolve(
        &self,
        set: &RequirementSet,
        steps: &[&StepName],
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Result<Resolved, NoSolution>, EnvironmentError> {
        self.look(set, steps, false, observer)
    }

    /// As [`resolve`](Self::resolve), for requirements that have nothing to give way to: no solution is an error, and an
    /// earlier run's word is not taken for it.
    pub(crate) fn resolve_or_fail(
        &self,
        set: &RequirementSet,
        steps: &[&StepName],
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Resolved, EnvironmentError> {
        match self.look(set, steps, true, observer)? {
            Ok(resolved) => Ok(resolved),
            Err(NoSolution { error: Some(error), .. }) => Err(error),
            Err(NoSolution { reason, error: None, .. }) => Err(EnvironmentError::NoSolution { reason }),
        }
    }

    fn look(
        &self,
        set: &RequirementSet,
        steps: &[&StepName],
        is_insisting: bool,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Result<Resolved, NoSolution>, EnvironmentError> {
        if let Some(known) = self.kept(set, steps)? {
            return Ok(Ok(known));
        }
        let digest = self.digest(set)?;
        let (python, as_of) = (self.tools.interpreter.version, self.policy.as_of);
        let resolved = |resolution| Resolved { resolution, digest: digest.clone(), python, as_of };
        if set.is_empty() {
            return Ok(Ok(resolved(Resolution::default())));
        }
        if self.policy.locked {
            let names: Vec<_> = steps.iter().map(|step| format!("`{step}`")).collect();
            let changes = vec![format!("the packages of {}", names.join(", "))];
            return Err(LockfileError::Packages { changes }.into());
        }
        let unresolvable = Unresolvable::new(&self.tools.machine.cache, &self.memory_key(&digest));
        if let Some(reason) = unresolvable.reason().filter(|_| !is_insisting && !self.is_updated(steps)) {
            return Ok(Err(NoSolution { reason, error: None, memory: None }));
        }
        // Without a network, what is missing here may well be there.
        let memory = (!self.policy.offline).then_some(unresolvable);
        if let (false, Some(reason)) = (is_insisting, self.failed.borrow().get(&digest)) {
            return Ok(Err(NoSolution { reason: reason.clone(), error: None, memory }));
        }
        match self.ask(set, steps, &digest, observer) {
            Ok(resolution) => Ok(Ok(resolved(resolution))),
            Err(error) => match error.unresolvable() {
                Some(reason) => {
                    self.failed.borrow_mut().insert(digest, reason.clone());
                    Ok(Err(NoSolution { reason, error: Some(error), memory }))
                }
                None => Err(error),
            },
        }
    }

    /// The packages that the lock has for these requirements.
    pub(crate) fn kept(
        &self,
        set: &RequirementSet,
        steps: &[&StepName],
    ) -> Result<Option<Resolved>, EnvironmentError> {
        let digest = self.digest(set)?;
        let Some(known) = self.locked(&digest, steps) else { return Ok(None) };
        let resolution = self.portable().back(known.packages.clone());
        Ok(Some(Resolved { resolution, digest, python: known.python, as_of: known.as_of }))
    }

    /// The groups of steps that the lock has for this pipeline.
    pub(crate) fn locked_steps(&self) -> impl Iterator<Item = &LockedSteps> {
        self.lock.environments().iter().filter_map(|entry| entry.members(self.kind))
    }

    /// Whether the lock has an environment for a step of this pipeline, whatever it now requires.
    pub(crate) fn has_locked(&self, step: &StepName) -> bool {
        self.locked_steps().any(|group| group.steps.iter().any(|name| name == step.as_str()))
    }

    /// How the lock keeps what was decided.
    pub(crate) fn group(
        &self,
        resolved: &Resolved,
        set: &RequirementSet,
        steps: &[&StepName],
    ) -> LockedGroup {
        LockedGroup {
            python: resolved.python,
            as_of: resolved.as_of,
            packages: self.portable().out(resolved.resolution.clone()),
            members: LockedSteps {
                steps: steps.iter().map(ToString::to_string).collect(),
                requirements: shown(set).iter().map(|line| self.portable().text(line)).collect(),
                digest: resolved.digest.clone(),
                clash: None,
                left_out: BTreeMap::new(),
            },
        }
    }

    /// All that decides on the packages: requirements, options, the content of local files, and the Python.
    pub(crate) fn digest(&self, set: &RequirementSet) -> Result<String, EnvironmentError> {
        let PythonVersion { major, minor, .. } = self.tools.interpreter.version;
        let identity = redact(&set.identity().map_err(EnvironmentError::Read)?);
        Ok(digest::of_text(&format!("python {major}.{minor}\n{}", self.portable().text(&identity))))
    }

    /// A failure holds for one interpreter, one day of the index, and the indexes that the user's settings name.
    fn memory_key(&self, digest: &str) -> String {
        let as_of = self.policy.as_of.map(|time| time.to_string()).unwrap_or_default();
        let is_setting = |name: &str| name.starts_with("PIP_") || name.starts_with("UV_");
        let settings: Vec<_> = self
            .tools
            .machine
            .variables
            .iter()
            .filter(|(name, _)| name.to_str().is_some_and(is_setting))
            .collect();
        digest::of_text(&format!("{digest} {as_of} {} {settings:?}", self.tools.interpreter.executable))
    }

    /// The entry of the lock that holds for these requirements: this pipeline's own before one of the other.
    fn locked(&self, digest: &str, steps: &[&StepName]) -> Option<&LockedEnvironment> {
        if self.is_updated(steps) {
            return None;
        }
        let is_of_day =
            |entry: &&LockedEnvironment| self.policy.as_of.is_none() || entry.as_of == self.policy.as_of;
        // Both have the same digest, and other packages, where only one of them was updated.
        let is_own = |entry: &LockedEnvironment| {
            entry.members(self.kind).is_some_and(|members| members.digest == digest)
        };
        let mut entries = self.lock.environments().iter().filter(is_of_day);
        entries.clone().find(|entry| is_own(entry)).or_else(|| entries.find(|entry| entry.is_of(digest)))
    }

    fn is_updated(&self, steps: &[&StepName]) -> bool {
        steps.iter().any(|step| self.policy.update.includes(step))
    }

    fn ask(
        &self,
        set: &RequirementSet,
        steps: &[&StepName],
        digest: &str,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Resolution, EnvironmentError> {
        let cache = &self.tools.machine.cache;
        let folder = cache.join("resolving").join(digest);
        let io = |source| EnvironmentError::Cache { folder: folder.clone(), source };
        let _lock = KeyLock::acquire(cache, &format!("resolve-{digest}"), self.tools.cancelled)?;
        // What a killed process has left may hold credentials: the next one with this question removes it.
        if folder.exists() {
            fs_err::remove_dir_all(&folder).map_err(io)?;
        }
        fs_err::create_dir_all(&folder).map_err(io)?;
        let preferences = self.preferences(set, steps);
        let resolution = self.ask_in(&folder, set, &preferences, observer);
        let removed = fs_err::remove_dir_all(&folder).map_err(io);
        let resolution = resolution?;
        removed?;
        Ok(resolution)
    }

    fn ask_in(
        &self,
        scratch: &Utf8Path,
        set: &RequirementSet,
        preferences: &Resolution,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Resolution, EnvironmentError> {
        let interpreter = self.tools.interpreter;
        let guard = self.tools.guard()?;
        let mut runner = self.tools.runner(&guard, observer);
        let failed = |source| install_error(interpreter, source);
        let installer = self.tools.installer(scratch, &mut runner).map_err(failed)?;
        (runner.observer)(SetupEvent::ResolvingPackages {
            installer: installer.name().to_owned(),
            requirements: shown(set),
        });
        for (item, index) in &set.options.of_items {
            (runner.observer)(SetupEvent::Warning {
                message: format!(
                    "the index `{}` of `{}` is asked for every package of its environment: the highest version counts, whichever index has it",
                    redact(index),
                    redact(item)
                ),
            });
        }
        Spare::begin(self.tools, &*installer, &mut runner);
        let copies = FolderCopies::of_requirements(set, scratch).map_err(EnvironmentError::Read)?;
        let with_copies = copies.in_requirements(set);
        runner.names = copies.names();
        let job = ResolveJob {
            interpreter,
            requirements: &with_copies,
            preferences,
            as_of: self.policy.as_of,
            offline: self.policy.offline,
            is_in_place: false,
            scratch,
        };
        let resolved = match resolve_beside_guess(self.tools, &guard, &*installer, &job, &mut runner) {
            Err(error) if copies.may_need_their_place(&error) => {
                let job = ResolveJob { requirements: set, is_in_place: true, ..job };
                installer.resolve(&job, &mut runner)
            }
            done => done.map(|resolution| copies.given_back(resolution)),
        };
        resolved.map_err(|error| {
            let is_asked = !self.policy.offline && !set.options.no_index;
            failed(if is_asked { error.with_refusal(self.tools.machine, set) } else { error })
        })
    }

    /// The locked packages, those of the same steps before others; none that the requirements themselves rule out.
    fn preferences(&self, set: &RequirementSet, steps: &[&StepName]) -> Resolution {
        if self.is_updated(steps) || self.policy.as_of.is_some() {
            return Resolution::default();
        }
        let PythonVersion { major, minor, .. } = self.tools.interpreter.version;
        let python = PythonVersion { major, minor, patch: None };
        let mut entries: Vec<_> =
            self.lock.environments().iter().filter(|entry| entry.python.satisfies(python)).collect();
        let is_own = |entry: &&LockedEnvironment| {
            entry.members(self.kind).is_some_and(|members| {
                steps.iter().any(|step| members.steps.iter().any(|known| known == step.as_str()))
            })
        };
        // A stable sort: the order of the file counts among equals.
        entries.sort_by_key(|entry| !is_own(entry));
        let mut packages: Vec<super::ResolvedPackage> = Vec::new();
        for package in entries.iter().flat_map(|entry| entry.packages.packages()) {
            let is_new = packages.iter().all(|known| known.name != package.name);
            if is_new && package.source == PackageSource::Index && set.allows(package) {
                packages.push(package.clone());
            }
        }
        Resolution::new(packages, &RequirementSet::default())
    }

    fn portable(&self) -> Portable<'_> {
        Portable { project: self.project, cache: &self.tools.machine.cache }
    }
}
