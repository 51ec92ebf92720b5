//! Python interpreters of the machine: found, run once before they are believed, and remembered.

mod error;
mod places;
mod probe;
mod refusal;
mod request;
mod search;
mod version;

pub use error::InterpreterError;
pub use probe::Interpreter;
pub(crate) use probe::Look;
pub use refusal::Refusal;
pub use request::PythonRequest;
pub(crate) use search::{Found, find};
pub use version::{PythonVersion, PythonVersionError};
