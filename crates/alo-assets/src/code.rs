//! Gets the code of steps: pinned and present where possible, fetched where not.

use std::collections::HashMap;

use alo_plan::{Fetch, PipelineKind, Plan, Step, StepName};
use camino::{Utf8Path, Utf8PathBuf};

use crate::asset::{self, AssetCode, CodeError, CodeIdentity};
use crate::cache::CacheUse;
use crate::git::{Checkout, CommitId, GitRef, GitStore, GitUrl};
use crate::lockfile::{LockedGroup, Lockfile, LockfileError, Pin};
use crate::source::{self, CodeSource};
use crate::{Machine, SetupEvent, SetupPolicy};

/// The code of one project's steps.
pub(crate) struct CodeStore<'a> {
    machine: &'a Machine,
    project: &'a Utf8Path,
    plan: &'a Plan,
    policy: &'a SetupPolicy,
    git: GitStore<'a>,
    lock: Lockfile,
    /// What has been looked up in this set-up: steps of one branch get one commit, even if it moves meanwhile.
    looked_up: HashMap<(String, Option<GitRef>), CommitId>,
    /// Keeps the checkouts that were handed out in the cache, by their folders.
    in_use: HashMap<Utf8PathBuf, CacheUse>,
}

/// Which step asks for a repository, and for which reference.
struct Asked<'a> {
    kind: PipelineKind,
    step: &'a StepName,
    url: &'a GitUrl,
    reference: Option<&'a GitRef>,
}

impl<'a> CodeStore<'a> {
    pub(crate) fn new(
        machine: &'a Machine,
        project: &'a Utf8Path,
        plan: &'a Plan,
        policy: &'a SetupPolicy,
        cancelled: &'a dyn Fn() -> bool,
    ) -> Result<Self, LockfileError> {
        Ok(Self {
            machine,
            project,
            plan,
            policy,
            git: GitStore::new(machine, policy.offline, cancelled),
            lock: Lockfile::read(project)?,
            looked_up: HashMap::new(),
            in_use: HashMap::new(),
        })
    }

