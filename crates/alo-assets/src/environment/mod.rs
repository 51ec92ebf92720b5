//! Python environments of the cache: named by what they hold, built once, found without starting a process.

mod audit;
mod build;
mod contents;
mod error;
mod guess;
mod key;
mod record;
mod spare;

pub(crate) use build::{Environments, Wanted, install_error, shown};
pub use error::EnvironmentError;
pub(crate) use guess::resolve_beside_guess;
pub use record::Environment;
pub(crate) use spare::Spare;
