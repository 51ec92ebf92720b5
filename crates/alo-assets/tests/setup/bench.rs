//! A workbench for one test: a machine of its own, a project, and what a set-up tells.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;

use alo_assets::{
    CodeIdentity, InstallerChoice, Machine, PreparedPipeline, PreparedStep, SetupError, SetupEvent,
    SetupPolicy, SetupRequest, set_up,
};
use alo_plan::{Pipeline, PipelineKind, Plan, Source, Step};
use camino::{Utf8Path, Utf8PathBuf};

use crate::git_machine::git_program;

/// A folder that holds everything of a test, removed at its end.
pub(crate) struct Bench {
    _folder: tempfile::TempDir,
    pub(crate) root: Utf8PathBuf,
    pub(crate) project: Utf8PathBuf,
    pub(crate) machine: Machine,
    pub(crate) policy: SetupPolicy,
}

/// The outcome of a set-up and its news.
pub(crate) struct Told {
    pub(crate) outcome: Result<PreparedPipeline, SetupError>,
    pub(crate) events: Vec<SetupEvent>,
}

impl Told {
    pub(crate) fn prepared(self) -> PreparedPipeline {
        self.outcome.unwrap_or_else(|error| panic!("{}\n{:#?}", chain(&error), self.events))
    }

    /// The messages of the error, outermost first, and the hint.
    pub(crate) fn failure(self) -> (String, String) {
        let error = self.outcome.expect_err("the set-up was meant to fail");
        (chain(&error), error.hint().unwrap_or_default())
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        let told = self.events.iter().filter_map(|event| match event {
            SetupEvent::Warning { message } => Some(message.as_str()),
            _ => None,
        });
        told.collect()
    }

    /// How many environments were built.
    pub(crate) fn builds(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, SetupEvent::BuildingEnvironment { .. })).count()
    }

    /// How many times an installer was asked for exact packages.
    pub(crate) fn resolutions(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, SetupEvent::ResolvingPackages { .. })).count()
    }

    /// How many times code was fetched.
    pub(crate) fn fetches(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, SetupEvent::FetchingCode { .. })).count()
    }
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl Bench {
    /// What lies among the environments and the resolutions of the cache.
    pub(crate) fn left_in_cache(&self) -> Vec<String> {
        let folders = ["envs", "resolving"].map(|name| self.machine.cache.join(name));
        let entries = folders.iter().filter_map(|folder| fs_err::read_dir(folder).ok()).flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// An empty project, an empty cache, and a path with nothing but one real Python on it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::try_from(folder.path().canonicalize().unwrap()).unwrap();
        let (project, bin, wheels) = (root.join("project"), root.join("bin"), root.join("wheels"));
        for folder in [&project, &bin, &wheels, &root.join("home")] {
            fs_err::create_dir(folder).unwrap();
        }
        std::os::unix::fs::symlink(real_python(), bin.join(format!("python{}", real_version()))).unwrap();
        let variables: [(OsString, OsString); 7] = [
            ("PATH".into(), bin.into_string().into()),
            ("HOME".into(), root.join("home").into_string().into()),
            ("PIP_NO_INDEX".into(), "1".into()),
            ("PIP_FIND_LINKS".into(), wheels.into_string().into()),
            ("PIP_CONFIG_FILE".into(), "/dev/null".into()),
            // Must not reach the installer, or there is no byte-code.
            ("PYTHONDONTWRITEBYTECODE".into(), "1".into()),
            ("PYTHONPATH".into(), root.join("elsewhere").into_string().into()),
        ];
        let cache = root.join("cache");
        fs_err::create_dir(&cache).unwrap();
        // The copy of pip, seconds of work, is made once for all tests; the locks that guard it go with it.
        for part in ["tools", "locks"] {
            let shared = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("alo-assets").join(part);
            fs_err::create_dir_all(&shared).unwrap();
            std::os::unix::fs::symlink(shared, cache.join(part)).unwrap();
        }
        let mut machine = Machine::new(cache, variables);
        machine.installer = InstallerChoice::Pip;
        machine.python = Some(real_version().into());
        Self { _folder: folder, root, project, machine, policy: SetupPolicy::default() }
    }

    pub(crate) fn wheels(&self) -> Utf8PathBuf {
        self.root.join("wheels")
    }

    /// Writes a program for the path. It is a shell script.
    pub(crate) fn program(&self, name: &str, script: &str) -> Utf8PathBuf {
        let file = self.root.join("bin").join(name);
        fs_err::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs_err::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        file
    }

    /// Puts git, and the programs that it and its helpers start, on the path.
    pub(crate) fn with_git(&self) {
        std::os::unix::fs::symlink(git_program().unwrap(), self.root.join("bin/git")).unwrap();
        for program in ["sh", "cat"] {
            let found = ["/bin", "/usr/bin"].map(|folder| Utf8Path::new(folder).join(program));
            let found = found.iter().find(|file| file.exists()).unwrap();
            std::os::unix::fs::symlink(found, self.root.join("bin").join(program)).unwrap();
        }
    }

    /// Writes the code of a local step.
    pub(crate) fn asset(&self, step: &str, files: &[(&str, &str)]) {
        write_files(&self.project.join("assets").join(step), files);
    }

    pub(crate) fn set_up(&self, plan: &Plan, kind: PipelineKind) -> Told {
        self.set_up_until(plan, kind, &|| false)
    }

    pub(crate) fn set_up_until(&self, plan: &Plan, kind: PipelineKind, cancelled: &dyn Fn() -> bool) -> Told {
        self.tell(&self.project, plan, kind, &self.policy, cancelled)
    }

    /// A set-up with a policy of its own.
    pub(crate) fn set_up_with(&self, plan: &Plan, kind: PipelineKind, policy: &SetupPolicy) -> Told {
        self.tell(&self.project, plan, kind, policy, &|| false)
    }

    /// A set-up in another project.
    pub(crate) fn set_up_in(&self, project: &Utf8Path, plan: &Plan, kind: PipelineKind) -> Told {
        self.tell(project, plan, kind, &self.policy, &|| false)
    }

    fn tell(
        &self,
        project: &Utf8Path,
        plan: &Plan,
        kind: PipelineKind,
        policy: &SetupPolicy,
        cancelled: &dyn Fn() -> bool,
    ) -> Told {
        let mut events = Vec::new();
        let observer = &mut |event| events.push(event);
        let request = SetupRequest { project, plan, kind, policy, cancelled, observer };
        let outcome = set_up(&self.machine, request);
        Told { outcome, events }
    }
}

