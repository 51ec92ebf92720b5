//! Sweeps: every combination of some settings as a run of its own, at the cost of what differs between them.
//!
//! `values` and `axis` read what is to be combined, `grid` combines it, `run` and `jobs` run it and keep a record, `finish` makes the
//! best run's artifacts current. `docs/design/sweeps.md` has the reasons.

mod axis;
mod error;
mod event;
mod finish;
mod grid;
mod input;
mod jobs;
mod options;
mod report;
mod run;
mod start;
mod values;

pub use axis::{AxisError, SweepAxis};
pub use error::SweepError;
pub use event::SweepEvent;
pub use grid::{GridError, SweepGrid};
pub use options::{Goal, SweepOptions};
pub use report::{SweepReport, SweepRun};
pub use run::Sweep;
pub use values::ValuesError;
