//! pip: the installer that every Python brings along.
//!
//! One copy of it for each interpreter lies in the cache and works on environments from outside, so that an environment
//! holds the same packages whichever installer has made it.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::failure::{FailureReason, InstallError, reason};
use super::{Creation, InstallJob, Installer, ResolveJob, RunError, Runner};
use crate::cache::{CacheUse, Place};
use crate::digest;
use crate::interpreter::Interpreter;
use crate::key_lock::{KeyLock, LockError};
use crate::requirements::RequirementSet;
use crate::resolution::{PackageSource, Resolution, read_report};

/// Made last: a copy without it is not finished.
pub(super) const MARKER: &str = "alo-ready";
/// The first pip with `--report`.
const FIRST_WITH_REPORT: (u32, u32) = (22, 2);
/// The first pip with `--uploaded-prior-to`.
const FIRST_WITH_UPLOAD_TIME: (u32, u32) = (26, 0);

/// pip, taken from the interpreter's own `ensurepip`.
pub(crate) struct Pip<'a> {
    pub(crate) cache: &'a Utf8Path,
    pub(crate) interpreter: &'a Interpreter,
}

impl Pip<'_> {
    /// The folder of the `pip` package, made at its first use, and what keeps it in the cache.
    fn package(
        &self,
        scratch: &Utf8Path,
        runner: &mut Runner<'_>,
    ) -> Result<(Utf8PathBuf, CacheUse), InstallError> {
        let Interpreter { executable, version, .. } = self.interpreter;
        let key = format!("pip-{}", &digest::of_text(&format!("{executable} {version}"))[..16]);
        let place = Place::Tool { name: key };
        let tool = place.folder(self.cache);
        let package = tool.join(format!("lib/python{}.{}/site-packages/pip", version.major, version.minor));
        let io = |source| InstallError::Run { program: executable.to_string(), source };
        let not_locked = |error| match error {
            LockError::Cancelled => InstallError::Cancelled,
            LockError::Io { source, .. } => io(source),
        };
        let in_use = CacheUse::begin(self.cache, &place).map_err(not_locked)?;
        if tool.join(MARKER).is_file() && package.is_dir() {
            return Ok((package, in_use));
        }
        let _lock =
            KeyLock::acquire(self.cache, &place.maker_lock(), runner.cancelled).map_err(not_locked)?;
        if tool.join(MARKER).is_file() && package.is_dir() {
            return Ok((package, in_use));
        }
        if !self.interpreter.ensurepip {
            let reason = FailureReason::Other(format!(
                "the Python at `{executable}` has no `ensurepip` module (Debian and Ubuntu: `apt install python{}.{}-venv`)",
                version.major, version.minor
            ));
            return Err(InstallError::Failed { installer: "pip", reason, lines: Vec::new() });
        }
        if tool.exists() {
            fs_err::remove_dir_all(&tool).map_err(io)?;
        }
        fs_err::create_dir_all(&tool).map_err(io)?;
        let run = |program: &Utf8Path, arguments: &[&str], runner: &mut Runner<'_>| {
            runner.ask(program, arguments, scratch, &[]).map_err(|error| failed(error, program))
        };
        run(executable, &["-I", "-m", "venv", tool.as_str()], runner)?;
        // What lies beside pip would look to it as if the environment had it. Python 3.12 and later bring no setuptools.
        let python = tool.join("bin").join("python");
        run(&python, &["-I", "-m", "pip", "uninstall", "--yes", "setuptools"], runner)?;
        fs_err::write(tool.join(MARKER), "").map_err(io)?;
        Ok((package, in_use))
    }
}

impl Installer for Pip<'_> {
    fn name(&self) -> &'static str {
        "pip"
    }

    fn resolve(&self, job: &ResolveJob<'_>, runner: &mut Runner<'_>) -> Result<Resolution, InstallError> {
        let (pip, _in_use) = self.package(job.scratch, runner)?;
        let version = version_of(&pip);
        if version < FIRST_WITH_REPORT {
            return Err(self.too_old(version, "cannot tell what it would install"));
        }
        if job.as_of.is_some() && version < FIRST_WITH_UPLOAD_TIME {
            return Err(self.too_old(version, "does not know `--as-of`"));
        }
        let set = job.requirements;
        if !job.preferences.is_empty() {
            // Where the new requirements do not allow the old versions, they count as if there were none.
            let kept = self.report(job, &set.lines(), job.preferences, &pip, runner);
            match kept {
                Err(error) if error.is_unresolvable() => {}
                done => return done,
            }
        }
        let nothing = Resolution::default();
        match self.report(job, &set.lines(), &nothing, &pip, runner) {
            Err(InstallError::Failed { reason: FailureReason::Conflict(_), .. })
                if !set.forced_lines().is_empty() =>
            {
                // pip has no overrides: what the others need, with the forced pins put over it.
                let others = self.report(job, &set.unforced_lines(), &nothing, &pip, runner)?;
                let mut lines = set.options.lines();
                lines.extend(set.forced_lines());
                let forced = self.report(job, &lines, &nothing, &pip, runner)?;
                Ok(overlaid(&others, &forced, set))
            }
            done => done,
        }
    }

    fn creation(&self, interpreter: &Interpreter, folder: &Utf8Path) -> Creation {
        let arguments = ["-I", "-m", "venv", "--without-pip", folder.as_str()];
        Creation {
            program: interpreter.executable.clone(),
            arguments: arguments.map(str::to_owned).to_vec(),
            is_movable: false,
        }
    }

    fn install(&self, job: &InstallJob<'_>, runner: &mut Runner<'_>) -> Result<(), InstallError> {
        let (pip, _in_use) = self.package(job.scratch, runner)?;
        let lines = job.resolution.install_lines(job.requirements);
        // pip checks either all hashes of a file or none.
        for packages in [lines.hashed, lines.unhashed] {
            if packages.is_empty() {
                continue;
            }
            let mut text = job.requirements.options.place_lines();
            text.extend(packages);
            let file = job.scratch.join("requirements.txt");
            fs_err::write(&file, text.join("\n")).map_err(|source| run_error(&pip, source))?;
            let mut arguments =
                vec![pip.as_str(), "install", "--no-compile", "--no-warn-script-location", "--no-deps"];
            arguments.extend(indexes(job.requirements, job.offline));
            if job.is_afresh {
                arguments.extend(["--force-reinstall", "--no-cache-dir"]);
            }
            arguments.extend(["--requirement", file.as_str()]);
            runner
                .run(job.python, &arguments, job.scratch, &[])
                .map_err(|error| failed(error, job.python))?;
        }
        Ok(())
    }
}

