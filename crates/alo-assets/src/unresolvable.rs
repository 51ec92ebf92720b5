//! Sets of requirements that could not be installed together, remembered so that a warm run does not try again.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::durable;

const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    version: u32,
    reason: String,
}

/// What is remembered of one set.
pub(crate) struct Unresolvable(Utf8PathBuf);

impl Unresolvable {
    /// The memory of the set with this environment key.
    pub(crate) fn new(cache: &Utf8Path, key: &str) -> Self {
        Self(cache.join("unresolvable").join(format!("{key}.json")))
    }

    /// Why the set could not be installed, if that has been tried.
    pub(crate) fn reason(&self) -> Option<String> {
        let record: Record = serde_json::from_slice(&fs_err::read(&self.0).ok()?).ok()?;
        (record.version == FORMAT).then_some(record.reason)
    }

    /// Keeps the reason. If that fails, the next run tries again.
    pub(crate) fn remember(&self, reason: &str) {
        if let Ok(text) = serde_json::to_vec_pretty(&Record { version: FORMAT, reason: reason.to_owned() }) {
            let _ = durable::write(&self.0, &text);
        }
    }
}
