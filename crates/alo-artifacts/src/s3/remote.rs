//! A place in a bucket.

use std::fmt;
use std::sync::Arc;

use super::bucket::Bucket;

/// An open bucket and a key or prefix in it.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) bucket: Arc<Bucket>,
    /// Without a slash in front; one at the end says that a prefix is meant.
    pub(crate) key: String,
}

impl Remote {
    /// What lies below this place under a name.
    pub(crate) fn join(&self, name: &str) -> Self {
        let folder = self.key.trim_end_matches('/');
        let key = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        Self { bucket: Arc::clone(&self.bucket), key }
    }
}

/// The URL.
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bucket.url(&self.key))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({self})")
    }
}

impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        self.bucket.name() == other.bucket.name() && self.key == other.key
    }
}

impl Eq for Remote {}
