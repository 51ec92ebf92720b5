//! What happens in a sweep, as it happens.

use serde::Serialize;

use super::report::{SweepReport, SweepRun};
use crate::event::Event;

/// Something that happened in a sweep. As JSON: an object whose `event` field names it in `snake_case`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SweepEvent {
    /// What is done once for all runs: waiting for the project, set-up, data, the steps that all runs share.
    Shared {
        /// What happens.
        detail: Event,
    },
    /// The runs begin.
    SweepStarted {
        /// The sweep.
        sweep: String,
        /// How many combinations there are.
        combinations: usize,
        /// How many of them ran before the sweep was interrupted.
        done: usize,
        /// How many run at a time.
        jobs: usize,
        /// Steps that run once for all of them.
        shared_steps: usize,
    },
    /// Something is to be looked at.
    Warning {
        /// What.
        message: String,
    },
    /// One of the runs has ended.
    SweepRunFinished {
        /// It, in short.
        run: SweepRun,
        /// How many have ended.
        done: usize,
        /// How many there are.
        combinations: usize,
    },
    /// The sweep is over.
    SweepFinished {
        /// All of it, in short.
        report: SweepReport,
    },
}
