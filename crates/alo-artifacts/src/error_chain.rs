//! Errors on one line, for where there is no chain: in logs, records, warnings, listings.

use std::error::Error;

/// The message of an error and those of its causes, on one line.
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