impl Pip<'_> {
    /// What pip would install for these lines.
    fn report(
        &self,
        job: &ResolveJob<'_>,
        lines: &[String],
        preferences: &Resolution,
        pip: &Utf8Path,
        runner: &mut Runner<'_>,
    ) -> Result<Resolution, InstallError> {
        let (file, answer) = (job.scratch.join("requirements.in"), job.scratch.join("report.json"));
        let kept = job.scratch.join("kept.txt");
        let io = |source| run_error(pip, source);
        fs_err::write(&file, lines.join("\n")).map_err(io)?;
        let mut arguments = vec![pip.as_str(), "install", "--dry-run", "--ignore-installed"];
        arguments.extend(["--report", answer.as_str()]);
        let pinned: Vec<_> = preferences
            .packages()
            .iter()
            .filter(|package| package.source == PackageSource::Index)
            .map(ToString::to_string)
            .collect();
        if !pinned.is_empty() {
            fs_err::write(&kept, pinned.join("\n")).map_err(io)?;
            arguments.extend(["--constraint", kept.as_str()]);
        }
        if job.requirements.options.pre {
            arguments.push("--pre");
        }
        let as_of = job.as_of.map(|time| time.to_string());
        if let Some(as_of) = &as_of {
            arguments.extend(["--uploaded-prior-to", as_of]);
        }
        arguments.extend(indexes(job.requirements, job.offline));
        arguments.extend(["--requirement", file.as_str()]);
        let program = &self.interpreter.executable;
        runner.run(program, &arguments, job.scratch, &[]).map_err(|error| failed(error, program))?;
        let packages = fs_err::read(&answer).and_then(|text| read_report(&text)).map_err(io)?;
        Ok(Resolution::new(packages, job.requirements))
    }

    fn too_old(&self, version: (u32, u32), lack: &str) -> InstallError {
        let reason = FailureReason::Other(format!(
            "the pip {}.{} of the Python at `{}` {lack}: put uv on PATH, or use a newer Python",
            version.0, version.1, self.interpreter.executable
        ));
        InstallError::Failed { installer: "pip", reason, lines: Vec::new() }
    }
}

fn indexes(requirements: &RequirementSet, offline: bool) -> Vec<&str> {
    let mut arguments = Vec::new();
    if offline {
        arguments.push("--no-index");
    }
    if requirements.options.prefer_binary {
        arguments.push("--prefer-binary");
    }
    for host in &requirements.options.trusted_hosts {
        arguments.extend(["--trusted-host", host]);
    }
    arguments
}

/// The packages of `others`, those that are forced put in their places, and what these need that is not there yet.
fn overlaid(others: &Resolution, forced: &Resolution, set: &RequirementSet) -> Resolution {
    let is_forced =
        |name: &str| set.iter().any(|item| item.overrides() && item.name.as_deref() == Some(name));
    let has = |resolution: &Resolution, name: &str| resolution.packages().iter().any(|one| one.name == name);
    let mut packages: Vec<_> =
        others.packages().iter().filter(|package| !is_forced(&package.name)).cloned().collect();
    let added = forced.packages().iter();
    packages.extend(added.filter(|package| is_forced(&package.name) || !has(others, &package.name)).cloned());
    Resolution::new(packages, set)
}

/// The version of the `pip` package in a folder, by the metadata beside it; 0.0 if there is none.
fn version_of(package: &Utf8Path) -> (u32, u32) {
    let beside = package.parent().and_then(|folder| folder.read_dir_utf8().ok());
    let mut names = beside.into_iter().flatten().flatten().map(|entry| entry.file_name().to_owned());
    let found = names.find_map(|name| {
        let version = name.strip_prefix("pip-")?.strip_suffix(".dist-info")?.to_owned();
        let mut numbers = version.split('.').map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    });
    found.unwrap_or_default()
}

fn run_error(program: &Utf8Path, source: io::Error) -> InstallError {
    InstallError::Run { program: program.to_string(), source }
}

fn failed(error: RunError, program: &Utf8Path) -> InstallError {
    match error {
        RunError::Failed { lines, status } => {
            let reason = match reason(&lines) {
                FailureReason::Other(said) if lines.is_empty() => {
                    FailureReason::Other(format!("{said} ({status})"))
                }
                reason => reason,
            };
            InstallError::Failed { installer: "pip", reason, lines }
        }
        RunError::Io(source) => InstallError::Run { program: program.to_string(), source },
        RunError::Cancelled => InstallError::Cancelled,
    }
}
