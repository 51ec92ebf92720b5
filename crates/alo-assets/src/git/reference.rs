//! What a plan asks for: a branch, a tag or a commit.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A branch, tag or commit, as written in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GitRef(String);

impl GitRef {
    /// Takes a name as written; blank ones are `None`, which means the repository's default branch.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can be a commit, whole or abbreviated to at least seven digits.
    pub(super) fn may_be_commit(&self) -> bool {
        (7..=64).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

impl fmt::Display for GitRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