    /// The code of a step of the pipeline that is set up.
    pub(crate) fn fetch(
        &mut self,
        kind: PipelineKind,
        step: &Step,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<AssetCode, CodeError> {
        let (folder, identity, cached) = self.folder_of(kind, step, observer)?;
        let (file, module) = asset::file_of(&step.name, &folder)?;
        let version = match &identity {
            CodeIdentity::Git { commit, .. } => commit.to_string(),
            CodeIdentity::Local { digest, .. } => digest.clone(),
        };
        observer(SetupEvent::CodeReady { step: step.name.clone(), version, folder: folder.clone(), cached });
        Ok(AssetCode { folder, file, module, identity })
    }

    /// The folder of a step's code, what identifies it, and whether nothing had to be fetched.
    pub(crate) fn folder_of(
        &mut self,
        kind: PipelineKind,
        step: &Step,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<(Utf8PathBuf, CodeIdentity, bool), CodeError> {
        match source::of_step(self.project, self.plan, kind, step)? {
            CodeSource::Folder(folder) => {
                let digest = asset::digest_of(&folder, &self.machine.cache)?;
                Ok((folder.clone(), CodeIdentity::Local { folder, digest }, true))
            }
            CodeSource::Git { url, reference, inherited } => {
                let asked = Asked { kind, step: &step.name, url: &url, reference: reference.as_ref() };
                let pinned = if self.is_looked_up_again(&step.name) { None } else { self.pin_of(&asked) };
                // Borrowed code follows its owner: inference runs what train has run.
                let pinned = inherited.then(|| self.pin_of_twin(&asked)).flatten().or(pinned);
                let (checkout, commit, cached) = self.git(&asked, pinned, observer)?;
                warn(&asked, &checkout, observer);
                let identity = CodeIdentity::Git {
                    url: url.to_string(),
                    reference: reference.map(|reference| reference.as_str().to_owned()),
                    commit,
                    modified: checkout.modified,
                    digest: checkout.digest.clone(),
                };
                Ok((self.keep(checkout), identity, cached))
            }
        }
    }

    /// The folder of a train step's code, for the requirements in it; a pinned commit is not looked up again.
    pub(crate) fn folder_of_train(
        &mut self,
        step: &Step,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Utf8PathBuf, CodeError> {
        let kind = PipelineKind::Train;
        match source::of_step(self.project, self.plan, kind, step)? {
            CodeSource::Folder(folder) => Ok(folder),
            CodeSource::Git { url, reference, .. } => {
                let asked = Asked { kind, step: &step.name, url: &url, reference: reference.as_ref() };
                let pinned = self.pin_of(&asked).or_else(|| self.pin_of_twin(&asked));
                let (checkout, _, _) = self.git(&asked, pinned, observer)?;
                Ok(self.keep(checkout))
            }
        }
    }

    /// The folder of a checkout, which from now on stays in the cache as long as this does.
    fn keep(&mut self, checkout: Checkout) -> Utf8PathBuf {
        self.in_use.insert(checkout.folder.clone(), checkout.in_use);
        checkout.folder
    }

    /// Gives away what keeps the checkouts in the cache.
    pub(crate) fn into_uses(self) -> impl Iterator<Item = CacheUse> {
        self.in_use.into_values()
    }

    /// What `alo.lock` says, with the pins of this set-up.
    pub(crate) fn lock(&self) -> &Lockfile {
        &self.lock
    }

    /// Gives back environments unless `alo.lock` may not change and has others.
    pub(crate) fn allowed(
        &self,
        kind: PipelineKind,
        groups: Vec<LockedGroup>,
    ) -> Result<Vec<LockedGroup>, LockfileError> {
        let changed = self.lock.changes(kind, &groups);
        if !self.policy.locked || changed.is_empty() {
            return Ok(groups);
        }
        let steps: Vec<_> = changed.into_iter().map(|step| format!("`{step}`")).collect();
        Err(LockfileError::Packages { changes: vec![format!("the packages of {}", steps.join(", "))] })
    }

    /// Keeps the environments that a pipeline has decided on; a lock that may not change has them already.
    pub(crate) fn save_environments(
        &mut self,
        kind: PipelineKind,
        groups: Vec<LockedGroup>,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<(), LockfileError> {
        if self.policy.locked {
            return Ok(());
        }
        self.lock.set_environments(kind, groups);
        self.write(observer)
    }

    /// Keeps the pins of the steps that the plan still has.
    pub(crate) fn save_pins(
        &mut self,
        kind: PipelineKind,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<(), LockfileError> {
        let steps = self.plan.pipeline(kind).map(|pipeline| &pipeline.steps[..]).unwrap_or_default();
        let names: Vec<_> = steps.iter().map(|step| &step.name).collect();
        if self.policy.locked {
            let leftovers = self.lock.leftovers(kind, &names);
            if !leftovers.is_empty() {
                let steps = leftovers.iter().map(|name| format!("`{name}`")).collect();
                return Err(LockfileError::Leftover { steps });
            }
            return Ok(());
        }
        self.lock.keep_only(kind, &names);
        self.write(observer)
    }

    fn write(&mut self, observer: &mut dyn FnMut(SetupEvent)) -> Result<(), LockfileError> {
        if !self.lock.write()? {
            let message =
                "`alo.lock` was written by a newer alo: what this run has decided is not recorded there";
            observer(SetupEvent::Warning { message: message.to_owned() });
        }
        Ok(())
    }

    /// Whether the plan or the caller wants to know what the step's branch is now. Without a network, the pin has to do.
    fn is_looked_up_again(&self, step: &StepName) -> bool {
        let wanted = self.plan.control.get_asset_source == Fetch::Every || self.policy.update.includes(step);
        wanted && !self.policy.offline
    }

    fn pin_of(&self, asked: &Asked<'_>) -> Option<CommitId> {
        let pin = self.lock.valid_pin(asked.kind, asked.step, asked.url, asked.reference);
        pin.map(|pin| pin.commit.clone())
    }

    fn pin_of_twin(&self, asked: &Asked<'_>) -> Option<CommitId> {
        let other = match asked.kind {
            PipelineKind::Train => PipelineKind::Inference,
            PipelineKind::Inference => PipelineKind::Train,
        };
        let pin = self.lock.valid_pin(other, asked.step, asked.url, asked.reference);
        pin.map(|pin| pin.commit.clone())
    }

    /// The checkout of what is asked for, its commit, and whether nothing had to be fetched.
    fn git(
        &mut self,
        asked: &Asked<'_>,
        pinned: Option<CommitId>,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<(Checkout, CommitId, bool), CodeError> {
        if self.policy.locked && self.pin_of(asked).is_none() {
            return Err(CodeError::NotPinned {
                url: asked.url.to_string(),
                reference: asked.reference.cloned(),
            });
        }
        let key = (asked.url.identity().to_owned(), asked.reference.cloned());
        // A full hash says all there is to know.
        let named =
            asked.reference.and_then(|reference| CommitId::try_from(reference.as_str().to_owned()).ok());
        let known = pinned.or_else(|| self.looked_up.get(&key).cloned()).or(named);
        if let Some(commit) = &known
            && let Some(checkout) = self.git.find(asked.url, commit)?
        {
            self.pin(asked, commit, &checkout)?;
            return Ok((checkout, commit.clone(), true));
        }
        observer(SetupEvent::FetchingCode {
            step: asked.step.clone(),
            url: asked.url.to_string(),
            reference: asked.reference.map(|reference| reference.as_str().to_owned()),
        });
        let commit = match known {
            Some(commit) => commit,
            None => self.git.resolve(asked.url, asked.reference, observer)?,
        };
        let checkout = self.git.checkout(asked.url, &commit, observer)?;
        self.looked_up.insert(key, commit.clone());
        self.pin(asked, &commit, &checkout)?;
        Ok((checkout, commit, false))
    }

    fn pin(&mut self, asked: &Asked<'_>, commit: &CommitId, checkout: &Checkout) -> Result<(), CodeError> {
        if self.policy.locked {
            return match self.pin_of(asked) {
                Some(pinned) if pinned != *commit => Err(CodeError::PinMoved {
                    reference: asked.reference.cloned(),
                    pinned,
                    now: commit.clone(),
                }),
                _ => Ok(()),
            };
        }
        let pin = Pin {
            url: asked.url.identity().to_owned(),
            reference: asked.reference.cloned(),
            commit: commit.clone(),
            tree: Some(checkout.tree.clone()),
        };
        self.lock.set(asked.kind, asked.step, pin);
        Ok(())
    }
}

fn warn(asked: &Asked<'_>, checkout: &Checkout, observer: &mut dyn FnMut(SetupEvent)) {
    if checkout.modified {
        observer(SetupEvent::Warning {
            message: format!(
                "the fetched code of step `{}` in `{}` has been edited: it runs as it is and is recorded as modified",
                asked.step, checkout.folder
            ),
        });
    }
    if !checkout.empty_folders.is_empty() {
        let folders: Vec<_> = checkout.empty_folders.iter().map(|folder| format!("`{folder}`")).collect();
        observer(SetupEvent::Warning {
            message: format!(
                "{} in the repository of step `{}` stays empty: `.gitmodules` does not say where it comes from",
                folders.join(", "),
                asked.step
            ),
        });
    }
}
