//! Where things lie in the cache, which locks guard them, and when each was used last.

mod place;
mod usage;

pub(crate) use place::{CHECKOUTS, ENVIRONMENTS, MIRRORS, Place, TOOLS, TRASH, WIDE};
pub use usage::CacheUse;
pub(crate) use usage::NoUse;
