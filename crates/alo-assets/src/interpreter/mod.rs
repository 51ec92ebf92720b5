//! Python interpreters of the machine: found, run once before they are believed, and remembered.

mod places;
mod probe;
mod search;
mod version;

pub use probe::Interpreter;
pub(crate) use probe::Look;
pub use search::InterpreterError;
pub(crate) use search::find;
pub use version::{PythonVersion, PythonVersionError};
