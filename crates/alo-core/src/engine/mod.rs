//! The engine: walks the pipelines of a plan from set-up to history.

mod aside;
mod error;
mod head;
mod history_run;
mod keeping;
mod mode;
mod options;
mod phases;
mod pipeline_run;
mod places;
mod progress;
mod run;
mod scope;

pub(crate) use aside::{AsideEnd, AsideRun, RunHead};
pub use error::{RunError, RunFailure};
pub use mode::Mode;
pub use options::RunOptions;
pub use run::Engine;
pub(crate) use run::{take_lock, tidy_up};
pub(crate) use scope::{Sources, data_sources};
