//! The pin of a step: the commit that a branch was when it was looked up.

use serde::{Deserialize, Serialize};

use crate::git::{CommitId, GitRef, TreeId};

/// The commit of a step, and what it was looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pin {
    /// The repository's address without credentials, as the plan writes it.
    pub url: String,
    /// Branch, tag or commit of the plan; `None` is the default branch.
    #[serde(default)]
    pub reference: Option<GitRef>,
    /// What that was when it was looked up.
    pub commit: CommitId,
    /// The tree of the commit: the same tree is the same code. Files of earlier versions do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<TreeId>,
}
