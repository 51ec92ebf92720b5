//! Why steps cannot share an environment, in words.

use std::fmt;

use pep440_rs::Operator;
use serde::{Deserialize, Serialize};

use super::StepNeeds;
use crate::redact;
use crate::requirements::Requirement;

/// Why the steps of a pipeline run in several environments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Split {
    /// The steps of each environment, in the order of execution.
    pub groups: Vec<Vec<String>>,
    /// What keeps the groups apart.
    pub clashes: Vec<Clash>,
}

/// Requirements of two steps that exclude each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Clash {
    /// The package in question, if it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// What was there first.
    pub first: Claim,
    /// What could not join it.
    pub second: Claim,
    /// The installer's reason, where the requirements themselves do not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One side of a clash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Claim {
    /// The steps that make it.
    pub steps: Vec<String>,
    /// What they ask for, without credentials; `None` where no single requirement is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the steps run in {} environments", self.groups.len())?;
        for (index, clash) in self.clashes.iter().enumerate() {
            f.write_str(if index == 0 { ", since " } else { "; " })?;
            clash.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {} exclude each other", self.first, self.second)?;
        match &self.reason {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.steps.iter().map(|step| format!("`{step}`")).collect();
        match &self.requirement {
            Some(requirement) => write!(f, "`{requirement}` of {}", names.join(", ")),
            None => write!(f, "the requirements of {}", names.join(", ")),
        }
    }
}

impl Clash {
    /// Why a step cannot join others. Pins are told by themselves, anything else by the installer's reason.
    pub(super) fn between(others: &[&StepNeeds], step: &StepNeeds, reason: Option<String>) -> Self {
        let direct = others.iter().find_map(|other| forced_pins(other, step).or_else(|| pins(other, step)));
        direct.unwrap_or_else(|| Self {
            package: None,
            first: Claim {
                steps: others.iter().map(|other| other.name.to_string()).collect(),
                requirement: None,
            },
            second: Claim { steps: vec![step.name.to_string()], requirement: None },
            reason,
        })
    }
}

/// Two steps of which one pins a package (`==`) to a version that the other does not accept.
pub(super) fn pins(one: &StepNeeds, other: &StepNeeds) -> Option<Clash> {
    pair(one, other, false)
}

/// Two steps that force a package (`--force-reinstall`) to versions that exclude each other.
pub(super) fn forced_pins(one: &StepNeeds, other: &StepNeeds) -> Option<Clash> {
    pair(one, other, true)
}

fn pair(one: &StepNeeds, other: &StepNeeds, forced: bool) -> Option<Clash> {
    let counts = |item: &&Requirement| item.overrides() == forced;
    one.set.iter().filter(counts).find_map(|first| {
        let mut others = other.set.iter().filter(counts);
        let second = others.find(|second| second.name == first.name && excludes(first, second))?;
        let claim = |needs: &StepNeeds, requirement: &Requirement| Claim {
            steps: vec![needs.name.to_string()],
            requirement: Some(redact(&requirement.text)),
        };
        let (first_claim, second_claim) = (claim(one, first), claim(other, second));
        Some(Clash { package: first.name.clone(), first: first_claim, second: second_claim, reason: None })
    })
}

/// Whether one of the two pins the package to a version that the other rules out.
fn excludes(one: &Requirement, other: &Requirement) -> bool {
    // What holds on some machines only is the resolver's to judge.
    let is_plain = |item: &Requirement| !item.text.contains(';') && item.name.is_some();
    if !is_plain(one) || !is_plain(other) {
        return false;
    }
    let (Some(ours), Some(theirs)) = (&one.specifiers, &other.specifiers) else { return false };
    [(ours, theirs), (theirs, ours)].into_iter().any(|(pinned, accepted)| {
        let mut pins = pinned.iter().filter(|specifier| *specifier.operator() == Operator::Equal);
        pins.any(|pin| !accepted.contains(pin.version()) && !pin.version().is_local())
    })
}

#[cfg(test)]
mod tests {
    use alo_plan::StepName;

    use super::*;
    use crate::requirements::{Places, RequirementSet, of_step};

    fn needs(name: &str, items: &[&str]) -> StepNeeds {
        let items: Vec<_> = items.iter().map(|&item| item.to_owned()).collect();
        let (items, options) =
            of_step(&StepName::new(name), &items, Places { code: None, project: "/".into(), home: None })
                .unwrap();
        let mut set = RequirementSet::default();
        set.add(items, options);
        StepNeeds { name: StepName::new(name), set }
    }

    #[test]
    fn pins_that_exclude_each_other_are_seen_without_a_resolver() {
        let input = needs("input", &["a", "NumPy==1.26.4"]);
        for (items, clash) in [
            (["numpy==2.0.0"], true),
            (["numpy>=2"], true),
            (["numpy>=1.20"], false),
            (["numpy==1.26.4"], false),
            (["numpy==2 ; python_version < '3.9'"], false),
            (["numpy==2 --force-reinstall"], false),
            (["b==1"], false),
        ] {
            assert_eq!(pins(&input, &needs("train", &items)).is_some(), clash, "{items:?}");
        }
        let forced = needs("train", &["numpy==2.0.0 --force-reinstall"]);
        assert!(forced_pins(&forced, &needs("last", &["numpy==1.26.4 --force-reinstall"])).is_some());
        assert!(forced_pins(&forced, &needs("last", &["numpy==2.0.0 --force-reinstall"])).is_none());
        assert!(forced_pins(&forced, &input).is_none());
        let clash = pins(&input, &needs("train", &["numpy>=2"])).unwrap();
        assert_eq!(
            clash.to_string(),
            "`numpy==1.26.4` of `input` and `numpy>=2` of `train` exclude each other"
        );
    }
}
