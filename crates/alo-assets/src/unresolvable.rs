//! Sets of requirements that could not be installed together, remembered so that a warm run does not try again.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::durable;

const FORMAT: u32 = 1;
/// An index may have got new versions since: after a day the set is tried again.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    version: u32,
    reason: String,
}

/// What is remembered of one set.
#[derive(Debug)]
pub(crate) struct Unresolvable(Utf8PathBuf);

impl Unresolvable {
    /// The memory of the set with this environment key.
    pub(crate) fn new(cache: &Utf8Path, key: &str) -> Self {
        Self(cache.join("unresolvable").join(format!("{key}.json")))
    }

    /// Why the set could not be installed, if that has been tried lately.
    pub(crate) fn reason(&self) -> Option<String> {
        let tried = fs_err::metadata(&self.0).and_then(|meta| meta.modified()).ok()?;
        if tried.elapsed().is_ok_and(|age| age > LIFETIME) {
            return None;
        }
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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_failure_is_remembered_for_a_day() {
        let cache = tempfile::tempdir().unwrap();
        let set = Unresolvable::new(Utf8Path::from_path(cache.path()).unwrap(), "key");
        assert_eq!(set.reason(), None);
        set.remember("a and b clash");
        assert_eq!(set.reason().as_deref(), Some("a and b clash"));
        let file = fs_err::OpenOptions::new().append(true).open(&set.0).unwrap();
        file.file().set_modified(SystemTime::now() - LIFETIME - Duration::from_secs(1)).unwrap();
        assert_eq!(set.reason(), None);
    }
}
