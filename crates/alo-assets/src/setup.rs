//! The set-up of a pipeline: from its steps to verified folders of code and a ready environment.

use alo_plan::{PipelineKind, Plan, Step, StepName};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::asset::{AssetCode, CodeError};
use crate::cache::CacheUse;
use crate::code::CodeStore;
use crate::environment::{Environment, EnvironmentError, Environments, Wanted};
use crate::finishing::Finishing;
use crate::git::GitError;
use crate::grouping::{Grouping, GroupingError, Split, StepNeeds};
use crate::installer::Toolbox;
use crate::interpreter::{self, Found, InterpreterError};
use crate::lockfile::LockfileError;
use crate::missing::{self, Missing};
use crate::requirements::{self, Markers, Options, Places, Requirement, RequirementError, RequirementSet};
use crate::resolution::Resolver;
use crate::{Machine, SetupEvent, SetupPolicy};

/// What to set up.
pub struct SetupRequest<'a> {
    /// The project's folder, absolute: where relative paths start and `alo.lock` lies.
    pub project: &'a Utf8Path,
    /// The plan.
    pub plan: &'a Plan,
    /// Which of its pipelines.
    pub kind: PipelineKind,
    /// What may be refreshed, and what must not be touched.
    pub policy: &'a SetupPolicy,
    /// Asked now and then; true ends the set-up with [`SetupError::Cancelled`], with nothing left running.
    pub cancelled: &'a dyn Fn() -> bool,
    /// Gets the news.
    pub observer: &'a mut dyn FnMut(SetupEvent),
}

/// A pipeline that can run.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct PreparedPipeline {
    /// The steps in the order of execution.
    pub steps: Vec<PreparedStep>,
    /// The environments that the steps run in.
    pub environments: Vec<Environment>,
    /// Why there are several of them.
    pub split: Option<Split>,
    /// What the environments still need, in the same order. It goes on beside the steps; dropped, it ends.
    #[serde(skip)]
    pub finishing: Vec<Finishing>,
    /// Keeps code and environments in the cache.
    #[serde(skip)]
    pub in_use: Vec<CacheUse>,
}

/// A step that can run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreparedStep {
    /// Its name.
    pub name: StepName,
    /// Its code.
    pub code: AssetCode,
    /// Its environment: an index of [`PreparedPipeline::environments`].
    pub environment: usize,
}

/// Why a pipeline cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The plan has no such pipeline.
    #[error("the plan has no `{}`", .kind.key())]
    NoPipeline {
        /// The pipeline asked for.
        kind: PipelineKind,
    },
    /// The code of a step cannot be had.
    #[error("failed to get the code of step `{step}`")]
    Code {
        /// The step.
        step: StepName,
        /// Why.
        #[source]
        source: Box<CodeError>,
    },
    /// The requirements of a step make no sense.
    #[error("failed to read the requirements of step `{step}`")]
    Requirements {
        /// The step.
        step: StepName,
        /// Why.
        #[source]
        source: Box<RequirementError>,
    },
    /// The pins cannot be read or kept.
    #[error(transparent)]
    Lockfile(#[from] LockfileError),
    /// There is no Python to work with.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    /// There is no environment.
    #[error("failed to prepare the environment of `{}`", .kind.key())]
    Environment {
        /// The pipeline.
        kind: PipelineKind,
        /// Why.
        #[source]
        source: Box<EnvironmentError>,
    },
    /// What a step requires cannot be had, not even for it alone.
    #[error("failed to find the packages that step `{step}` requires")]
    Packages {
        /// The step.
        step: StepName,
        /// Why.
        #[source]
        source: Box<EnvironmentError>,
    },
    /// No network may be used, and not everything is there.
    #[error("what is needed is not there and no network may be used: {}", missing::list(.missing))]
    Offline {
        /// All that would have to be fetched; where a file of requirements is itself missing, what it names is not known.
        missing: Vec<Missing>,
    },
    /// The run has been cancelled.
    #[error("the set-up was cancelled")]
    Cancelled,
}

impl SetupError {
    /// What to check or to change.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Code { source, .. } => source.hint(),
            Self::Requirements { source, .. } => source.hint(),
            Self::Lockfile(error) => error.hint(),
            Self::Interpreter(error) => error.hint(),
            Self::Environment { source, .. } | Self::Packages { source, .. } => source.hint(),
            Self::Offline { .. } => {
                Some("run `alo fetch` with a network, or leave `--offline` away".to_owned())
            }
            Self::NoPipeline { .. } | Self::Cancelled => None,
        }
    }

    /// The line of a file that is at fault, underlined, if it is one.
    pub fn excerpt(&self) -> Option<String> {
        match self {
            Self::Requirements { source, .. } => source.excerpt(),
            _ => None,
        }
    }

    /// The last lines the installer said, without credentials, if it is what failed.
    pub fn output(&self) -> &[String] {
        match self {
            Self::Environment { source, .. } | Self::Packages { source, .. } => match &**source {
                EnvironmentError::Install { source, .. } => source.output(),
                _ => &[],
            },
            _ => &[],
        }
    }

    /// The step that is at fault, if it is one.
    pub fn step(&self) -> Option<&StepName> {
        match self {
            Self::Code { step, .. } | Self::Requirements { step, .. } | Self::Packages { step, .. } => {
                Some(step)
            }
            _ => None,
        }
    }
}

