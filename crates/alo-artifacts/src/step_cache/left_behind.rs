//! What the engine knows of a finished step.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::dependency::Read;
use super::look::LookedAt;
use super::refusal::NotKept;

/// What is known of a finished step beside its files.
#[derive(Debug, Clone, Default)]
pub struct LeftBehind {
    /// What the engine keeps of it, for its return by [`StepEntry::state`](super::StepEntry::state).
    pub state: serde_json::Value,
    /// What of that, and of the summary, later steps can see.
    pub visible: String,
    /// Files whose content is told in `visible`, such as the summary with its date.
    pub told: Vec<Utf8PathBuf>,
    /// Files and folders outside of its own that it has read.
    pub read: Vec<Read>,
    /// What it has looked at there without opening it.
    pub looked: Vec<LookedAt>,
    /// Variables of the user's session that it has read, with digests of their values; none where one was not set.
    pub variables: BTreeMap<String, Option<String>>,
    /// Why it is not to be kept.
    pub not_kept: Option<NotKept>,
}
