//! Why an installation failed: found in what the installer said.

use std::fmt;
use std::io;

use super::choice::FIRST_UV;
use super::index_status;
use crate::Machine;
use crate::requirements::{Origin, RequirementSet};

/// An installer that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// It ended with an error.
    #[error("{installer} failed to install the packages: {reason}")]
    Failed {
        /// `uv` or `pip`.
        installer: &'static str,
        /// The reason as far as it can be told.
        reason: FailureReason,
        /// The last lines it said, without credentials.
        lines: Vec<String>,
    },
    /// It could not be started, or its output could not be read.
    #[error("failed to run `{program}`")]
    Run {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The uv that the user has named is none.
    #[error("`{program}`, which `ALO_UV` names, is no uv that can be used: {said}")]
    NotUv {
        /// The program.
        program: String,
        /// What is wrong with it.
        said: String,
    },
    /// uv was asked for and cannot be had.
    #[error("there is no uv: {because}")]
    NoUv {
        /// Why not.
        because: String,
    },
    /// The run has been cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl InstallError {
    /// What to check or to change.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { reason, .. } => reason.hint(),
            Self::NotUv { .. } => {
                Some(format!("name a uv of at least {}.{}, or unset `ALO_UV`", FIRST_UV.0, FIRST_UV.1))
            }
            Self::NoUv { .. } => Some("put uv on PATH, or let pip install: `--installer pip`".to_owned()),
            Self::Run { .. } | Self::Cancelled => None,
        }
    }

    /// The last lines the installer said, without credentials.
    pub fn output(&self) -> &[String] {
        match self {
            Self::Failed { lines, .. } => lines,
            Self::Run { .. } | Self::NotUv { .. } | Self::NoUv { .. } | Self::Cancelled => &[],
        }
    }

    /// The same, with the place of the hash if the requirements have one of their own that is not met.
    pub(crate) fn with_own_hash(self, requirements: &RequirementSet) -> Self {
        let Self::Failed { installer, reason: FailureReason::Hash(line), lines } = self else { return self };
        let is_told = |hash: &String| {
            let digits = hash.split_once(':').map_or(hash.as_str(), |(_, digits)| digits);
            lines.iter().any(|line| line.contains(digits))
        };
        let own = requirements.iter().find(|item| item.hashes.iter().any(is_told));
        let reason = match own {
            Some(item) => FailureReason::OwnHash { line, origin: Box::new(item.origin.clone()) },
            None => FailureReason::Hash(line),
        };
        Self::Failed { installer, reason, lines }
    }

    /// The same, with the index at fault if it refuses, which installers tell as if it had no such package.
    pub(crate) fn with_refusal(self, machine: &Machine, requirements: &RequirementSet) -> Self {
        match self {
            Self::Failed { installer, reason: FailureReason::NoVersion(line), lines } => {
                let refusal = index_status::refusal(machine, requirements);
                let reason = refusal.map_or(FailureReason::NoVersion(line), FailureReason::Refused);
                Self::Failed { installer, reason, lines }
            }
            other => other,
        }
    }

    /// Whether the packages cannot be had together, so that another set of them may do.
    pub(crate) fn is_unresolvable(&self) -> bool {
        matches!(
            self,
            Self::Failed {
                reason: FailureReason::Conflict(_)
                    | FailureReason::NoVersion(_)
                    | FailureReason::NoWheel(_)
                    | FailureReason::Build(_),
                ..
            }
        )
    }
}

/// The reason of a failed installation, with the line that tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureReason {
    /// No index has that package or version.
    NoVersion(String),
    /// The package exists, but not for this Python or this kind of machine.
    NoWheel(String),
    /// Requirements contradict each other.
    Conflict(String),
    /// A package that comes as source could not be built.
    Build(String),
    /// The index cannot be reached.
    Network(String),
    /// A file is not the one that the lock or the plan names.
    Hash(String),
    /// A downloaded file does not have the hash that the plan or a file of requirements gives.
    OwnHash {
        /// The line that tells it.
        line: String,
        /// Where the hash is written.
        origin: Box<Origin>,
    },
    /// The repository of a package cannot be fetched.
    Repository(String),
    /// An index or a server answers, and refuses.
    Refused(String),
    /// The disk is full.
    DiskFull(String),
    /// Anything else.
    Other(String),
}

