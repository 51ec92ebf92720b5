//! One thing in which two runs differ, and how things are compared.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// What a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DifferenceArea {
    /// Score, result, state.
    Outcome,
    /// The list of steps.
    Step,
    /// An argument: `step.key`.
    Args,
    /// The code of a step: its commit, or the digest of a local folder.
    Code,
    /// The version of Python.
    Python,
    /// An installed package.
    Package,
    /// A file of the data, or a source.
    Data,
    /// The training whose model was used.
    Model,
    /// The version of the contents or of alo.
    Version,
}

impl DifferenceArea {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Step => "step",
            Self::Args => "args",
            Self::Code => "code",
            Self::Python => "python",
            Self::Package => "package",
            Self::Data => "data",
            Self::Model => "model",
            Self::Version => "version",
        }
    }
}

/// One thing in which two runs differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// What it is about.
    pub area: DifferenceArea,
    /// Which one: `train.n_estimators`, a step, a package, a file.
    pub name: String,
    /// In the first run; null where it has none.
    pub a: Value,
    /// In the second run; null where it has none.
    pub b: Value,
}

/// What a run has of one area, by name.
pub(super) type Things = BTreeMap<String, Value>;

/// Gives what two runs do not have alike, in the order of names.
pub(super) fn differences(area: DifferenceArea, a: &Things, b: &Things) -> Vec<Difference> {
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let of = |things: &Things, name: &String| things.get(name).cloned().unwrap_or(Value::Null);
    let differs = |name: &&String| a.get(*name) != b.get(*name);
    let difference = |name: &String| Difference { area, name: name.clone(), a: of(a, name), b: of(b, name) };
    names.into_iter().filter(differs).map(difference).collect()
}
