//! What a set-up tells while it goes on.

use std::fmt;

use alo_plan::StepName;
use camino::Utf8PathBuf;
use serde::Serialize;

use crate::grouping::Split;

/// A piece of news, in the order in which things happen.
///
/// ```
/// use alo_assets::SetupEvent;
///
/// let event = SetupEvent::Warning { message: "numpy<2 was added".to_owned() };
/// assert_eq!(serde_json::to_string(&event).unwrap(), r#"{"warning":{"message":"numpy<2 was added"}}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SetupEvent {
    /// The code of a step is being fetched from a git repository.
    FetchingCode {
        /// The step.
        step: StepName,
        /// The URL without credentials.
        url: String,
        /// Branch, tag or commit; `None` is the default branch.
        reference: Option<String>,
    },
    /// A submodule of the code is being fetched, unless the cache has it.
    FetchingSubmodule {
        /// Its folder, relative to that of the code.
        path: Utf8PathBuf,
        /// Its URL without credentials.
        url: String,
    },
    /// A server was not able to answer, and is asked again in a moment.
    Retrying {
        /// The URL without credentials.
        url: String,
        /// Which attempt comes now; the first one was 1.
        attempt: u32,
        /// After how many attempts it is given up.
        of: u32,
        /// What went wrong.
        because: String,
    },
    /// The code of a step is there.
    CodeReady {
        /// The step.
        step: StepName,
        /// The full commit hash of a git source, else the digest of the folder.
        version: String,
        /// The folder of the code.
        folder: Utf8PathBuf,
        /// Whether it was there before, so that no server was asked.
        cached: bool,
    },
    /// The steps of the pipeline cannot share an environment.
    Split(Split),
    /// The exact packages for requirements are being looked for.
    ResolvingPackages {
        /// `uv` or `pip`.
        installer: String,
        /// What is asked for, without credentials.
        requirements: Vec<String>,
    },
    /// An environment is being built.
    BuildingEnvironment {
        /// What tells it from others.
        key: String,
        /// The version of its Python.
        python: String,
        /// `uv` or `pip`; `None` if there is nothing to install.
        installer: Option<String>,
        /// What is to be installed, without credentials.
        requirements: Vec<String>,
    },
    /// An installer is being fetched into the cache, once for all projects.
    FetchingInstaller {
        /// Its name and version, such as `uv 0.13.9`.
        installer: String,
    },
    /// pip installs where uv would have been preferred.
    InstallerFallback {
        /// Why there is no uv.
        because: String,
    },
    /// The installer said something.
    InstallerOutput {
        /// One line, without credentials.
        line: String,
    },
    /// The environment of the pipeline is there.
    EnvironmentReady {
        /// What tells it from others.
        key: String,
        /// Its folder.
        folder: Utf8PathBuf,
        /// Its Python, to look into it by hand.
        executable: Utf8PathBuf,
        /// The version of its Python.
        python: String,
        /// How many packages it holds.
        packages: usize,
        /// Whether it was there before, so that no process was started.
        cached: bool,
    },
    /// Every package that was asked for has been imported once, beside the run.
    EnvironmentChecked {
        /// What tells the environment from others.
        key: String,
        /// How many packages have something to import.
        imports: usize,
    },
    /// The steps have ended before it is known whether all packages can be imported.
    WaitingForImports {
        /// The packages that are still being imported, if they are known.
        packages: Vec<String>,
    },
    /// Something was added to what the plan asks for, and why.
    RequirementAdded {
        /// What is installed in addition, such as `numpy<2`.
        requirement: String,
        /// Why.
        because: String,
    },
    /// Something the user should know.
    Warning {
        /// What, in words.
        message: String,
    },
}

/// One line for people and logs.
impl fmt::Display for SetupEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = |cached: bool| if cached { "cached" } else { "new" };
        match self {
            Self::FetchingCode { step, url, reference } => {
                let reference = reference.as_deref().unwrap_or("its default branch");
                write!(f, "fetching the code of {step} from {url} at {reference}")
            }
            Self::FetchingSubmodule { path, url } => write!(f, "fetching its submodule {path} from {url}"),
            Self::Retrying { url, attempt, of, because } => {
                write!(f, "asking {url} again (attempt {attempt} of {of}): {because}")
            }
            Self::CodeReady { step, version, cached, .. } => {
                let short: String = version.chars().take(12).collect();
                write!(f, "code of {step}: {short} ({})", origin(*cached))
            }
            Self::Split(split) => split.fmt(f),
            Self::ResolvingPackages { installer, requirements } => {
                write!(f, "{installer} looks for {}", requirements.join(", "))
            }
            Self::BuildingEnvironment { python, installer, requirements, .. } => {
                write!(f, "building an environment with Python {python}")?;
                match installer {
                    Some(installer) => write!(f, ", {installer} installs {}", requirements.join(", ")),
                    None => Ok(()),
                }
            }
            Self::FetchingInstaller { installer } => write!(f, "fetching {installer} into the cache, once"),
            Self::InstallerFallback { because } => {
                write!(f, "pip installs the packages, there is no uv: {because}")
            }
            Self::InstallerOutput { line } => f.write_str(line),
            Self::EnvironmentReady { python, packages, cached, .. } => {
                write!(
                    f,
                    "environment: Python {python}, {packages} package{} ({})",
                    plural(*packages),
                    origin(*cached)
                )
            }
            Self::EnvironmentChecked { imports, .. } => {
                write!(
                    f,
                    "environment: {imports} package{} imported once",
                    if *imports == 1 { " was" } else { "s were" }
                )
            }
            Self::WaitingForImports { packages } if packages.is_empty() => {
                f.write_str("waiting until it is known whether the packages can be imported")
            }
            Self::WaitingForImports { packages } => {
                write!(f, "waiting until it is known whether {} can be imported", packages.join(", "))
            }
            Self::RequirementAdded { requirement, because } => write!(f, "added {requirement}: {because}"),
            Self::Warning { message } => f.write_str(message),
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
