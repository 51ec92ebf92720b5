//! The set-up of a pipeline: from its steps to verified folders of code and a ready environment.

use alo_plan::{PipelineKind, Plan, StepName};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::asset::{AssetCode, CodeError};
use crate::code::CodeStore;
use crate::environment::{Environment, EnvironmentError, Environments, Wanted};
use crate::finishing::Finishing;
use crate::installer::Toolbox;
use crate::interpreter::{self, InterpreterError};
use crate::lockfile::LockfileError;
use crate::requirements::{self, RequirementError, RequirementSet, abi};
use crate::resolution::{Resolved, Resolver};
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
            Self::Environment { source, .. } => source.hint(),
            Self::NoPipeline { .. } | Self::Cancelled => None,
        }
    }

    /// The last lines the installer said, without credentials, if it is what failed.
    pub fn output(&self) -> &[String] {
        match self {
            Self::Environment { source, .. } => match &**source {
                EnvironmentError::Install { source, .. } => source.output(),
                _ => &[],
            },
            _ => &[],
        }
    }

    /// The step that is at fault, if it is one.
    pub fn step(&self) -> Option<&StepName> {
        match self {
            Self::Code { step, .. } | Self::Requirements { step, .. } => Some(step),
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
    let mut set = RequirementSet::default();
    for step in &pipeline.steps {
        if cancelled() {
            return Err(SetupError::Cancelled);
        }
        let found = code.fetch(kind, step, observer).map_err(|source| code_error(&step.name, source))?;
        let (items, options) =
            requirements::of_step(&step.name, &step.requirements, Some(&found.folder), project).map_err(
                |source| SetupError::Requirements { step: step.name.clone(), source: Box::new(source) },
            )?;
        set.add(items, options);
        steps.push(PreparedStep { name: step.name.clone(), code: found, environment: 0 });
    }
    let together = match kind {
        PipelineKind::Train => set.clone(),
        PipelineKind::Inference => {
            let train = train_requirements(project, plan, &mut code, observer)?;
            set.with_missing_of(&train)
        }
    };
    code.save_pins(kind, observer)?;
    let found = interpreter::find(machine, code.lock().python(kind))?;
    if let Some(message) = found.warning {
        observer(SetupEvent::Warning { message });
    }
    let tools = Toolbox::new(machine, &found.interpreter, policy.offline, cancelled);
    let resolver = Resolver { tools: &tools, policy, lock: code.lock(), kind, project };
    let names: Vec<_> = steps.iter().map(|step| &step.name).collect();
    let failed = |source: EnvironmentError| {
        if source.is_cancelled() {
            SetupError::Cancelled
        } else {
            SetupError::Environment { kind, source: Box::new(source) }
        }
    };
    let (set, decided) = decide(&resolver, set, together, &names, observer).map_err(failed)?;
    let wanted = Wanted { resolution: &decided.resolution, requirements: &set };
    let environment = Environments::new(&tools).ensure(wanted, observer).map_err(failed)?;
    let group = resolver.group(&decided, &set, &names);
    code.save_environments(kind, vec![group], observer)?;
    let environments = vec![environment];
    let finishing = environments
        .iter()
        .map(|environment| Finishing::begin(machine, environment, cancelled, observer))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    Ok(PreparedPipeline { steps, environments, finishing })
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
) -> Result<RequirementSet, SetupError> {
    let mut set = RequirementSet::default();
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
                        set.add(items, options);
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
    Ok(set)
}

/// Whether requirements can only be read with the code beside them.
fn names_files(items: &[String]) -> bool {
    items.iter().any(|item| {
        let item = item.trim();
        item.starts_with("requirements.txt") || item.starts_with('-') || item.starts_with('.')
    })
}

/// The packages for both pipelines' requirements, else those for the pipeline's own.
fn decide(
    resolver: &Resolver<'_>,
    own: RequirementSet,
    together: RequirementSet,
    steps: &[&StepName],
    observer: &mut dyn FnMut(SetupEvent),
) -> Result<(RequirementSet, Resolved), EnvironmentError> {
    let is_more = together != own;
    let together = complete(together, observer);
    if !is_more {
        let decided = resolver.resolve_or_fail(&together, steps, observer)?;
        return Ok((together, decided));
    }
    let reason = match resolver.resolve(&together, steps, observer)? {
        Ok(decided) => return Ok((together, decided)),
        Err(none) => none.reason,
    };
    observer(SetupEvent::Warning {
        message: format!(
            "the packages of the train pipeline cannot be installed beside those of the inference pipeline, which gets \
             its own alone ({reason})"
        ),
    });
    let own = complete(own, observer);
    let decided = resolver.resolve_or_fail(&own, steps, observer)?;
    Ok((own, decided))
}

fn complete(mut set: RequirementSet, observer: &mut dyn FnMut(SetupEvent)) -> RequirementSet {
    if let Some(addition) = abi::complete(&mut set) {
        observer(SetupEvent::RequirementAdded {
            requirement: addition.constraint.to_owned(),
            because: format!(
                "`{}` was built for NumPy 1 and the plan does not say which NumPy it wants",
                addition.because
            ),
        });
    }
    set
}
