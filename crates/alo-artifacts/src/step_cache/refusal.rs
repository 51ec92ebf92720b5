//! Why what a step left is not kept.

use std::fmt;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

/// Why what a step left is not kept, so that it runs again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotKept {
    /// It failed.
    Failed,
    /// It wrote outside of its folders.
    WroteOutside {
        /// Where.
        path: Utf8PathBuf,
    },
    /// It started another program, which may have done anything.
    StartedProgram {
        /// Which one.
        program: String,
    },
    /// It opened a connection: what comes from there may change.
    Connected {
        /// Where to.
        address: String,
    },
    /// It asked for the id of its run, which holds the time.
    AskedForRun,
    /// It left the id of its run, as part of a path that goes with the run or otherwise.
    NamesRun {
        /// In which file of its artifacts, or in `data` or `config`.
        place: String,
    },
    /// It left something that cannot be put back, such as a link.
    LeftSpecial {
        /// What and where.
        what: String,
    },
    /// It left something that goes on, or is done, only after it, such as a thread: what it leaves was not whole.
    LeftUnfinished {
        /// What.
        what: String,
    },
    /// It changed something that all steps of its process share and that cannot be put back.
    ChangedProcess {
        /// What.
        what: String,
    },
    /// Its code changed while it ran.
    CodeChanged,
    /// What it has read outside of its folders was changed while it ran.
    ChangedMeanwhile {
        /// The file or folder.
        path: Utf8PathBuf,
    },
    /// It read more files outside of its folders than are looked after.
    ReadTooMuch,
    /// Nobody could watch it: it is no asset in Python.
    NotWatched,
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("it failed"),
            Self::WroteOutside { path } => write!(f, "it wrote outside its folders: `{path}`"),
            Self::StartedProgram { program } => write!(f, "it started another program: `{program}`"),
            Self::Connected { address } => write!(f, "it opened a connection: `{address}`"),
            Self::AskedForRun => f.write_str("it asked for the id of its run, which holds the time"),
            Self::NamesRun { place } => write!(f, "it left a path or id of its run in `{place}`"),
            Self::LeftSpecial { what } => write!(f, "it left something that cannot be put back: {what}"),
            Self::LeftUnfinished { what } => write!(f, "it left something unfinished: {what}"),
            Self::ChangedProcess { what } => {
                write!(f, "it or a step before changed what later steps see: {what}")
            }
            Self::CodeChanged => f.write_str("its code changed while it ran"),
            Self::ChangedMeanwhile { path } => write!(f, "`{path}`, which it read, was changed while it ran"),
            Self::ReadTooMuch => f.write_str("it read too many files outside its folders"),
            Self::NotWatched => f.write_str("steps that are no Python assets are not kept"),
        }
    }
}
