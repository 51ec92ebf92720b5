//! An object that lies at a place in a bucket.

use std::borrow::Cow;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemoteObject {
    pub(crate) key: String,
    /// Below the prefix; empty for a single object.
    pub(crate) relative: Utf8PathBuf,
    pub(crate) size: u64,
    pub(crate) etag: Option<String>,
    /// When it was changed, in milliseconds since 1970.
    pub(crate) changed: i64,
}

impl RemoteObject {
    /// What changes when the object changes: the `ETag`, or, for servers without, the time of change.
    pub(crate) fn tag(&self) -> Cow<'_, str> {
        let changed = || Cow::from(format!("changed {}", self.changed));
        self.etag.as_deref().map_or_else(changed, Cow::from)
    }
}
