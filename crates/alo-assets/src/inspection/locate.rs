//! Where the code of a step lies now. Nothing is fetched, and no pin is changed.

use alo_plan::{Code, Diagnostic, PipelineKind, Plan, Step};
use camino::{Utf8Path, Utf8PathBuf};

use crate::Machine;
use crate::asset::{self, CodeError};
use crate::git::{CommitId, GitRef, GitStore, GitUrl};
use crate::lockfile::{Lockfile, LockfileError};
use crate::source::{self, CodeSource};

/// The code of one project's steps, as far as it is on this machine.
pub(super) struct Locator<'a> {
    machine: &'a Machine,
    project: &'a Utf8Path,
    plan: &'a Plan,
    lock: Lockfile,
}

impl<'a> Locator<'a> {
    pub(super) fn new(
        machine: &'a Machine,
        project: &'a Utf8Path,
        plan: &'a Plan,
    ) -> Result<Self, LockfileError> {
        Ok(Self { machine, project, plan, lock: Lockfile::read(project)? })
    }

    /// The file of a step, or the fault that says why there is none.
    pub(super) fn file(&self, kind: PipelineKind, step: &Step) -> Result<Utf8PathBuf, Box<Diagnostic>> {
        let failed = |error: CodeError| Box::new(refused(step, &error));
        let folder = match source::of_step(self.project, self.plan, kind, step).map_err(failed)? {
            CodeSource::Folder(folder) => folder,
            CodeSource::Git { url, reference, .. } => {
                let commit = self.commit(kind, step, &url, reference.as_ref());
                let store = GitStore::new(self.machine, true, &|| false);
                let found = commit.map(|commit| store.find(&url, &commit)).transpose();
                match found.map_err(|error| failed(error.into()))?.flatten() {
                    Some(checkout) => checkout.folder,
                    None => return Err(Box::new(not_fetched(step, &url))),
                }
            }
        };
        let (file, _) = asset::file_of(&step.name, &folder).map_err(failed)?;
        Ok(file)
    }

    /// The commit that a run would take without asking the server, or has taken last.
    fn commit(
        &self,
        kind: PipelineKind,
        step: &Step,
        url: &GitUrl,
        reference: Option<&GitRef>,
    ) -> Option<CommitId> {
        let others = PipelineKind::ALL.into_iter().filter(|other| *other != kind);
        std::iter::once(kind)
            .chain(others)
            .find_map(|kind| self.lock.valid_pin(kind, &step.name, url, reference))
            .map(|pin| pin.commit.clone())
            .or_else(|| CommitId::try_from(reference?.as_str().to_owned()).ok())
    }
}

fn not_fetched(step: &Step, url: &GitUrl) -> Diagnostic {
    let message = format!("the code of the step `{}` was never fetched from `{url}`", step.name);
    Diagnostic::new(Code::AssetNotFetched, message).help("run the plan once, then it can be looked at")
}

fn refused(step: &Step, error: &CodeError) -> Diagnostic {
    let code = match error {
        CodeError::NoFolder { .. } | CodeError::NoFile { .. } | CodeError::BareRepository { .. } => {
            Code::AssetFileMissing
        }
        _ => Code::AssetUnreadable,
    };
    let mut message = format!("the step `{}` has no code: {error}", step.name);
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    let fault = Diagnostic::new(code, message);
    match error.hint() {
        Some(hint) => fault.help(hint),
        None => fault,
    }
}
