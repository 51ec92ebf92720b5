//! How results are printed.

use clap::ValueEnum;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people, on stderr.
    #[default]
    Human,
    /// For programs, on stdout.
    Json,
}
