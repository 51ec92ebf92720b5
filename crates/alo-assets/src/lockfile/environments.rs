//! The environments of `alo.lock`: exact packages, and what they were resolved from.

use std::collections::{BTreeMap, BTreeSet};

use alo_plan::PipelineKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::grouping::Clash;
use crate::interpreter::PythonVersion;
use crate::resolution::Resolution;

/// An environment, as a lock keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LockedEnvironment {
    /// The Python that its packages were resolved for; another third number does as well.
    pub python: PythonVersion,
    /// The steps of the train pipeline that run in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_pipeline: Option<LockedSteps>,
    /// The steps of the inference pipeline that run in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference_pipeline: Option<LockedSteps>,
    /// The moment whose indexes were asked (`--as-of`); `None` is that of the resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The exact packages.
    #[serde(default)]
    pub packages: Resolution,
}

/// Steps of a pipeline that share an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LockedSteps {
    /// Their names, in the order of execution.
    pub steps: Vec<String>,
    /// What they ask for, without credentials, sorted; for people.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// SHA-256 over all that decides their packages: as long as it is the same, these packages hold.
    pub digest: String,
    /// What keeps them from sharing the environment of the steps before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clash: Option<Clash>,
    /// The steps of the train pipeline whose requirements could not be had beside these, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, String>,
}

/// The environment of one group of a pipeline's steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockedGroup {
    pub(crate) python: PythonVersion,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) packages: Resolution,
    pub(crate) members: LockedSteps,
}

impl LockedEnvironment {
    /// The steps of a pipeline that run in it.
    pub fn members(&self, kind: PipelineKind) -> Option<&LockedSteps> {
        match kind {
            PipelineKind::Train => self.train_pipeline.as_ref(),
            PipelineKind::Inference => self.inference_pipeline.as_ref(),
        }
    }

    /// Whether it was resolved from requirements of that digest, for either pipeline.
    pub(crate) fn is_of(&self, digest: &str) -> bool {
        PipelineKind::ALL
            .iter()
            .filter_map(|kind| self.members(*kind))
            .any(|members| members.digest == digest)
    }

    fn group(&self, kind: PipelineKind) -> Option<LockedGroup> {
        let members = self.members(kind)?.clone();
        Some(LockedGroup { python: self.python, as_of: self.as_of, packages: self.packages.clone(), members })
    }

    fn holds(&self, group: &LockedGroup) -> bool {
        let minor = |version: PythonVersion| PythonVersion { patch: None, ..version };
        minor(self.python) == minor(group.python)
            && self.as_of == group.as_of
            && self.packages == group.packages
    }
}

/// The environments of a lock after one pipeline has decided on its own; those of the other stay as they are.
///
/// Train's come first, in the order of its steps. An environment that both pipelines have come to is written once.
pub(super) fn with(
    locked: &[LockedEnvironment],
    kind: PipelineKind,
    groups: Vec<LockedGroup>,
) -> Vec<LockedEnvironment> {
    // Steps that need nothing leave no trace.
    let groups: Vec<_> = groups.into_iter().filter(|group| !group.packages.is_empty()).collect();
    let kept = |kind| locked.iter().filter_map(|entry| entry.group(kind)).collect::<Vec<_>>();
    let (train, inference) = match kind {
        PipelineKind::Train => (groups, kept(PipelineKind::Inference)),
        PipelineKind::Inference => (kept(PipelineKind::Train), groups),
    };
    let entry = |group: LockedGroup| LockedEnvironment {
        python: group.python,
        train_pipeline: None,
        inference_pipeline: None,
        as_of: group.as_of,
        packages: group.packages,
    };
    let mut entries: Vec<LockedEnvironment> = Vec::new();
    for group in train {
        let members = Some(group.members.clone());
        entries.push(LockedEnvironment { train_pipeline: members, ..entry(group) });
    }
    for group in inference {
        let members = Some(group.members.clone());
        match entries.iter_mut().find(|known| known.inference_pipeline.is_none() && known.holds(&group)) {
            Some(known) => known.inference_pipeline = members,
            None => entries.push(LockedEnvironment { inference_pipeline: members, ..entry(group) }),
        }
    }
    entries
}

/// The steps of a pipeline whose environments stand in the lock otherwise than in `groups`, or in only one of both.
pub(super) fn changes<'g>(
    locked: &'g [LockedEnvironment],
    kind: PipelineKind,
    groups: &'g [LockedGroup],
) -> BTreeSet<&'g str> {
    let is_written = |group: &LockedGroup| {
        group.packages.is_empty() || locked.iter().any(|entry| entry.group(kind).as_ref() == Some(group))
    };
    let is_kept = |entry: &LockedEnvironment| entry.group(kind).is_none_or(|known| groups.contains(&known));
    let new = groups.iter().filter(|group| !is_written(group)).map(|group| &group.members);
    let gone = locked.iter().filter(|entry| !is_kept(entry)).filter_map(|entry| entry.members(kind));
    new.chain(gone).flat_map(|members| &members.steps).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(step: &str, package: &str) -> LockedGroup {
        let packages = format!(r#"[{{"name": "{package}", "version": "1"}}]"#);
        LockedGroup {
            python: "3.10.4".parse().unwrap(),
            as_of: None,
            packages: serde_json::from_str(&packages).unwrap(),
            members: LockedSteps {
                steps: vec![step.to_owned()],
                requirements: vec![package.to_owned()],
                digest: format!("{step}-{package}"),
                clash: None,
                left_out: BTreeMap::new(),
            },
        }
    }

    fn said(entries: &[LockedEnvironment]) -> Vec<String> {
        let members = |entry: &LockedEnvironment, kind| {
            entry.members(kind).map(|members| members.steps.join("+")).unwrap_or_default()
        };
        let said = entries.iter().map(|entry| {
            let [train, inference] = PipelineKind::ALL.map(|kind| members(entry, kind));
            format!("{train}|{inference}: {}", entry.packages.packages()[0])
        });
        said.collect()
    }

    #[test]
    fn pipelines_share_what_is_equal_and_part_where_one_changes() {
        let (train, inference) = (PipelineKind::Train, PipelineKind::Inference);
        let entries = with(&[], inference, vec![group("i", "a")]);
        let entries = with(&entries, train, vec![group("t", "a"), group("u", "b")]);
        assert_eq!(said(&entries), ["t|i: a==1", "u|: b==1"]);
        assert!(entries[0].is_of("t-a") && entries[0].is_of("i-a") && !entries[0].is_of("u-b"));
        assert_eq!(with(&entries, inference, vec![group("i", "a")]), entries);
        let entries = with(&entries, train, vec![group("t", "c")]);
        assert_eq!(said(&entries), ["t|: c==1", "|i: a==1"]);
    }
}