pub(crate) fn write_files(folder: &Utf8Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let file = folder.join(name);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, text).unwrap();
    }
}

/// A step with local code.
pub(crate) fn local(name: &str, requirements: &[&str]) -> Step {
    let mut step = Step::new(name);
    step.requirements = requirements.iter().map(|&item| item.to_owned()).collect();
    step
}

/// A step with code of a repository.
pub(crate) fn git(name: &str, url: &str, reference: Option<&str>) -> Step {
    let mut step = Step::new(name);
    step.source = Source::Git { url: url.to_owned(), reference: reference.map(str::to_owned) };
    step
}

pub(crate) fn train(steps: impl IntoIterator<Item = Step>) -> Plan {
    let mut plan = Plan::new("test");
    plan.pipelines.push(Pipeline::new(PipelineKind::Train, steps));
    plan
}

pub(crate) fn both(
    train_steps: impl IntoIterator<Item = Step>,
    inference: impl IntoIterator<Item = Step>,
) -> Plan {
    let mut plan = train(train_steps);
    plan.pipelines.push(Pipeline::new(PipelineKind::Inference, inference));
    plan
}

/// The commit of a step whose code was fetched.
pub(crate) fn commit_of(step: &PreparedStep) -> &str {
    match &step.code.identity {
        CodeIdentity::Git { commit, .. } => commit.as_str(),
        other => panic!("no commit: {other:?}"),
    }
}

/// Whether a file anywhere below the folder holds that word.
pub(crate) fn tree_contains(folder: &Utf8Path, word: &[u8]) -> bool {
    folder.read_dir_utf8().unwrap().any(|entry| {
        let path = entry.unwrap().into_path();
        if path.is_dir() {
            tree_contains(&path, word)
        } else {
            fs_err::read(&path).is_ok_and(|text| text.windows(word.len()).any(|part| part == word))
        }
    })
}

/// A Python of this machine that is none of pyenv's shims: its path is what it says itself.
pub(crate) fn real_python() -> &'static Utf8Path {
    static FOUND: OnceLock<Utf8PathBuf> = OnceLock::new();
    FOUND.get_or_init(ask_python)
}

/// Its version.
pub(crate) fn real_version() -> alo_assets::PythonVersion {
    static FOUND: OnceLock<alo_assets::PythonVersion> = OnceLock::new();
    *FOUND.get_or_init(ask_version)
}

fn ask_version() -> alo_assets::PythonVersion {
    let output = std::process::Command::new(real_python())
        .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn ask_python() -> Utf8PathBuf {
    let output = std::process::Command::new("python3")
        .args([
            "-c",
            "import os, sys; print(os.path.realpath(getattr(sys, '_base_executable', sys.executable)))",
        ])
        .output()
        .expect("the tests need python3 on PATH");
    let path = String::from_utf8(output.stdout).unwrap();
    path.trim().into()
}
