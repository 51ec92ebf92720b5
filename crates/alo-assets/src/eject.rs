//! Turns fetched code into code of the project: `assets/<step>/`, to be edited and kept under its version control.

use std::io;

use alo_plan::{PipelineKind, Plan, Source, StepName, code_place};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::asset::{CodeError, CodeIdentity};
use crate::code::CodeStore;
use crate::lockfile::LockfileError;
use crate::{Machine, SetupEvent, SetupPolicy, redact};

/// Names that are not copied: git's own files, and byte-code that Python writes by itself.
const LEFT: [&str; 2] = [".git", "__pycache__"];

/// Which step's code is to be copied, and how it is found.
pub struct EjectRequest<'a> {
    /// The project's folder, absolute.
    pub project: &'a Utf8Path,
    /// The plan.
    pub plan: &'a Plan,
    /// The text of the plan, for the lines to change.
    pub text: &'a str,
    /// The pipeline whose step is meant.
    pub kind: PipelineKind,
    /// The step.
    pub step: &'a StepName,
    /// Whether the branch is looked up again first, and whether a server may be asked.
    pub policy: &'a SetupPolicy,
    /// Asked now and then; true ends it with [`CodeError`]'s cancellation, with nothing left behind.
    pub cancelled: &'a dyn Fn() -> bool,
    /// Gets the news.
    pub observer: &'a mut dyn FnMut(SetupEvent),
}

/// What was copied, and what is to be changed in the plan so that it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ejected {
    /// The new folder, absolute.
    pub folder: Utf8PathBuf,
    /// What the code is: repository, commit, and whether the fetched files had been edited. They are copied as they are.
    pub identity: CodeIdentity,
    /// The lines to change.
    pub changes: Vec<PlanChange>,
}

/// A line of the plan that is to say `local`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlanChange {
    /// The pipeline.
    pub kind: PipelineKind,
    /// The step.
    pub step: StepName,
    /// The line of `code:`, from 1; `None` if it is not found in the text.
    pub line: Option<u32>,
    /// What it says now, without credentials.
    pub was: String,
    /// What it is to say.
    pub becomes: String,
}

/// Why no code was copied. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EjectError {
    /// The plan has no such step.
    #[error("the plan has no step `{step}` in `{}`", .kind.key())]
    NoStep {
        /// The pipeline.
        kind: PipelineKind,
        /// The step asked for.
        step: StepName,
    },
    /// The step's name is no name of a folder.
    #[error("`{step}` is no name for a folder")]
    Name {
        /// The step.
        step: StepName,
    },
    /// The code of the step is not fetched.
    #[error("the code of step `{step}` is the folder `{folder}` already")]
    Local {
        /// The step.
        step: StepName,
        /// Its folder.
        folder: Utf8PathBuf,
    },
    /// The folder is there.
    #[error("`{folder}` is there already")]
    Exists {
        /// The folder.
        folder: Utf8PathBuf,
    },
    /// The code of the step cannot be had.
    #[error("failed to get the code of step `{step}`")]
    Code {
        /// The step.
        step: StepName,
        /// Why.
        #[source]
        source: Box<CodeError>,
    },
    /// The pins cannot be read or kept.
    #[error(transparent)]
    Lockfile(#[from] LockfileError),
    /// The files cannot be copied.
    #[error("failed to copy the code to `{folder}`")]
    Copy {
        /// Where to.
        folder: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl EjectError {
    /// What to check or to change.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => {
                Some("with `code: local` the step runs what is there; move it away to copy anew".to_owned())
            }
            Self::Local { .. } => Some("it can be edited where it is".to_owned()),
            Self::Code { source, .. } => source.hint(),
            Self::Lockfile(error) => error.hint(),
            Self::Copy { .. } => Some("check the space and the permissions of the project".to_owned()),
            Self::NoStep { .. } | Self::Name { .. } => None,
        }
    }

    /// Whether it ended because the caller wanted it to.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Code { source, .. } if source.is_cancelled())
    }
}

