//! uv: the fast installer, used when it is on the path.

use std::ffi::OsString;

use camino::Utf8PathBuf;

use super::failure::{InstallError, reason};
use super::{Installer, Job, RunError, Runner};
use crate::Machine;

/// pip's variables and what uv calls them. uv's own win.
const TRANSLATED: [(&str, &str); 6] = [
    ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL"),
    ("PIP_CERT", "SSL_CERT_FILE"),
    ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST"),
    ("PIP_PROXY", "ALL_PROXY"),
    ("PIP_DEFAULT_TIMEOUT", "UV_HTTP_TIMEOUT"),
];

/// uv at a place, with the user's settings for pip in its own words.
pub(crate) struct Uv {
    program: Utf8PathBuf,
    variables: Vec<(OsString, OsString)>,
    no_index: bool,
}

impl Uv {
    /// Prepares uv at `program`.
    pub(crate) fn new(program: Utf8PathBuf, machine: &Machine) -> Self {
        let mut variables = Vec::new();
        for (theirs, ours) in TRANSLATED {
            let is_set = machine.variable(ours).is_some()
                || (ours == "UV_DEFAULT_INDEX" && machine.variable("UV_INDEX_URL").is_some());
            if let (Some(value), false) = (machine.variable(theirs), is_set) {
                variables.push((ours.into(), value.into()));
            }
        }
        if let (Some(places), None) = (machine.variable("PIP_FIND_LINKS"), machine.variable("UV_FIND_LINKS"))
        {
            // pip separates places by blanks, uv by commas; uv minds a folder that is not there.
            let places: Vec<_> = places
                .split_whitespace()
                .filter(|place| place.contains("://") || std::path::Path::new(place).exists())
                .collect();
            if !places.is_empty() {
                variables.push(("UV_FIND_LINKS".into(), places.join(",").into()));
            }
        }
        let no_index = machine
            .variable("PIP_NO_INDEX")
            .is_some_and(|value| !matches!(value.to_lowercase().as_str(), "0" | "false" | "no" | "off"));
        Self { program, variables, no_index }
    }

    /// Whether it runs at all. What lies on the path under that name may be anything.
    pub(crate) fn check(&self, job: &Job<'_>, runner: &mut Runner<'_>) -> Result<bool, InstallError> {
        match runner.ask(&self.program, &["--version"], job.scratch) {
            Ok(lines) => Ok(lines.iter().any(|line| line.starts_with("uv "))),
            Err(RunError::Failed { .. }) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: RunError) -> InstallError {
        match error {
            RunError::Failed { lines, .. } => {
                InstallError::Failed { installer: "uv", reason: reason(&lines), lines }
            }
            RunError::Io(source) => InstallError::Run { program: self.program.to_string(), source },
            RunError::Cancelled => InstallError::Cancelled,
        }
    }
}

impl Installer for Uv {
    fn name(&self) -> &'static str {
        "uv"
    }

    fn install(&self, job: &Job<'_>, runner: &mut Runner<'_>) -> Result<(), InstallError> {
        let io = |source| InstallError::Run { program: self.program.to_string(), source };
        let file = job.scratch.join("requirements.txt");
        fs_err::write(&file, job.requirements.lines().join("\n")).map_err(io)?;
        let overrides = job.scratch.join("overrides.txt");
        let mut arguments = vec![
            "pip",
            "install",
            "--python",
            job.python.as_str(),
            "--compile-bytecode",
            // As pip does: every index counts, the best version wins.
            "--index-strategy",
            "unsafe-best-match",
            "--requirement",
            file.as_str(),
        ];
        let forced = job.requirements.forced_lines();
        if !forced.is_empty() {
            fs_err::write(&overrides, forced.join("\n")).map_err(io)?;
            arguments.extend(["--override", overrides.as_str()]);
        }
        let options = &job.requirements.options;
        if options.pre {
            arguments.extend(["--prerelease", "allow"]);
        }
        if self.no_index && !options.no_index {
            arguments.push("--no-index");
        }
        for host in &options.trusted_hosts {
            arguments.extend(["--allow-insecure-host", host]);
        }
        let done = runner.run(&self.program, &arguments, job.scratch, &self.variables);
        done.map(|_| ()).map_err(|error| self.failed(error))
    }
}
