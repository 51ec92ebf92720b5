//! What S3 takes from the machine: variables and the home folder, as plain values.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use camino::Utf8PathBuf;

/// A server that sends nothing for so long has stalled.
const STALL: Duration = Duration::from_secs(30);

/// What S3 takes from the machine. Without it there are no credentials but those of the plan's key file.
///
/// ```
/// let environment = alo_artifacts::S3Environment::new([("AWS_REGION".into(), "eu-west-1".into())]);
/// assert_eq!(environment.variable("AWS_REGION"), Some("eu-west-1"));
/// assert!(!format!("{environment:?}").contains("eu-west-1"));
/// ```
#[derive(Clone)]
pub struct S3Environment {
    variables: BTreeMap<String, String>,
    /// A server that sends nothing for so long has stalled, and the request is tried again. Default: 30 s.
    pub stall_timeout: Duration,
}

impl Default for S3Environment {
    fn default() -> Self {
        Self { variables: BTreeMap::new(), stall_timeout: STALL }
    }
}

/// Names only: the values are secrets.
impl fmt::Debug for S3Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Environment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("stall_timeout", &self.stall_timeout)
            .finish()
    }
}

impl S3Environment {
    /// Keeps of a program's environment what S3 reads: `AWS_…`, the `ACCESS_KEY` and `SECRET_KEY` of ALO 1.0, and `HOME`.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let wanted =
            |name: &str| name.starts_with("AWS_") || matches!(name, "ACCESS_KEY" | "SECRET_KEY" | "HOME");
        let variables = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, value)| wanted(name) && !value.trim().is_empty())
            .collect();
        Self { variables, ..Self::default() }
    }

    /// The value of a variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim())
    }

    /// The first of these variables that is set.
    pub(crate) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.variable(name))
    }

    /// A file of the user's AWS configuration: where the variable says, else in `~/.aws/`.
    pub(crate) fn aws_file(&self, variable: &str, name: &str) -> Option<Utf8PathBuf> {
        let in_home = |home: &str| Utf8PathBuf::from(home).join(".aws").join(name);
        self.variable(variable).map(Utf8PathBuf::from).or_else(|| self.variable("HOME").map(in_home))
    }
}
