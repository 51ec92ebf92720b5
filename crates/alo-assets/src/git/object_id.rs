//! What a reference turns out to be: the full hashes of commits and trees.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of digits of SHA-1.
pub(super) const SHA1_LENGTH: usize = 40;
/// The number of digits of SHA-256.
pub(super) const SHA256_LENGTH: usize = 64;

/// The full hash of a commit: 40 hexadecimal digits (64 in a SHA-256 repository).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

/// The full hash of a tree, which is the same for two commits exactly if their files are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreeId(String);

/// A text that is no full hash of a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no full commit hash")]
pub struct CommitIdError(String);

/// A text that is no full hash of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no full hash of a git tree")]
pub struct TreeIdError(String);

fn is_full_hash(text: &str) -> bool {
    matches!(text.len(), SHA1_LENGTH | SHA256_LENGTH)
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl CommitId {
    /// All its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is of a repository whose objects are named by SHA-256.
    pub(crate) fn is_sha256(&self) -> bool {
        self.0.len() == SHA256_LENGTH
    }

    /// The first ten digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..10).unwrap_or(&self.0)
    }
}

impl TreeId {
    /// All its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CommitId {
    type Error = CommitIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_full_hash(&text) { Ok(Self(text)) } else { Err(CommitIdError(text)) }
    }
}

impl TryFrom<String> for TreeId {
    type Error = TreeIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_full_hash(&text) { Ok(Self(text)) } else { Err(TreeIdError(text)) }
    }
}

impl From<CommitId> for String {
    fn from(commit: CommitId) -> Self {
        commit.0
    }
}

impl From<TreeId> for String {
    fn from(tree: TreeId) -> Self {
        tree.0
    }
}

impl From<git2::Oid> for CommitId {
    fn from(id: git2::Oid) -> Self {
        Self(id.to_string())
    }
}

impl From<git2::Oid> for TreeId {
    fn from(id: git2::Oid) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
