//! The alo engine: runs every step of a plan through an executor, keeps what it made, and tells an observer.
//!
//! A [`Project`] is a plan and its folder, an [`Engine`] runs it with an [`Executor`]: [`PythonExecutor`] for assets in
//! Python, [`NativeExecutor`] for steps that are Rust closures. What happens is told as [`Event`]s to an [`Observer`].
//!
//! ```
//! use alo_core::{Engine, NativeExecutor, Pipeline, PipelineKind, Plan, Project, RunOptions, Step, SummaryDraft};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let folder = camino::Utf8Path::from_path(temporary.path()).unwrap();
//! let mut plan = Plan::new("mean");
//! plan.pipelines.push(Pipeline::new(PipelineKind::Train, [Step::new("input"), Step::new("train")]));
//! let project = Project::new(folder, plan)?;
//!
//! let executor = NativeExecutor::new()
//!     .step("input", |context| {
//!         context.put_data("numbers", vec![0.5, 0.7]);
//!         Ok(())
//!     })
//!     .step("train", |context| {
//!         let numbers: &Vec<f64> = context.data("numbers")?;
//!         let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
//!         std::fs::write(context.model_path()?.join("mean.txt"), mean.to_string())?;
//!         context.save_summary(SummaryDraft::new("OK", mean))?;
//!         Ok(())
//!     });
//!
//! let report = Engine::new(executor).run(&project, &RunOptions::default(), &mut |_: &alo_core::Event| {})?;
//! assert_eq!(report.pipelines[0].summary.as_ref().unwrap().score, 0.6);
//! # Ok(())
//! # }
//! ```

mod cancel;
mod context;
mod eject;
mod engine;
mod event;
mod executor;
mod failure;
mod fetch;
mod fetch_report;
mod journal;
mod native;
mod project;
mod python;
mod report;
mod resume;
mod sweep;

pub use alo_artifacts as artifacts;
pub use alo_artifacts::error_chain;
pub use alo_assets as assets;
pub use alo_plan as plan;
pub use alo_plan::{Map, Pipeline, PipelineKind, Plan, Source, Step, StepName, Value};

pub use cancel::CancelToken;
pub use context::{Absent, ArgumentType, CustomConfig, Refusal, RefusalKind, StepContext, SummaryDraft};
pub use eject::eject;
pub use engine::{Engine, Mode, RunError, RunFailure, RunOptions};
pub use event::{Event, Level, Observer, Phase, Stream};
pub use executor::{
    Ahead, Executor, ExecutorError, Keeping, Preparation, Prepared, StepCode, UsedEnvironment, WarmUp,
};
pub use failure::{FailureKind, StepFailure};
pub use fetch::fetch;
pub use fetch_report::{
    CodeChange, FetchReport, FetchedEnvironment, FetchedPipeline, FetchedStep, GroupChange, PackageChange,
};
pub use journal::Journal;
pub use native::{NativeExecutor, StepResult};
pub use project::{InvalidPlan, Project, ProjectError};
pub use python::PythonExecutor;
pub use report::{
    EnvironmentReport, PipelineReport, Places, RunReport, StepReport, StepUsage, SummaryReport,
};
pub use resume::{StepDecision, Why};
pub use sweep::{
    AxisError, Goal, GridError, Sweep, SweepAxis, SweepError, SweepEvent, SweepGrid, SweepOptions,
    SweepReport, SweepRun, ValuesError,
};
