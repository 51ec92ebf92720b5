//! How a run is to go.

use alo_artifacts::{MemberTime, S3Environment};
use alo_assets::SetupPolicy;

use super::mode::Mode;
use crate::cancel::CancelToken;

/// How to run.
///
/// ```
/// use alo_core::{Mode, PipelineKind, RunOptions};
///
/// let options = RunOptions { mode: Mode::Only(PipelineKind::Train), ..RunOptions::default() };
/// assert!(options.wait);
/// ```
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Which pipelines run. Default: all.
    pub mode: Mode,
    /// Whether to wait for another run of the project, instead of failing at once. Default: true.
    pub wait: bool,
    /// What the set-up of code and environments may refresh. Default: what the plan has changed.
    pub setup: SetupPolicy,
    /// Whether steps that have not changed are put back instead of run, and all results are kept for the next time.
    /// Default: false.
    pub resume: bool,
    /// What S3 takes from the machine's environment. Default: nothing.
    pub s3: S3Environment,
    /// The times in exported archives. Default: those of the files.
    pub archive_time: MemberTime,
    /// Asks the run to stop.
    pub cancel: CancelToken,
    /// What others are told who wait for this run. Default: `alo`.
    pub command: String,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            mode: Mode::All,
            wait: true,
            setup: SetupPolicy::default(),
            resume: false,
            s3: S3Environment::default(),
            archive_time: MemberTime::default(),
            cancel: CancelToken::new(),
            command: "alo".to_owned(),
        }
    }
}
