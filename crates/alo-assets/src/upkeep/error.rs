//! What goes wrong when the cache is pruned.

use std::io;

use camino::Utf8PathBuf;

use crate::key_lock::LockError;

/// Why the cache could not be pruned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// Something cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A folder cannot be removed.
    #[error("failed to remove `{folder}`")]
    Remove {
        /// The folder.
        folder: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