/// Copies the fetched code of a step to `assets/<step>/` and tells what to change in the plan.
///
/// It is the pinned commit, or what the branch is now if there is no pin; an edited checkout is copied with its edits. The
/// folder appears whole or not at all, without `.git`. The plan is not changed.
///
/// # Errors
/// See [`EjectError`]; an existing folder is never touched.
pub fn eject(machine: &Machine, request: EjectRequest<'_>) -> Result<Ejected, EjectError> {
    let EjectRequest { project, plan, text, kind, step: name, policy, cancelled, observer } = request;
    let steps = plan.pipeline(kind).map(|pipeline| &pipeline.steps[..]).unwrap_or_default();
    let step = steps
        .iter()
        .find(|step| step.name == *name)
        .ok_or_else(|| EjectError::NoStep { kind, step: name.clone() })?;
    if name.as_str().contains(['/', '\\', '\0']) || matches!(name.as_str(), "" | "." | "..") {
        return Err(EjectError::Name { step: name.clone() });
    }
    let folder = project.join("assets").join(name.as_str());
    if let Source::Local { path: Some(path) } = &step.source {
        return Err(EjectError::Local { step: name.clone(), folder: project.join(path) });
    }
    if folder.symlink_metadata().is_ok() {
        return Err(EjectError::Exists { folder });
    }
    let mut code = CodeStore::new(machine, project, plan, policy, cancelled)?;
    let found = code.folder_of(kind, step, observer);
    let (fetched, identity, _) =
        found.map_err(|source| EjectError::Code { step: name.clone(), source: Box::new(source) })?;
    code.save_pins(kind, observer)?;
    copy_whole(&fetched, &folder).map_err(|source| EjectError::Copy { folder: folder.clone(), source })?;
    Ok(Ejected { folder, identity, changes: changes(plan, text, kind, name) })
}

/// The lines of the step, and of its twin of the other pipeline where that has the same source. A twin that says `local`
/// finds the folder by itself.
fn changes(plan: &Plan, text: &str, kind: PipelineKind, name: &StepName) -> Vec<PlanChange> {
    let source = |kind| {
        let steps = plan.pipeline(kind).map(|pipeline| &pipeline.steps[..]).unwrap_or_default();
        steps.iter().find(|step| step.name == *name).map(|step| &step.source)
    };
    let own = source(kind);
    let kinds = PipelineKind::ALL.into_iter().filter(|other| *other == kind || source(*other) == own);
    kinds
        .filter_map(|kind| {
            let Some(Source::Git { url, .. }) = source(kind) else { return None };
            let line = code_place(text, kind, name).map(|place| place.start.line);
            let (was, becomes) = (redact(url), "local".to_owned());
            Some(PlanChange { kind, step: name.clone(), line, was, becomes })
        })
        .collect()
}

/// Copies a folder so that the copy is there whole or not at all, and lasts.
fn copy_whole(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    let parent = to.parent().unwrap_or(to);
    fs_err::create_dir_all(parent)?;
    let aside = tempfile::Builder::new().prefix(".alo-ejecting-").tempdir_in(parent)?;
    let place = Utf8Path::from_path(aside.path()).ok_or(io::ErrorKind::InvalidData)?;
    let copy = place.join("code");
    copy_folder(from, &copy)?;
    fs_err::rename(copy, to)?;
    fs_err::File::open(parent)?.sync_all()
}

fn copy_folder(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    fs_err::create_dir(to)?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if LEFT.iter().any(|left| name == *left) {
            continue;
        }
        let source = Utf8PathBuf::try_from(entry.path()).map_err(camino::FromPathBufError::into_io_error)?;
        let target = to.join(source.file_name().unwrap_or_default());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs_err::read_link(&source)?, &target)?;
        } else {
            fs_err::copy(&source, &target)?;
            fs_err::File::open(&target)?.sync_all()?;
        }
    }
    fs_err::File::open(to)?.sync_all()
}
