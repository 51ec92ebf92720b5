//! What a set-up may refresh, and what it must not touch.

use alo_plan::StepName;
use jiff::Timestamp;

/// How far a set-up may go beyond what `alo.lock` and the cache hold.
///
/// ```
/// use alo_assets::{SetupPolicy, Update};
///
/// let policy = SetupPolicy::default();
/// assert_eq!(policy.update, Update::Nothing);
/// assert!(policy.abi_facts && !policy.locked && !policy.offline);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupPolicy {
    /// Which steps' branches are looked up again and whose packages are resolved again. Default: none; `get_asset_source: every`
    /// of the plan looks branches up all the same.
    pub update: Update,
    /// Whether `alo.lock` must stay as it is: a set-up that would change it fails. Default: false.
    pub locked: bool,
    /// Whether no network is used: what is missing is an error that names all of it. Default: false.
    pub offline: bool,
    /// Packages are resolved as the index stood then. Default: as it is now.
    pub as_of: Option<Timestamp>,
    /// Whether what is known of packages' binary interfaces (NumPy 1 or 2) completes a plan that is silent on it. Default: true.
    pub abi_facts: bool,
}

impl Default for SetupPolicy {
    fn default() -> Self {
        Self { update: Update::Nothing, locked: false, offline: false, as_of: None, abi_facts: true }
    }
}

/// What is to be refreshed in `alo.lock`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Update {
    /// Only what the plan has changed.
    #[default]
    Nothing,
    /// The commits and packages of all steps.
    All,
    /// The commits of these steps, in both pipelines, and the packages of the environments they run in.
    Steps(Vec<StepName>),
}

impl Update {
    /// Whether this step is to be refreshed.
    pub fn includes(&self, step: &StepName) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Steps(steps) => steps.contains(step),
        }
    }
}
