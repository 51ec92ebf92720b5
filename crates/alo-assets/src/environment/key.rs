//! The names of environments: a digest of all that decides what is in them.

use std::io;

use crate::digest;
use crate::interpreter::{Interpreter, Look};
use crate::resolution::Resolution;

/// Changes when environments are built in another way, so that older ones are left alone.
const GENERATION: u32 = 2;

/// The name of the environment of this interpreter that holds these packages: 32 hexadecimal digits.
///
/// An interpreter that has been replaced (another size or time) makes another environment.
pub(super) fn of(interpreter: &Interpreter, resolution: &Resolution) -> io::Result<String> {
    let look = Look::at(&interpreter.executable)?;
    let text = format!(
        "{GENERATION}\n{}\n{}\n{look:?}\n{}",
        interpreter.executable,
        interpreter.version,
        resolution.identity()
    );
    Ok(digest::of_text(&text).chars().take(32).collect())
}
