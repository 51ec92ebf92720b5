//! What runs steps: the one trait between the engine and the code of a plan.

use alo_assets::SetupPolicy;
use alo_plan::Pipeline;
use camino::Utf8PathBuf;

use crate::cancel::CancelToken;
use crate::context::StepContext;
use crate::event::Observer;
use crate::failure::StepFailure;
use crate::journal::Journal;
use crate::project::Project;

/// Runs the steps of pipelines.
///
/// The engine calls [`prepare`](Self::prepare) before each pipeline, [`warm_up`](Self::warm_up) when it knows that steps will
/// run, then [`run_step`](Self::run_step) for each of its steps in order and [`settle`](Self::settle) if all of them succeeded, then
/// [`finish`](Self::finish), whether they did or not.
pub trait Executor {
    /// Looks, before the first pipeline of a run begins, for what would keep a later one from running and can be known now.
    ///
    /// Default: nothing is looked for.
    fn look_ahead(&mut self, _ahead: Ahead<'_>) -> Result<(), ExecutorError> {
        Ok(())
    }

    /// Makes ready what the steps of a pipeline need, before any of them runs.
    fn prepare(&mut self, preparation: Preparation<'_>) -> Result<Prepared, ExecutorError>;

    /// Begins, beside what the engine does before the first step, what will take time. Default: nothing.
    ///
    /// Steps can be run without it, only later.
    fn warm_up(&mut self, _warm_up: WarmUp<'_>) -> Result<(), ExecutorError> {
        Ok(())
    }

    /// Runs one step. What it may see and do is in its context.
    fn run_step(&mut self, context: &mut StepContext<'_>) -> Result<(), StepFailure>;

    /// Waits, after the last step of a pipeline, until it is known whether what its steps ran in is sound. Default: it is.
    ///
    /// What the steps have made counts only with it.
    fn settle(&mut self, _journal: &mut Journal<'_>) -> Result<(), ExecutorError> {
        Ok(())
    }

    /// Ends what the pipeline no longer needs. With `more` another pipeline of the same run follows.
    ///
    /// After it nothing of the pipeline writes to its folders any longer.
    fn finish(&mut self, more: bool, journal: &mut Journal<'_>);
}

/// The pipelines of a run that is about to begin.
#[non_exhaustive]
pub struct Ahead<'a> {
    /// The plan and its folder.
    pub project: &'a Project,
    /// The pipelines, in the order in which they will run.
    pub pipelines: &'a [&'a Pipeline],
    /// What their set-up may refresh.
    pub policy: &'a SetupPolicy,
    /// Asks to stop.
    pub cancel: &'a CancelToken,
    /// Where to tell what happens.
    pub observer: &'a mut dyn Observer,
}

/// What is to be prepared.
#[non_exhaustive]
pub struct Preparation<'a> {
    /// The plan and its folder.
    pub project: &'a Project,
    /// The pipeline about to run.
    pub pipeline: &'a Pipeline,
    /// What its set-up may refresh.
    pub policy: &'a SetupPolicy,
    /// Asks to stop.
    pub cancel: &'a CancelToken,
    /// Where to tell what happens.
    pub journal: Journal<'a>,
}

/// What steps of the prepared pipeline will run in.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct WarmUp<'a> {
    /// The plan and its folder.
    pub project: &'a Project,
    /// Asks to stop.
    pub cancel: &'a CancelToken,
}

impl<'a> WarmUp<'a> {
    /// For steps of that project.
    pub(crate) fn new(project: &'a Project, cancel: &'a CancelToken) -> Self {
        Self { project, cancel }
    }
}

/// What the run's record keeps of the code and the environment.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// For each step in order: what code it runs.
    pub code: Vec<StepCode>,
    /// The environments that the steps run in.
    pub environments: Vec<UsedEnvironment>,
    /// Why there are several of them, in a sentence.
    pub split: Option<String>,
    /// What else the results of its steps depend on; none if the executor cannot tell what a step has left.
    pub keeping: Option<Keeping>,
}

impl Prepared {
    /// The environment that a step runs in.
    pub(crate) fn environment_of(&self, step: &str) -> Option<&UsedEnvironment> {
        self.environments.iter().find(|used| used.steps.iter().any(|name| name == step))
    }
}

/// What the results of steps depend on beside their code, environment and data.
#[derive(Debug, Clone, Default)]
pub struct Keeping {
    /// Tells this asset API from every other.
    pub api: String,
    /// The environment variables that steps see and that are not of the user's session alone.
    pub variables: Vec<(String, Vec<u8>)>,
    /// Those of the user's session: a result depends on those that its step reads.
    pub session: Vec<(String, Vec<u8>)>,
}

/// What code a step runs.
#[derive(Debug, Clone, Default)]
pub struct StepCode {
    /// Tells this code from every other: a commit, a digest.
    pub identity: String,
    /// What the run's record says of it.
    pub description: serde_json::Value,
    /// Its folder, if its files may be edited.
    pub editable: Option<Utf8PathBuf>,
}

/// An environment that steps run in.
#[derive(Debug, Clone, Default)]
pub struct UsedEnvironment {
    /// What identifies it in the cache.
    pub key: String,
    /// The version of Python, such as `3.10.14`.
    pub python: String,
    /// The steps that run in it.
    pub steps: Vec<String>,
    /// The installed packages as `name==version`.
    pub packages: Vec<String>,
}

/// Why an executor could not prepare a pipeline.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ExecutorError {
    message: String,
    hint: Option<String>,
    excerpt: Option<String>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ExecutorError {
    /// An error of its own.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, excerpt: None, source: None }
    }

    /// Adds advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the line of a file that is at fault, ready to be shown.
    #[must_use]
    pub fn with_excerpt(mut self, excerpt: Option<String>) -> Self {
        self.excerpt = excerpt;
        self
    }

    /// Adds what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The line of a file that is at fault, with a mark below it; several lines of text.
    pub fn excerpt(&self) -> Option<&str> {
        self.excerpt.as_deref()
    }
}
