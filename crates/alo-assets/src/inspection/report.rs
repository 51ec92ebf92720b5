//! What is known of an asset after a look at its code.

use alo_plan::{Diagnostic, PipelineKind, StepName};
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

/// What was found in the code of one asset. Steps that run the same file share a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AssetReport {
    /// The file of the asset, absolute; `None` where there is none: the code was never fetched, or lacks it.
    pub path: Option<Utf8PathBuf>,
    /// The steps that run it, in the order of the plan.
    pub steps: Vec<AssetUse>,
    /// How its `UserAsset` is made; `None` if that cannot be seen.
    pub generation: Option<Generation>,
    /// Whether there is no error.
    pub valid: bool,
    /// The faults, in the order of the file; their spans are places in [`source`](Self::source).
    pub diagnostics: Vec<Diagnostic>,
    /// The text of the file; empty if it could not be read.
    #[serde(skip)]
    pub source: String,
}

/// A step that runs an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AssetUse {
    /// Its pipeline.
    pub pipeline: PipelineKind,
    /// Its name.
    pub step: StepName,
}

/// The generation of an asset, told by the parameters of its `__init__`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Generation {
    /// `(self, envs, argv, data, config)`; `run` returns what it hands on.
    #[serde(rename = "1.0")]
    One,
    /// `(self, asset_structure)`; `run` calls `save_data` and `save_config`.
    #[serde(rename = "2.x")]
    Two,
}

impl AssetReport {
    pub(super) fn new(path: Option<Utf8PathBuf>, first: AssetUse) -> Self {
        Self {
            path,
            steps: vec![first],
            generation: None,
            valid: true,
            diagnostics: Vec::new(),
            source: String::new(),
        }
    }

    /// Puts the faults in the order of the file, each once, and draws the conclusion.
    pub(super) fn conclude(&mut self) {
        self.diagnostics.sort_by_key(|fault| fault.span.map(|span| span.start.offset));
        let mut seen = std::collections::HashSet::new();
        self.diagnostics.retain(|fault| seen.insert((fault.span, fault.code, fault.message.clone())));
        self.valid = !self.diagnostics.iter().any(Diagnostic::is_error);
    }
}
