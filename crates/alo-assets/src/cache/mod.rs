//! What the cache holds, what of it is in use, and what can go.

mod info;
mod prune;
mod size;
mod usage;

pub use info::{CacheInfo, CachePart, CachedEnvironment};
pub use prune::{PruneError, PruneLimits, Pruned, prune};
pub use usage::EnvironmentUse;
