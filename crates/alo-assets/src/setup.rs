//! The set-up of a pipeline: from its steps to verified folders of code and a ready environment.

use alo_plan::{PipelineKind, Plan, StepName};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::asset::{AssetCode, CodeError};
use crate::code::CodeStore;
use crate::environment::{Environment, EnvironmentError, Environments, Wanted};
use crate::finishing::Finishing;
use crate::grouping::{Grouping, GroupingError, Split, StepNeeds};
use crate::installer::Toolbox;
use crate::interpreter::{self, InterpreterError};
use crate::lockfile::LockfileError;
use crate::requirements::{self, RequirementError, RequirementSet};
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
            Self::NoPipeline { .. } | Self::Cancelled => None,
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
    let mut steps = Vec::new();
    let mut needs = Vec::new();
    for step in &pipeline.steps {
        if cancelled() {
            return Err(SetupError::Cancelled);
        }
        let found = code.fetch(kind, step, observer).map_err(|source| code_error(&step.name, source))?;
        let (items, options) =
            requirements::of_step(&step.name, &step.requirements, Some(&found.folder), project).map_err(
                |source| SetupError::Requirements { step: step.name.clone(), source: Box::new(source) },
            )?;
        let mut set = RequirementSet::default();
        set.add(items, options);
        needs.push(StepNeeds { name: step.name.clone(), set });
        steps.push(PreparedStep { name: step.name.clone(), code: found, environment: 0 });
    }
    let carried = match kind {
        PipelineKind::Train => Vec::new(),
        PipelineKind::Inference => train_requirements(project, plan, &mut code, observer)?,
    };
    code.save_pins(kind, observer)?;
    let found = interpreter::find(machine, code.lock().python(kind))?;
    if let Some(message) = found.warning {
        observer(SetupEvent::Warning { message });
    }
    let tools = Toolbox::new(machine, &found.interpreter, policy.offline, cancelled);
    let resolver = Resolver { tools: &tools, policy, lock: code.lock(), kind, project };
    let grouping =
        Grouping { resolver: &resolver, steps: &needs, carried: &carried, abi_facts: policy.abi_facts };
    let failed = |GroupingError { step, source }: GroupingError| match step {
        _ if source.is_cancelled() => SetupError::Cancelled,
        Some(step) => SetupError::Packages { step, source: Box::new(source) },
        None => SetupError::Environment { kind, source: Box::new(source) },
    };
    let (groups, split) = grouping.decide(observer).map_err(failed)?;
    if let Some(split) = &split {
        observer(SetupEvent::Split(split.clone()));
    }
    let cache = Environments::new(&tools);
    let mut environments = Vec::new();
    let mut locked = Vec::new();
    for group in groups {
        let wanted = Wanted { resolution: &group.resolved.resolution, requirements: &group.set };
        let environment = cache.ensure(wanted, observer).map_err(|source| failed(source.into()))?;
        for index in &group.members {
            if let Some(step) = steps.get_mut(*index) {
                step.environment = environments.len();
            }
        }
        environments.push(environment);
        locked.push(group.locked);
    }
    code.save_environments(kind, locked, observer)?;
    let finishing = environments
        .iter()
        .map(|environment| Finishing::begin(machine, environment, cancelled, observer))
        .collect::<Result<_, _>>()
        .map_err(|source: EnvironmentError| failed(source.into()))?;
    Ok(PreparedPipeline { steps, environments, split, finishing })
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
    project: &Utf8Path,
    plan: &Plan,
    code: &mut CodeStore<'_>,
    observer: &mut dyn FnMut(SetupEvent),
) -> Result<Vec<StepNeeds>, SetupError> {
    let mut needs = Vec::new();
    for step in plan.pipeline(PipelineKind::Train).map(|pipeline| &pipeline.steps[..]).unwrap_or_default() {
        let folder: Result<Option<Utf8PathBuf>, CodeError> = if names_files(&step.requirements) {
            code.folder_of_train(step, observer).map(Some)
        } else {
            Ok(None)
        };
        let missing = match folder {
            Ok(folder) => {
                match requirements::of_step(&step.name, &step.requirements, folder.as_deref(), project) {
                    Ok((items, options)) => {
                        let mut set = RequirementSet::default();
                        set.add(items, options);
                        needs.push(StepNeeds { name: step.name.clone(), set });
                        continue;
                    }
                    Err(error) => error.to_string(),
                }
            }
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
        item.starts_with("requirements.txt") || item.starts_with('-') || item.starts_with('.')
    })
}
