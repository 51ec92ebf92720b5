//! What came of importing every package that was asked for.

use serde::{Deserialize, Serialize};

use crate::requirements::Origin;

/// How the import of one requirement went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImportOutcome {
    /// The package, as it was asked for: `scikit-learn`.
    pub requirement: String,
    /// The module that was imported: `sklearn`.
    pub module: String,
    /// Whether it went well.
    pub state: ImportState,
    /// What went wrong, in one sentence; `None` if nothing did.
    pub cause: Option<String>,
    /// Where the package is asked for, if it is asked for by name.
    #[serde(skip)]
    pub origin: Option<Origin>,
}

/// Whether an import went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ImportState {
    /// It did, or there is nothing to import.
    Ok,
    /// It did not, for a reason that may not matter here: no GPU, no display, a configuration that is missing.
    Warning,
    /// It never will: a library that does not fit, a module or library that is missing.
    Error,
}

/// What came of importing every package that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Verdict {
    /// Every requirement that has a module, in the order in which they were done.
    pub imports: Vec<ImportOutcome>,
}

impl Verdict {
    /// The imports that can never succeed, by name.
    pub fn broken(&self) -> Vec<ImportOutcome> {
        self.of(ImportState::Error)
    }

    /// The imports that failed for a reason that may not matter, by name.
    pub fn doubtful(&self) -> Vec<ImportOutcome> {
        self.of(ImportState::Warning)
    }

    fn of(&self, state: ImportState) -> Vec<ImportOutcome> {
        let mut found: Vec<_> = self.imports.iter().filter(|import| import.state == state).cloned().collect();
        found.sort_by(|one, other| one.requirement.cmp(&other.requirement));
        found
    }
}

impl ImportOutcome {
    /// The cause, or that there is none.
    pub(crate) fn cause(&self) -> &str {
        self.cause.as_deref().unwrap_or("it gave no reason")
    }

    /// Who asks for it: `required by step …`, with file and line if it stands in one.
    pub(crate) fn asked_for(&self) -> Option<String> {
        let Origin { step, file } = self.origin.as_ref()?;
        Some(match file {
            Some((file, line)) => format!("required by step `{step}`, {file}:{line}"),
            None => format!("required by step `{step}`"),
        })
    }

    /// What to change in the plan.
    pub(crate) fn hint(&self) -> String {
        let (requirement, cause) = (&self.requirement, self.cause());
        if cause.contains("another NumPy") {
            format!("add `numpy<2` to the requirements, or take a newer version of `{requirement}`")
        } else if cause.contains("another PyTorch") {
            format!("take versions of `torch` and `{requirement}` that were made for each other")
        } else if let Some(module) =
            cause.split("No module named '").nth(1).and_then(|rest| rest.split(['.', '\'']).next())
        {
            format!(
                "add the package that has the module `{module}` to the requirements, or take another version of `{requirement}`"
            )
        } else if cause.contains("cannot open shared object file") {
            "install the library of the system that is named above, or take a package that brings it along"
                .to_owned()
        } else {
            format!("take another version of `{requirement}`, or one that is made for this system")
        }
    }
}
