//! `alo.lock`: which commit of which repository each step runs.
//!
//! A pin holds as long as the plan's URL and reference stay the same. The file belongs under version control, so that others
//! run the same code; it holds no credentials.

mod error;
mod file;
mod pin;

pub use error::LockfileError;
pub use file::Lockfile;
pub use pin::Pin;