/// Turns the steps of a pipeline into folders of code and a Python environment that holds what they need.
///
/// What is there already is used as it is: a warm call starts no process and no connection. The environment of the inference
/// pipeline also holds what the train pipeline requires and inference does not name, since it loads what train's packages
/// have made; if both cannot be had together, it holds inference's own requirements and a warning says so.
///
/// # Errors
/// See [`SetupError`]; its [`hint`](SetupError::hint) says what to do.
///
/// ```no_run
/// use alo_assets::{Machine, SetupPolicy, SetupRequest, set_up};
/// use alo_plan::{PipelineKind, Plan};
///
/// # fn main() -> Result<(), alo_assets::SetupError> {
/// let machine = Machine::new("/home/me/.cache/alo", std::env::vars_os());
/// let plan = Plan::new("orders");
/// let prepared = set_up(&machine, SetupRequest {
///     project: "/home/me/orders".into(),
///     plan: &plan,
///     kind: PipelineKind::Train,
///     policy: &SetupPolicy::default(),
///     cancelled: &|| false,
///     observer: &mut |event| eprintln!("{event:?}"),
/// })?;
/// for step in &prepared.steps {
///     println!("{} runs {} in {}", step.name, step.code.file, prepared.environments[step.environment].python);
/// }
/// # Ok(())
/// # }
/// ```
pub fn set_up(machine: &Machine, request: SetupRequest<'_>) -> Result<PreparedPipeline, SetupError> {
    let SetupRequest { project, plan, kind, policy, cancelled, observer } = request;
    let pipeline = plan.pipeline(kind).ok_or(SetupError::NoPipeline { kind })?;
    let mut code = CodeStore::new(machine, project, plan, policy, cancelled)?;
    let places = Places { code: None, project, home: machine.home.as_deref() };
    let mut steps = Vec::new();
    let mut needs = Vec::new();
    let mut missing = Vec::new();
    for step in &pipeline.steps {
        if cancelled() {
            return Err(SetupError::Cancelled);
        }
        let found = match code.fetch(kind, step, observer) {
            Ok(found) => Some(found),
            Err(CodeError::Git(GitError::Offline { url, reference })) => {
                missing.push(Missing::Code { step: step.name.clone(), url, reference });
                None
            }
            Err(source) => return Err(code_error(&step.name, source)),
        };
        if found.is_none() && names_files(&step.requirements) {
            continue;
        }
        let folder = found.as_ref().map(|found| &*found.folder);
        needs.push(needs_of(step, Places { code: folder, ..places })?);
        steps.extend(found.map(|code| PreparedStep { name: step.name.clone(), code, environment: 0 }));
    }
    let carried = match kind {
        PipelineKind::Train => Vec::new(),
        PipelineKind::Inference => train_requirements(plan, &mut code, places, observer)?,
    };
    if missing.is_empty() {
        code.save_pins(kind, observer)?;
    }
    let found = match interpreter::find(machine, code.lock().python(kind)) {
        Err(_) if !missing.is_empty() => return Err(SetupError::Offline { missing }),
        found => found?,
    };
    let markers = Markers::of(found.interpreter.version);
    let (needs, carried) = (all_on(&markers, needs), all_on(&markers, carried));
    warn_of_python(&code, kind, &found, observer);
    let tools = Toolbox::new(machine, &found.interpreter, policy.offline, cancelled);
    let resolver = Resolver::new(&tools, policy, code.lock(), kind, project);
    let grouping =
        Grouping { resolver: &resolver, steps: &needs, carried: &carried, abi_facts: policy.abi_facts };
    let failed = |GroupingError { step, source }: GroupingError| match step {
        _ if source.is_cancelled() => SetupError::Cancelled,
        Some(step) => SetupError::Packages { step, source: Box::new(source) },
        None => SetupError::Environment { kind, source: Box::new(source) },
    };
    let cache = Environments::new(&tools);
    if !missing.is_empty() {
        let is_all_known = needs.len() == pipeline.steps.len();
        // A fault of another kind is told once the code is there.
        match missing::beside_code(&grouping, is_all_known, &cache, observer) {
            Err(error) if error.source.is_cancelled() => return Err(SetupError::Cancelled),
            packages => missing.extend(packages.unwrap_or_default()),
        }
        return Err(SetupError::Offline { missing });
    }
    let (groups, split) = match grouping.decide(observer) {
        Err(error) if policy.offline => {
            let missing = missing::of_steps(&grouping, error, observer).map_err(failed)?;
            return Err(SetupError::Offline { missing });
        }
        decided => decided.map_err(failed)?,
    };
    if let Some(split) = &split {
        observer(SetupEvent::Split(split.clone()));
    }
    let locked = code.allowed(kind, groups.iter().map(|group| group.locked.clone()).collect())?;
    let (mut environments, mut sets) = (Vec::new(), Vec::new());
    for group in groups {
        let wanted = Wanted { resolution: &group.resolved.resolution, requirements: &group.set };
        let environment = match cache.ensure(wanted, observer) {
            Ok(environment) => environment,
            Err(source) => match grouping.lacking(&group, &source) {
                Some(lacking) => {
                    missing.push(lacking);
                    continue;
                }
                None => return Err(failed(source.into())),
            },
        };
        for index in &group.members {
            if let Some(step) = steps.get_mut(*index) {
                step.environment = environments.len();
            }
        }
        environments.push(environment);
        sets.push(group.set);
    }
    if !missing.is_empty() {
        return Err(SetupError::Offline { missing });
    }
    code.save_environments(kind, locked, observer)?;
    let begin = |(environment, set)| Finishing::begin(machine, environment, set, cancelled, observer);
    let finishing: Result<_, EnvironmentError> = environments.iter().zip(&sets).map(begin).collect();
    let finishing = finishing.map_err(|source| failed(source.into()))?;
    let in_use = cache.into_uses().chain(code.into_uses()).collect();
    Ok(PreparedPipeline { steps, environments, split, finishing, in_use })
}

