//! What a new environment still needs once a step may start: a look whether its packages can be imported, and byte-code.

mod order;
mod process;
mod record;
mod verdict;
mod work;

pub use verdict::{ImportOutcome, ImportState, Verdict};
pub use work::Finishing;
