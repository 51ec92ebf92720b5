//! Steps that are Rust closures: what an embedding tool runs.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::context::{Refusal, StepContext};
use crate::error_chain;
use crate::executor::{Executor, ExecutorError, Preparation, Prepared, StepCode};
use crate::failure::{FailureKind, StepFailure};
use crate::journal::Journal;

/// What a native step gives back. `?` turns every error into one.
pub type StepResult = Result<(), Box<dyn Error + Send + Sync>>;

type NativeStep = Box<dyn FnMut(&mut StepContext<'_>) -> StepResult>;

/// Runs steps that are registered by name.
///
/// Values pass from step to step by move, so the plan's `interface_mode` makes no difference to it.
///
/// ```
/// use alo_core::NativeExecutor;
///
/// let executor = NativeExecutor::new()
///     .step("input", |context| {
///         context.put_data("numbers", vec![1.0, 2.0]);
///         Ok(())
///     })
///     .step("train", |context| {
///         let mean = context.data::<Vec<f64>>("numbers")?.iter().sum::<f64>() / 2.0;
///         context.put_data("mean", mean);
///         Ok(())
///     });
/// ```
#[derive(Default)]
pub struct NativeExecutor {
    steps: BTreeMap<String, NativeStep>,
}

impl NativeExecutor {
    /// Starts without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers the code of a step, for both pipelines. The same name again replaces it.
    #[must_use]
    pub fn step(
        mut self,
        name: impl Into<String>,
        code: impl FnMut(&mut StepContext<'_>) -> StepResult + 'static,
    ) -> Self {
        self.steps.insert(name.into(), Box::new(code));
        self
    }
}

impl Executor for NativeExecutor {
    fn prepare(&mut self, preparation: Preparation<'_>) -> Result<Prepared, ExecutorError> {
        let steps = &preparation.pipeline.steps;
        if let Some(unknown) = steps.iter().find(|step| !self.steps.contains_key(step.name.as_str())) {
            let known: Vec<_> = self.steps.keys().map(String::as_str).collect();
            return Err(ExecutorError::new(format!("no code is registered for step `{}`", unknown.name))
                .with_hint(format!(
                    "register it by `NativeExecutor::step`; registered are: {}",
                    known.join(", ")
                )));
        }
        let native = |name: &str| StepCode {
            identity: format!("native {name}"),
            description: serde_json::json!({ "kind": "native", "step": name }),
            editable: None,
        };
        let code = steps.iter().map(|step| native(step.name.as_str())).collect();
        Ok(Prepared { code, ..Prepared::default() })
    }

    fn run_step(&mut self, context: &mut StepContext<'_>) -> Result<(), StepFailure> {
        let name = context.step_name().to_owned();
        let Some(code) = self.steps.get_mut(&name) else {
            return Err(StepFailure::new(name, FailureKind::Import, "no code is registered for it"));
        };
        match catch_unwind(AssertUnwindSafe(|| code(context))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failed(&name, error.as_ref())),
            Err(panic) => {
                Err(StepFailure::new(name, FailureKind::Raised, format!("panic: {}", said(panic.as_ref()))))
            }
        }
    }

    fn finish(&mut self, _more: bool, _journal: &mut Journal<'_>) {}
}

fn failed(step: &str, error: &(dyn Error + 'static)) -> StepFailure {
    let kind = if error.is::<Refusal>() { FailureKind::Refused } else { FailureKind::Raised };
    StepFailure::new(step, kind, error_chain(error))
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
