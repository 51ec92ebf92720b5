//! How steps have left what all code of a process shares: random numbers and environment variables.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

/// How steps have left random numbers and variables, by environment: each has a process of its own, for both pipelines.
#[derive(Debug, Default)]
pub(crate) struct ProcessStates(BTreeMap<String, State>);

#[derive(Debug)]
struct State {
    digest: String,
    /// The file that puts them there; none if the process is there by itself, because the step ran in it.
    file: Option<Utf8PathBuf>,
}

impl ProcessStates {
    /// A digest of the state in an environment, if a step has changed it.
    pub(super) fn digest(&self, environment: &str) -> Option<String> {
        self.0.get(environment).map(|state| state.digest.clone())
    }

    /// The file that a step is to begin with.
    pub(super) fn file(&self, environment: &str) -> Option<Utf8PathBuf> {
        self.0.get(environment).and_then(|state| state.file.clone())
    }

    /// A step that ran has left this state.
    pub(super) fn left(&mut self, environment: &str, digest: String) {
        self.0.insert(environment.to_owned(), State { digest, file: None });
    }

    /// A step that was put back had left this state.
    pub(super) fn put_back(&mut self, environment: &str, digest: String, file: Utf8PathBuf) {
        self.0.insert(environment.to_owned(), State { digest, file: Some(file) });
    }
}
