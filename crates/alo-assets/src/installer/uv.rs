//! uv: the fast installer, used when it is on the path.

use std::ffi::OsString;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::failure::{InstallError, reason};
use super::pip_settings::PipSettings;
use super::{Creation, InstallJob, Installer, ResolveJob, RunError, Runner};
use crate::Machine;
use crate::interpreter::Interpreter;
use crate::requirements::Options;
use crate::resolution::{Resolution, read_pinned};

/// pip's options and what uv calls them. uv's own win.
const TRANSLATED: [(&str, &str); 7] = [
    ("index-url", "UV_DEFAULT_INDEX"),
    ("extra-index-url", "UV_EXTRA_INDEX_URL"),
    ("cert", "SSL_CERT_FILE"),
    ("trusted-host", "UV_INSECURE_HOST"),
    ("proxy", "ALL_PROXY"),
    ("default-timeout", "UV_HTTP_TIMEOUT"),
    ("timeout", "UV_HTTP_TIMEOUT"),
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
        let settings = PipSettings::read(machine);
        let mut variables: Vec<(OsString, OsString)> = Vec::new();
        for (theirs, ours) in TRANSLATED {
            let is_set = machine.variable(ours).is_some()
                || (ours == "UV_DEFAULT_INDEX" && machine.variable("UV_INDEX_URL").is_some());
            let is_known = variables.iter().any(|(name, _)| name == ours);
            if let (Some(value), false) = (settings.value(theirs), is_set || is_known) {
                // Several values stand in lines of a file.
                let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
                variables.push((ours.into(), value.into()));
            }
        }
        if let (Some(places), None) = (settings.value("find-links"), machine.variable("UV_FIND_LINKS")) {
            // pip separates places by blanks, uv by commas; uv minds a folder that is not there.
            let places: Vec<_> = places
                .split_whitespace()
                .filter(|place| place.contains("://") || std::path::Path::new(place).exists())
                .collect();
            if !places.is_empty() {
                variables.push(("UV_FIND_LINKS".into(), places.join(",").into()));
            }
        }
        let no_index = settings.is_on("no-index");
        // The interpreter is chosen here: uv is not to fetch another.
        variables.push(("UV_PYTHON_DOWNLOADS".into(), "never".into()));
        Self { program, variables, no_index }
    }

    /// Its version, if it runs at all. What lies on the path under that name may be anything.
    pub(crate) fn version(
        &self,
        scratch: &Utf8Path,
        runner: &mut Runner<'_>,
    ) -> Result<Option<(u32, u32)>, InstallError> {
        match runner.ask(&self.program, &["--version"], scratch, &[]) {
            Ok(lines) => Ok(lines.iter().find_map(|line| version(line))),
            Err(RunError::Failed { .. }) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn io(&self, source: io::Error) -> InstallError {
        InstallError::Run { program: self.program.to_string(), source }
    }

    /// What both of its commands are told of indexes.
    fn indexes<'a>(&self, options: &'a Options, offline: bool) -> Vec<&'a str> {
        // As pip does: every index counts, the best version wins.
        let mut arguments = vec!["--index-strategy", "unsafe-best-match"];
        if self.no_index && !options.no_index {
            arguments.push("--no-index");
        }
        if offline {
            arguments.push("--offline");
        }
        for host in &options.trusted_hosts {
            arguments.extend(["--allow-insecure-host", host]);
        }
        arguments
    }

    /// Runs uv with the user's settings. An index that the requirements name goes before the user's own, as with pip.
    fn run(
        &self,
        arguments: &[&str],
        folder: &Utf8Path,
        options: &Options,
        runner: &mut Runner<'_>,
    ) -> Result<(), InstallError> {
        let variables = self.variables_for(options, runner);
        let done = runner.run(&self.program, arguments, folder, &variables);
        done.map(|_| ()).map_err(|error| self.failed(error))
    }

    /// The user's settings as far as the requirements have none of their own; those of the runner are taken out, too.
    fn variables_for(&self, options: &Options, runner: &mut Runner<'_>) -> Vec<(OsString, OsString)> {
        let mut variables = self.variables.clone();
        if options.index.is_some() {
            let is_index = |name: &OsString| name == "UV_DEFAULT_INDEX" || name == "UV_INDEX_URL";
            variables.retain(|(name, _)| !is_index(name));
            runner.variables.retain(|name, _| !is_index(name));
        }
        variables
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

    fn resolve(&self, job: &ResolveJob<'_>, runner: &mut Runner<'_>) -> Result<Resolution, InstallError> {
        let (input, overrides) = (job.scratch.join("requirements.in"), job.scratch.join("overrides.txt"));
        let output = job.scratch.join("resolved.txt");
        fs_err::write(&input, job.requirements.lines().join("\n")).map_err(|error| self.io(error))?;
        // What the output file holds already is preferred.
        let preferred: Vec<_> = job.preferences.packages().iter().map(ToString::to_string).collect();
        fs_err::write(&output, preferred.join("\n")).map_err(|error| self.io(error))?;
        let mut arguments = vec![
            "pip",
            "compile",
            "--quiet",
            "--python",
            job.interpreter.executable.as_str(),
            "--generate-hashes",
            "--no-header",
            "--no-annotate",
            "--no-strip-extras",
        ];
        arguments.extend(self.indexes(&job.requirements.options, job.offline));
        arguments.extend(refresh(job.is_in_place, job.offline));
        let forced = job.requirements.forced_lines();
        if !forced.is_empty() {
            fs_err::write(&overrides, forced.join("\n")).map_err(|error| self.io(error))?;
            arguments.extend(["--override", overrides.as_str()]);
        }
        if job.requirements.options.pre {
            arguments.extend(["--prerelease", "allow"]);
        }
        let as_of = job.as_of.map(|time| time.to_string());
        if let Some(as_of) = &as_of {
            arguments.extend(["--exclude-newer", as_of]);
        }
        arguments.extend(["--output-file", output.as_str(), input.as_str()]);
        self.run(&arguments, job.scratch, &job.requirements.options, runner)?;
        let text = fs_err::read_to_string(&output).map_err(|error| self.io(error))?;
        let packages = read_pinned(&text).map_err(|error| self.io(error))?;
        Ok(Resolution::new(packages, job.requirements))
    }

    fn creation(&self, interpreter: &Interpreter, folder: &Utf8Path) -> Creation {
        // Relocatable: it is made before its final place is known, and its scripts find their interpreter beside themselves.
        let arguments = [
            "venv",
            "--quiet",
            "--no-project",
            "--allow-existing",
            "--relocatable",
            "--python",
            interpreter.executable.as_str(),
            folder.as_str(),
        ];
        Creation {
            program: self.program.clone(),
            arguments: arguments.map(str::to_owned).to_vec(),
            is_movable: true,
        }
    }

    fn install(&self, job: &InstallJob<'_>, runner: &mut Runner<'_>) -> Result<(), InstallError> {
        let file = job.scratch.join("requirements.txt");
        let lines = job.resolution.install_lines(job.requirements);
        let mut text = job.requirements.options.place_lines();
        let is_hashed = lines.unhashed.is_empty();
        text.extend(lines.hashed);
        text.extend(lines.unhashed);
        fs_err::write(&file, text.join("\n")).map_err(|error| self.io(error))?;
        let options = &job.requirements.options;
        let arguments = |offline| {
            let mut arguments = vec!["pip", "install", "--python", job.python.as_str(), "--no-deps"];
            arguments.extend(self.indexes(options, offline));
            arguments.extend(refresh(job.is_in_place, offline));
            if job.is_afresh {
                arguments.extend(["--reinstall", "--no-cache"]);
            }
            arguments.extend(["--requirement", file.as_str()]);
            arguments
        };
        // The hashes say which files are meant: if uv has them, no index need be asked for the second time.
        if is_hashed && !job.offline {
            let variables = self.variables_for(options, runner);
            match runner.ask(&self.program, &arguments(true), job.scratch, &variables) {
                Ok(_) => return Ok(()),
                Err(RunError::Failed { .. }) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        self.run(&arguments(job.offline), job.scratch, options, runner)
    }
}

/// What makes uv build folders again that it has built once. It cannot be had without a network.
fn refresh(is_in_place: bool, offline: bool) -> Option<&'static str> {
    (is_in_place && !offline).then_some("--refresh")
}

/// The version in `uv 0.13.9 (…)`.
fn version(line: &str) -> Option<(u32, u32)> {
    let mut numbers = line.strip_prefix("uv ")?.split('.').map(|number| number.trim().parse().ok());
    Some((numbers.next()??, numbers.next()??))
}
