//! The asset API, implemented once: what a step sees of the world, whatever runs it.

mod arguments;
mod custom_config;
mod environment;
mod hand_off;
mod native_values;
mod paths;
mod python_text;
mod refusal;
mod step_context;
mod summary;

pub use arguments::{Absent, ArgumentType};
pub use custom_config::CustomConfig;
pub use refusal::{Refusal, RefusalKind};
pub use step_context::StepContext;
pub use summary::SummaryDraft;

pub(crate) use summary::GivenSummary;

pub(crate) use environment::with_slash;
pub(crate) use hand_off::Offer;
pub(crate) use step_context::{PipelineScope, PipelineState, WorkerState};