/// What a step requires, as it is written.
struct ReadNeeds {
    name: StepName,
    items: Vec<Requirement>,
    options: Options,
}

impl ReadNeeds {
    fn on(self, markers: &Markers) -> StepNeeds {
        StepNeeds { name: self.name, set: RequirementSet::on(markers, self.items, self.options) }
    }
}

fn all_on(markers: &Markers, needs: Vec<ReadNeeds>) -> Vec<StepNeeds> {
    needs.into_iter().map(|read| read.on(markers)).collect()
}

fn read_needs(step: &Step, places: Places<'_>) -> Result<ReadNeeds, RequirementError> {
    let (items, options) = requirements::of_step(&step.name, &step.requirements, places)?;
    Ok(ReadNeeds { name: step.name.clone(), items, options })
}

fn needs_of(step: &Step, places: Places<'_>) -> Result<ReadNeeds, SetupError> {
    read_needs(step, places)
        .map_err(|source| SetupError::Requirements { step: step.name.clone(), source: Box::new(source) })
}

/// The packages of the lock hold for one `X.Y`: for another they are looked for again, which nobody has asked for in words.
fn warn_of_python(
    code: &CodeStore<'_>,
    kind: PipelineKind,
    found: &Found,
    observer: &mut dyn FnMut(SetupEvent),
) {
    if let Some(message) = found.warning.clone() {
        observer(SetupEvent::Warning { message });
    }
    let version = found.interpreter.version;
    let Some(locked) = code.lock().python(kind) else { return };
    if (locked.major, locked.minor) != (version.major, version.minor) {
        observer(SetupEvent::Warning {
            message: format!(
                "`alo.lock` has the packages of `{}` for Python {}.{}: they are decided on again for Python {}.{}",
                kind.key(),
                locked.major,
                locked.minor,
                version.major,
                version.minor
            ),
        });
    }
}

fn code_error(step: &StepName, source: CodeError) -> SetupError {
    if source.is_cancelled() {
        SetupError::Cancelled
    } else {
        SetupError::Code { step: step.clone(), source: Box::new(source) }
    }
}

/// What the train pipeline requires. A step whose requirements cannot be read is left out, with a warning.
fn train_requirements(
    plan: &Plan,
    code: &mut CodeStore<'_>,
    places: Places<'_>,
    observer: &mut dyn FnMut(SetupEvent),
) -> Result<Vec<ReadNeeds>, SetupError> {
    let mut needs = Vec::new();
    for step in plan.pipeline(PipelineKind::Train).map(|pipeline| &pipeline.steps[..]).unwrap_or_default() {
        let folder: Result<Option<Utf8PathBuf>, CodeError> = if names_files(&step.requirements) {
            code.folder_of_train(step, observer).map(Some)
        } else {
            Ok(None)
        };
        let missing = match folder {
            Ok(folder) => match read_needs(step, Places { code: folder.as_deref(), ..places }) {
                Ok(read) => {
                    needs.push(read);
                    continue;
                }
                Err(error) => error.to_string(),
            },
            Err(error) if error.is_cancelled() => return Err(SetupError::Cancelled),
            Err(error) => error.to_string(),
        };
        observer(SetupEvent::Warning {
            message: format!(
                "what step `{}` of the train pipeline requires is not installed for inference: {missing}",
                step.name
            ),
        });
    }
    Ok(needs)
}

/// Whether requirements can only be read with the code beside them.
fn names_files(items: &[String]) -> bool {
    items.iter().any(|item| {
        let item = item.trim();
        let is_path = item.contains('/') && !item.contains("://");
        item.starts_with("requirements.txt") || item.starts_with(['-', '.']) || is_path
    })
}