impl FailureReason {
    /// What was not found, if a network might have helped to find it.
    pub(crate) fn lack(&self) -> Option<&str> {
        match self {
            Self::NoVersion(line) | Self::Network(line) => Some(line),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::NoVersion(_) => "check the name and the version of the requirement, whether it is made for this Python, and the index if it is your own",
                Self::NoWheel(_) => "choose a version that is made for this Python, or another Python with `--python`",
                Self::Conflict(_) => "loosen one of the requirements that exclude each other",
                Self::Build(_) => "choose a version that has a wheel for this Python, or install what its build needs",
                Self::Network(_) => "check the network, the proxy (`HTTPS_PROXY`) and the index (`PIP_INDEX_URL`)",
                Self::Hash(_) => "the file on the index has changed, or is not what was meant: run `alo update` once you trust it",
                Self::OwnHash { origin, .. } => {
                    return Some(format!("correct the hash in {origin} if the file is the one that is meant"));
                }
                Self::Repository(_) => "check the address, the branch or tag, and whether you may read the repository",
                Self::Refused(_) => "check the address of the index, and the user and password or token for it",
                Self::DiskFull(_) => "free space on the disk of the cache",
                Self::Other(_) => return None,
            }
            .to_owned(),
        )
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVersion(line) => write!(f, "there is no such package or version for this Python: {line}"),
            Self::NoWheel(line) => write!(f, "a package is not made for this Python: {line}"),
            Self::Conflict(line) => write!(f, "the requirements exclude each other: {line}"),
            Self::Build(line) => write!(f, "a package could not be built: {line}"),
            Self::Network(line) => write!(f, "the package index cannot be reached: {line}"),
            Self::Hash(line) => write!(f, "a downloaded file is not the expected one: {line}"),
            Self::OwnHash { line, origin } => {
                write!(f, "a downloaded file does not have the hash in {origin}: {line}")
            }
            Self::Repository(line) => write!(f, "the repository of a package cannot be fetched: {line}"),
            Self::Refused(line) => write!(f, "the package index refuses: {line}"),
            Self::DiskFull(_) => f.write_str("the disk is full"),
            Self::Other(line) => f.write_str(line),
        }
    }
}

/// What installers say, lower-case, and what it means; the first that is found counts.
type Signs = (&'static [&'static str], fn(String) -> FailureReason);
const SIGNS: [Signs; 8] = [
    (&["no space left on device", "disk quota exceeded"], FailureReason::DiskFull),
    (&["hash mismatch", "do not match the hashes"], FailureReason::Hash),
    (
        &[
            "failed to establish a new connection",
            "newconnectionerror",
            "name resolution",
            "name or service not known",
            "dns error",
            "error sending request",
            "connection refused",
            "cannot connect to proxy",
            "certificate_verify_failed",
            "invalid peer certificate",
            "read timed out",
            "connecttimeout",
            "failed to connect",
            "network connectivity is disabled",
        ],
        FailureReason::Network,
    ),
    (
        &[
            "401 error",
            "403 error",
            "http status client error (401",
            "http status client error (403",
            "http status server error",
            "too many 50",
        ],
        FailureReason::Refused,
    ),
    (
        &[
            "subprocess-exited-with-error",
            "failed building wheel",
            "failed to build",
            "build backend returned",
        ],
        FailureReason::Build,
    ),
    (
        &[
            "is not a supported wheel",
            "no wheels with a matching",
            "requires a different python",
            "requires-python",
            "requires python",
            "does not satisfy python",
            "no usable wheels",
        ],
        FailureReason::NoWheel,
    ),
    (&["conflicting dependencies", "resolutionimpossible"], FailureReason::Conflict),
    (
        &[
            "no matching distribution",
            "could not find a version",
            "there is no version of",
            "there are no versions of",
            "was not found in the package registry",
            "was not found in the provided",
            "was not found because",
            // uv, if it may not ask an index.
            "was not found in the cache",
        ],
        FailureReason::NoVersion,
    ),
];

/// At most this many versions of pip's list are shown, the newest.
const VERSIONS: usize = 8;

/// Finds the reason in the output of pip or uv.
pub(super) fn reason(lines: &[String]) -> FailureReason {
    if let Some(told) = made_for_another_python(lines) {
        return FailureReason::NoWheel(told);
    }
    if let Some(told) = git_s_reason(lines) {
        return FailureReason::Repository(told);
    }
    for (signs, reason) in SIGNS {
        let line = lines.iter().find(|line| {
            let line = line.to_lowercase();
            signs.iter().any(|sign| line.contains(sign))
        });
        if let Some(line) = line {
            if let Some(causes) =
                causes_of_conflict(lines).filter(|_| signs.contains(&"resolutionimpossible"))
            {
                return reason(causes);
            }
            let told = told(lines, line);
            return reason(if line.contains("subprocess-exited-with-error") {
                package_before(lines, line).unwrap_or(told)
            } else {
                told
            });
        }
    }
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    if has("No solution found") || has("unsatisfiable") {
        // uv explains a contradiction over several lines.
        let explained = lines.iter().skip_while(|line| !line.contains("Because")).map(|line| plain(line));
        return FailureReason::Conflict(explained.collect::<Vec<_>>().join(" "));
    }
    let last = lines.iter().rev().find(|line| line.to_lowercase().contains("error")).or(lines.last());
    FailureReason::Other(last.map_or_else(|| "it said nothing".to_owned(), |line| plain(line)))
}

