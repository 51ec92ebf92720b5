//! Which steps of a pipeline share an environment: all of them where that is possible, else the fewest groups.

mod clash;
mod decide;
mod fewest;

pub use clash::{Claim, Clash, Split};
pub(crate) use decide::{Grouping, GroupingError, StepNeeds};
