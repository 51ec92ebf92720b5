//! What `finish.py` is told, and what it tells.

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::record::Compiled;
use super::verdict::ImportOutcome;

/// What is left to do.
#[derive(Debug, Serialize)]
pub(super) struct Order {
    /// Distributions to import; `None` if all were.
    #[serde(rename = "import")]
    pub(super) imports: Option<Vec<String>>,
    /// Processes at once.
    pub(super) jobs: usize,
    /// Seconds for one import.
    pub(super) seconds: u64,
    /// Whether folders of tests are compiled, too.
    pub(super) tests: bool,
}

/// A line of its output.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum News {
    /// These will be imported.
    Importing(Vec<String>),
    /// One import was tried.
    Import(ImportOutcome),
    /// All were.
    Checked {},
    /// So much has byte-code.
    Compiled(Compiled),
}

/// The name of the distribution that a line of requirements asks for; `None` for a path, an address or an option.
pub(super) fn distribution(line: &str) -> Option<String> {
    let line = line.trim();
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(line.len());
    let (name, rest) = line.split_at_checked(end)?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && !rest.starts_with(['/', ':', '+']);
    // A wheel beside the plan is a path, too; `finish.py` finds what was installed from it.
    (is_name && Utf8Path::new(name).extension() != Some("whl")).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_known_by_their_distributions() {
        for (line, name) in [
            ("pandas==1.5.3", "pandas"),
            ("scikit-learn", "scikit-learn"),
            ("ruamel.yaml[jinja2] ; python_version>'3'", "ruamel.yaml"),
            ("torch @ https://host/torch.whl", "torch"),
            ("numpy <2", "numpy"),
        ] {
            assert_eq!(distribution(line).as_deref(), Some(name), "{line}");
        }
        for line in [
            "./dist/a-1.0-py3-none-any.whl",
            "dist/a.whl",
            "a-1.0-py3-none-any.whl",
            "-e .",
            "git+https://h/a",
            "",
            "/a",
        ] {
            assert_eq!(distribution(line), None, "{line}");
        }
    }
}
