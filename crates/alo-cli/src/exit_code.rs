//! How `alo` ends. The same numbers stand in the README.

use std::process::ExitCode;

/// How `alo` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything went well.
    Success = 0,
    /// A run failed: a step, its data, its environment.
    RunFailed = 1,
    /// The command line or the plan is wrong.
    Wrong = 2,
    /// It was interrupted: Ctrl-C, SIGTERM, SIGHUP.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
