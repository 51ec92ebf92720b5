//! By which files the values of a step pass whose result is to be kept.

use camino::Utf8PathBuf;
use serde::Serialize;

/// By which files the values of a step pass, and what is noted while it runs.
#[derive(Debug, Clone)]
pub(crate) struct KeptValues {
    /// `data` of the step before; none for the first step.
    pub(crate) load_data: Option<Utf8PathBuf>,
    /// `config` of the step before.
    pub(crate) load_config: Option<Utf8PathBuf>,
    /// Where `data` is to be written.
    pub(crate) save_data: Utf8PathBuf,
    /// Where `config` is to be written.
    pub(crate) save_config: Utf8PathBuf,
    /// What the worker is to note.
    pub(crate) watch: WatchOrder,
}

/// What a worker is to note while a step runs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WatchOrder {
    /// Folders that the step may write to.
    pub(super) own: Vec<Utf8PathBuf>,
    /// Folders that it may read without further notice: what is in them is known otherwise.
    pub(super) known: Vec<Utf8PathBuf>,
    /// Puts the process where a step that was not run had left it.
    pub(super) load_process: Option<Utf8PathBuf>,
    /// Where their state is to be written, if the step changes it.
    pub(super) save_process: Utf8PathBuf,
}
