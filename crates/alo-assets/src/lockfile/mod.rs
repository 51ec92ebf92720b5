//! `alo.lock`: which commit of which repository each step runs, and which packages with it.
//!
//! A pin holds as long as the plan's URL and reference stay the same, packages as long as the requirements do. The file
//! belongs under version control, so that others run the same code in the same environment; it holds no credentials.

mod environments;
mod error;
mod file;
mod pin;

pub(crate) use environments::LockedGroup;
pub use environments::{LockedEnvironment, LockedSteps};
pub use error::LockfileError;
pub use file::Lockfile;
pub use pin::Pin;
