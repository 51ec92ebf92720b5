//! The file `alo.lock`: read once, written when something has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use alo_plan::{PipelineKind, StepName};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::environments::{self, LockedEnvironment, LockedGroup};
use super::error::LockfileError;
use super::pin::Pin;
use crate::durable;
use crate::git::{GitRef, GitUrl};
use crate::interpreter::PythonVersion;

/// Version of the format.
const FORMAT: u32 = 1;
/// The file's name in the project.
const NAME: &str = "alo.lock";
const HEADER: &str = "# The commits and packages that the steps of this project run, written by alo. Keep it under version control.\n\
                      # `get_asset_source: once` obeys it; `alo update` takes branches and packages as they are now.\n";

/// The pins of a project.
#[derive(Debug, Clone)]
pub struct Lockfile {
    path: Utf8PathBuf,
    content: Content,
    is_changed: bool,
}

type Pins = BTreeMap<String, Pin>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    version: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    train_pipeline: Pins,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    inference_pipeline: Pins,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    environments: Vec<LockedEnvironment>,
}

impl Lockfile {
    /// Reads `alo.lock` of a project; a project without one has no pins.
    pub fn read(project: &Utf8Path) -> Result<Self, LockfileError> {
        let path = project.join(NAME);
        let empty = || Content {
            version: FORMAT,
            train_pipeline: Pins::new(),
            inference_pipeline: Pins::new(),
            environments: Vec::new(),
        };
        let content = match fs_err::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => empty(),
            Ok(text) => serde_yaml::from_str(&text)
                .map_err(|source| LockfileError::Syntax { path: path.clone(), source })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => empty(),
            Err(source) => return Err(LockfileError::Io { action: "read", path, source }),
        };
        Ok(Self { path, content, is_changed: false })
    }

    /// The pin of a step, whatever the plan says now.
    pub fn pin(&self, kind: PipelineKind, step: &StepName) -> Option<&Pin> {
        self.pins(kind).get(step.as_str())
    }

    /// The pin of a step, if it still asks for the same URL and reference.
    pub(crate) fn valid_pin(
        &self,
        kind: PipelineKind,
        step: &StepName,
        url: &GitUrl,
        reference: Option<&GitRef>,
    ) -> Option<&Pin> {
        self.pin(kind, step).filter(|pin| pin.url == url.identity() && pin.reference.as_ref() == reference)
    }

    /// Pins a step.
    pub(crate) fn set(&mut self, kind: PipelineKind, step: &StepName, pin: Pin) {
        if self.pin(kind, step) != Some(&pin) {
            self.pins_mut(kind).insert(step.as_str().to_owned(), pin);
            self.is_changed = true;
        }
    }

    /// The steps of a pipeline, by their pins and environments, that are not among these.
    pub(crate) fn leftovers(&self, kind: PipelineKind, steps: &[&StepName]) -> BTreeSet<&str> {
        let environments = self.environments().iter().filter_map(|entry| entry.members(kind));
        let names = self.pins(kind).keys().chain(environments.flat_map(|members| &members.steps));
        names.map(String::as_str).filter(|name| !steps.iter().any(|step| step.as_str() == *name)).collect()
    }

    /// The environments, train's first.
    pub fn environments(&self) -> &[LockedEnvironment] {
        &self.content.environments
    }

    /// Whether another lock, read at another moment, says the same.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.content == other.content
    }

    /// The Python (two numbers) that the packages of a pipeline were resolved for.
    pub fn python(&self, kind: PipelineKind) -> Option<PythonVersion> {
        let entry = self.content.environments.iter().find(|entry| entry.members(kind).is_some())?;
        Some(PythonVersion { patch: None, ..entry.python })
    }

    /// The steps of a pipeline whose environments are not written as in `groups`.
    pub(crate) fn changes<'g>(&'g self, kind: PipelineKind, groups: &'g [LockedGroup]) -> BTreeSet<&'g str> {
        environments::changes(&self.content.environments, kind, groups)
    }

    /// Takes over the environments that a pipeline has decided on.
    pub(crate) fn set_environments(&mut self, kind: PipelineKind, groups: Vec<LockedGroup>) {
        let entries = environments::with(&self.content.environments, kind, groups);
        if entries != self.content.environments {
            self.content.environments = entries;
            self.is_changed = true;
        }
    }

    /// Forgets the steps of a pipeline that are not among these.
    pub(crate) fn keep_only(&mut self, kind: PipelineKind, steps: &[&StepName]) {
        let pins = self.pins_mut(kind);
        let before = pins.len();
        pins.retain(|name, _| steps.iter().any(|step| step.as_str() == name));
        let is_shorter = pins.len() < before;
        self.is_changed |= is_shorter;
    }

    /// Writes the file if something has changed. Answers false if it may not: a newer alo has written it.
    pub(crate) fn write(&mut self) -> Result<bool, LockfileError> {
        if !self.is_changed {
            return Ok(true);
        }
        if self.content.version > FORMAT {
            return Ok(false);
        }
        let text = serde_yaml::to_string(&self.content)
            .map_err(|source| LockfileError::Syntax { path: self.path.clone(), source })?;
        durable::write(&self.path, format!("{HEADER}{text}").as_bytes())
            .map_err(|source| LockfileError::Io { action: "write", path: self.path.clone(), source })?;
        self.is_changed = false;
        Ok(true)
    }

    fn pins(&self, kind: PipelineKind) -> &Pins {
        match kind {
            PipelineKind::Train => &self.content.train_pipeline,
            PipelineKind::Inference => &self.content.inference_pipeline,
        }
    }

    fn pins_mut(&mut self, kind: PipelineKind) -> &mut Pins {
        match kind {
            PipelineKind::Train => &mut self.content.train_pipeline,
            PipelineKind::Inference => &mut self.content.inference_pipeline,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{CommitId, TreeId};

    fn pin(url: &GitUrl, reference: &str, digit: &str) -> Pin {
        let commit = CommitId::try_from(digit.repeat(40)).unwrap();
        let tree = TreeId::try_from("e".repeat(40)).ok();
        Pin { url: url.identity().to_owned(), reference: GitRef::new(reference), commit, tree }
    }

    #[test]
    fn pins_are_kept_without_credentials_and_hold_for_the_same_url_and_reference() {
        let project = tempfile::tempdir().unwrap();
        let project = Utf8Path::from_path(project.path()).unwrap();
        let (train, step) = (PipelineKind::Train, StepName::new("train"));
        let url = GitUrl::parse("https://me:secret@h/a.git", project).unwrap();
        let mut lock = Lockfile::read(project).unwrap();
        lock.set(train, &step, pin(&url, "main", "a"));
        lock.set(PipelineKind::Inference, &StepName::new("input"), pin(&url, "", "b"));
        assert!(lock.write().unwrap());
        insta::assert_snapshot!(fs_err::read_to_string(project.join("alo.lock")).unwrap(), @r"
        # The commits and packages that the steps of this project run, written by alo. Keep it under version control.
        # `get_asset_source: once` obeys it; `alo update` takes branches and packages as they are now.
        version: 1
        train_pipeline:
          train:
            url: https://h/a.git
            reference: main
            commit: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
            tree: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        inference_pipeline:
          input:
            url: https://h/a.git
            reference: null
            commit: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
            tree: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
        ");
        let lock = Lockfile::read(project).unwrap();
        let main = GitRef::new("main");
        assert!(lock.valid_pin(train, &step, &url, main.as_ref()).is_some());
        assert!(lock.valid_pin(train, &step, &url, None).is_none());
        let other = GitUrl::parse("https://h/b.git", project).unwrap();
        assert!(lock.valid_pin(train, &step, &other, main.as_ref()).is_none());
    }

    #[test]
    fn a_file_of_a_newer_alo_is_read_and_never_overwritten() {
        let project = tempfile::tempdir().unwrap();
        let project = Utf8Path::from_path(project.path()).unwrap();
        let text = format!(
            "version: 9\nnews: 1\ntrain_pipeline:\n  a: {{url: u, commit: {}, more: x}}\n",
            "c".repeat(40)
        );
        fs_err::write(project.join("alo.lock"), &text).unwrap();
        let mut lock = Lockfile::read(project).unwrap();
        assert!(lock.pin(PipelineKind::Train, &StepName::new("a")).is_some());
        lock.keep_only(PipelineKind::Train, &[]);
        assert!(!lock.write().unwrap());
        assert_eq!(fs_err::read_to_string(project.join("alo.lock")).unwrap(), text);
    }

    #[test]
    fn a_damaged_file_is_an_error_with_advice() {
        let project = tempfile::tempdir().unwrap();
        let project = Utf8Path::from_path(project.path()).unwrap();
        fs_err::write(project.join("alo.lock"), "version: 1\ntrain_pipeline: [1]").unwrap();
        assert!(Lockfile::read(project).unwrap_err().hint().is_some());
    }
}
