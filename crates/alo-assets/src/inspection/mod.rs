//! A look at the code of assets that runs none of it.

mod finding;
mod inspect;
mod locate;
mod pipeline;
mod raw_span;
mod report;
mod script;

pub use inspect::{InspectionError, inspect};
pub use report::{AssetReport, AssetUse, Generation};