/// pip leaves out versions for other Pythons and names them; this is one of them if the plan pins it.
fn made_for_another_python(lines: &[String]) -> Option<String> {
    let wanted = lines.iter().find_map(|line| line.split_once("satisfies the requirement "))?.1;
    let wanted = wanted.split_whitespace().next()?;
    let version = wanted.split_once("==")?.1;
    let ignored = lines.iter().find_map(|line| line.split_once("require a different python version: "))?.1;
    let needs = ignored
        .split("; ")
        .find_map(|entry| entry.strip_prefix(version)?.strip_prefix(" Requires-Python "))?;
    Some(format!("{wanted} needs Python {needs}"))
}

/// What git said when it could not fetch a repository.
fn git_s_reason(lines: &[String]) -> Option<String> {
    let marks = ["Git operation failed", "git clone", "git fetch", "git checkout"];
    lines.iter().find(|line| marks.iter().any(|mark| line.contains(mark)))?;
    let starts = ["fatal: ", "error: pathspec", "ERROR: Repository"];
    let line =
        lines.iter().rev().find(|line| starts.iter().any(|start| line.trim_start().starts_with(start)));
    line.map(|line| line.trim().to_owned())
}

/// The requirements that exclude each other, as pip lists them after its long search.
fn causes_of_conflict(lines: &[String]) -> Option<String> {
    let causes = lines.iter().skip_while(|line| !line.contains("The conflict is caused by:")).skip(1);
    let causes: Vec<_> = causes.take_while(|line| line.starts_with(' ')).map(|line| line.trim()).collect();
    (!causes.is_empty()).then(|| causes.join("; "))
}

/// The package that pip was at work on.
fn package_before(lines: &[String], line: &String) -> Option<String> {
    let before = lines.iter().take_while(|candidate| *candidate != line);
    let package = before.filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("Collecting ")
            .or(line.strip_prefix("Building wheel for "))?
            .split_whitespace()
            .next()
    });
    package.last().map(|package| format!("`{package}`"))
}

/// The words of the reason: uv's explanation goes on over the next lines, pip's stands in one.
fn told(lines: &[String], line: &str) -> String {
    if !line.contains("Because") {
        return plain(line);
    }
    let explained = lines
        .iter()
        .skip_while(|candidate| candidate.as_str() != line)
        .take_while(|line| !line.trim().is_empty() && !line.trim_start().starts_with("hint:"));
    explained.map(|line| plain(line)).collect::<Vec<_>>().join(" ")
}

