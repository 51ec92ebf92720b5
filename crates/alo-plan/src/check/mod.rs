//! Checks of what is well-formed but cannot work, or probably is not meant.

mod detail;
mod external;
mod git_url;
mod order;
mod paths;
mod pep508;
mod requirement;

pub(crate) use detail::{details, shown_names, unknown_step};
pub(crate) use external::external;
pub(crate) use git_url::{redacted, source};
pub(crate) use order::{StepRef, steps};
pub use paths::paths;
pub(crate) use requirement::requirements;
pub use requirement::{ITEM_OPTIONS, LINE_OPTIONS};
