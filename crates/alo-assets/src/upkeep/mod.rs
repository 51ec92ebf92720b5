//! What the cache holds, what of it is in use, and what can go.

mod entry;
mod error;
mod info;
mod leftover;
mod prune;
mod removal;
mod size;
mod stock;

pub use entry::{CacheContent, CacheEntry};
pub use error::PruneError;
pub use info::CacheInfo;
pub use leftover::Leftovers;
pub use prune::{PruneLimits, Pruned, prune};
