//! The way from a plan to its buckets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use alo_plan::Permission;
use camino::Utf8PathBuf;

use super::bucket::{Bucket, Purpose};
use super::environment::S3Environment;
use super::error::S3Error;
use super::remote::Remote;

/// Opens buckets with the credentials of a plan. Clones share what is open; nothing is started before the first bucket.
#[derive(Clone, Default)]
pub struct S3Access(Arc<Inner>);

#[derive(Default)]
struct Inner {
    environment: S3Environment,
    permission: Permission,
    bases: Vec<Utf8PathBuf>,
    open: Mutex<BTreeMap<(String, Purpose), Arc<Bucket>>>,
}

impl fmt::Debug for S3Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Access").field("permission", &self.0.permission).finish_non_exhaustive()
    }
}

impl S3Access {
    /// Takes the plan's `external_path_permission`; a relative key file starts at the first of `bases` that has it.
    pub fn new(environment: S3Environment, permission: &Permission, bases: Vec<Utf8PathBuf>) -> Self {
        Self(Arc::new(Inner { environment, permission: permission.clone(), bases, open: Mutex::default() }))
    }

    /// Opens a bucket and makes sure that the server accepts the credentials; one that is open is used again.
    pub(crate) fn open(&self, bucket: &str, key: &str, purpose: Purpose) -> Result<Remote, S3Error> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = (bucket.to_owned(), purpose);
        if let Some(opened) = open.get(&known) {
            return Ok(Remote { bucket: Arc::clone(opened), key: key.to_owned() });
        }
        let Inner { environment, permission, bases, .. } = self.0.as_ref();
        let opened = Arc::new(Bucket::open(bucket, purpose, permission, environment, bases)?);
        open.insert(known, Arc::clone(&opened));
        Ok(Remote { bucket: opened, key: key.to_owned() })
    }
}