/// A line without the marks that installers put before it, and without the many versions that pip lists.
fn plain(line: &str) -> String {
    let mut line = line.trim().trim_start_matches(['×', '╰', '─', '▶', '│', '├', ' ']);
    for mark in ["ERROR: ", "error: ", "WARNING: ", "cause: ", "Caused by: "] {
        line = line.strip_prefix(mark).unwrap_or(line);
    }
    if let Some((before, versions)) = line.split_once("(from versions: ") {
        let versions: Vec<_> = versions.trim_end_matches(')').split(", ").collect();
        if let Some(newest) =
            versions.len().checked_sub(VERSIONS).filter(|cut| *cut > 0).map(|cut| &versions[cut..])
        {
            return format!("{before}(from versions: …, {})", newest.join(", "));
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> FailureReason {
        reason(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn tells_what_pip_means() {
        assert!(matches!(
            of("ERROR: Could not find a version that satisfies the requirement x==9 (from versions: 1.0)\nERROR: No matching distribution found for x==9"),
            FailureReason::NoVersion(line) if line.starts_with("Could not find a version that satisfies the requirement x==9")
        ));
        assert!(matches!(
            of(
                "WARNING: Retrying after connection broken by 'NewConnectionError('<...>: Failed to establish a new connection')': /simple/x/\nERROR: Could not find a version that satisfies the requirement x (from versions: none)"
            ),
            FailureReason::Network(_)
        ));
        assert!(matches!(
            of("ERROR: Cannot install a==1 and a==2 because these package versions have conflicting dependencies.\nERROR: ResolutionImpossible: for help visit …"),
            FailureReason::Conflict(line) if line.starts_with("Cannot install a==1 and a==2")
        ));
        assert!(matches!(
            of("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"),
            FailureReason::DiskFull(_)
        ));
        assert!(matches!(
            of("ERROR: Ignored the following versions that require a different python version: 1.0 Requires-Python >=3.12; 9 Requires-Python >=3.13\nERROR: Could not find a version that satisfies the requirement x==9 (from versions: 0.1)"),
            FailureReason::NoWheel(line) if line == "x==9 needs Python >=3.13"
        ));
        assert!(matches!(
            of("Collecting x==1\n  error: subprocess-exited-with-error\n  × python setup.py egg_info did not run successfully."),
            FailureReason::Build(line) if line == "`x==1`"
        ));
        assert!(matches!(
            of("ERROR: Could not find a version that satisfies the requirement x==9 (from versions: 1, 2, 3, 4, 5, 6, 7, 8, 9a1)"),
            FailureReason::NoVersion(line) if line.ends_with("(from versions: …, 2, 3, 4, 5, 6, 7, 8, 9a1)")
        ));
        assert_eq!(
            of(
                "The conflict is caused by:\n    The user requested a==2\n    b 1 depends on a<2\n\nTo fix this you could try to:\nERROR: Cannot install -r /gone/requirements.in (line 3) and a==2 because these package versions have conflicting dependencies.\nERROR: ResolutionImpossible: for help visit …"
            ),
            FailureReason::Conflict("The user requested a==2; b 1 depends on a<2".to_owned())
        );
        assert!(matches!(
            of("  Running command git clone --quiet http://h/x.git /tmp/x\n  fatal: repository 'http://h/x.git/' not found\n  error: subprocess-exited-with-error"),
            FailureReason::Repository(line) if line == "fatal: repository 'http://h/x.git/' not found"
        ));
        assert!(matches!(
            of("WARNING: 401 Error, Credentials not correct for http://h/simple/a/\nERROR: Could not find a version that satisfies the requirement a (from versions: none)"),
            FailureReason::Refused(line) if line.starts_with("401 Error")
        ));
        assert!(matches!(
            of("ERROR: x-1-cp27-none-any.whl is not a supported wheel on this platform."),
            FailureReason::NoWheel(_)
        ));
    }

    #[test]
    fn tells_what_uv_means() {
        assert_eq!(
            of("  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no version of x==9 and you require x==9, we can\n      conclude that your requirements are unsatisfiable."),
            FailureReason::NoVersion("Because there is no version of x==9 and you require x==9, we can conclude that your requirements are unsatisfiable.".to_owned())
        );
        assert_eq!(
            of("  × No solution found when resolving dependencies:\n  ╰─▶ Because you require a==1 and a==2, we can conclude that your\n      requirements are unsatisfiable."),
            FailureReason::Conflict("Because you require a==1 and a==2, we can conclude that your requirements are unsatisfiable.".to_owned())
        );
        assert!(matches!(
            of(
                "error: Failed to fetch: `https://pypi.org/simple/x/`\n  Caused by: error sending request for url (https://pypi.org/simple/x/)"
            ),
            FailureReason::Network(_)
        ));
    }

    #[test]
    fn a_python_that_is_too_old_for_uv_s_packages_is_no_conflict() {
        let said = "error: No solution found when resolving dependencies\n  cause: Because a==1.0 requires Python >=3.13 and only a==1.0 is available, we can conclude that all versions of a cannot be used.";
        assert!(matches!(of(said), FailureReason::NoWheel(line) if line.contains("requires Python >=3.13")));
        let said = "error: Request failed after 3 retries in 5.2s\n  cause: HTTP status server error (500 Internal Server Error) for url (http://h/a/)";
        assert!(matches!(of(said), FailureReason::Refused(_)));
        let said = "error: Failed to download and build `a @ git+http://h/x.git`\n  cause: Git operation failed\n         --- stderr\n         fatal: repository 'http://h/x.git/' not found";
        assert!(matches!(of(said), FailureReason::Repository(_)));
    }

    #[test]
    fn says_the_last_error_when_nothing_is_known() {
        assert_eq!(of("a\nERROR: odd thing\nb"), FailureReason::Other("odd thing".to_owned()));
        assert_eq!(of(""), FailureReason::Other("it said nothing".to_owned()));
    }
}
