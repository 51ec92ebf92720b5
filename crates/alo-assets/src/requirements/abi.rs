//! Packages whose wheels were built for NumPy 1 and break when a resolver gives them NumPy 2.
//!
//! Their metadata does not say so: `pandas==1.5.3` asks for `numpy>=1.21`, gets NumPy 2 and dies at import with
//! `numpy.dtype size changed`. The table (`abi.yaml`, with its sources) says from which version on a package's wheels are
//! made for NumPy 2. It is used only where the plan is silent on NumPy.

use std::sync::LazyLock;

use pep440_rs::{Operator, Version, VersionSpecifier};
use serde::Deserialize;

use super::item::{Origin, Requirement};
use super::set::RequirementSet;

const TABLE: &str = include_str!("abi.yaml");

/// A row of the table.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Fact {
    /// The package, normalised by PEP 503.
    package: String,
    /// Its first version that works with NumPy 2.
    first: Version,
    /// How that is known; for those who look after the table.
    #[serde(rename = "source")]
    _source: Source,
}

/// How a row of the table is known.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    /// By the wheels' own metadata.
    Metadata,
    /// By what its maintainers and NumPy's have said.
    Reported,
}

/// The table, read once. It is part of the program; a test sees to it that it can be read.
static FACTS: LazyLock<Vec<Fact>> = LazyLock::new(|| serde_yaml::from_str(TABLE).unwrap_or_default());

/// What is added because of a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addition {
    /// What is added: `numpy<2`.
    pub(crate) constraint: &'static str,
    /// The requirement that is the reason.
    pub(crate) because: String,
}

/// Adds `numpy<2` if a requirement of the set was built for NumPy 1 and nothing in the set names NumPy.
pub(crate) fn complete(set: &mut RequirementSet) -> Option<Addition> {
    if set.names("numpy") {
        return None;
    }
    let cause = set.iter().find(|item| needs_numpy_1(item))?;
    let addition = Addition { constraint: "numpy<2", because: cause.text.clone() };
    let requirement = Requirement {
        text: addition.constraint.to_owned(),
        name: Some("numpy".to_owned()),
        specifiers: None,
        hashes: Vec::new(),
        forced: false,
        path: None,
        origin: Origin { step: cause.origin.step.clone(), file: None },
    };
    set.add(vec![requirement], super::Options::default());
    Some(addition)
}

fn needs_numpy_1(item: &Requirement) -> bool {
    let (Some(name), Some(specifiers)) = (&item.name, &item.specifiers) else { return false };
    let fact = FACTS.iter().find(|fact| fact.package == *name);
    fact.is_some_and(|fact| specifiers.iter().any(|specifier| stays_below(specifier, &fact.first)))
}

/// Whether no version that the specifier accepts reaches `first`.
fn stays_below(specifier: &VersionSpecifier, first: &Version) -> bool {
    let version = specifier.version();
    match specifier.operator() {
        Operator::Equal | Operator::ExactEqual | Operator::LessThanEqual => version < first,
        Operator::LessThan => version <= first,
        // `==1.5.*` and `~=1.5.3` end before the next number: `first` lies at or after that.
        Operator::EqualStar => version < first && !starts_with(first, version.release()),
        Operator::TildeEqual => {
            let series = version.release().split_last().map_or(&[][..], |(_, series)| series);
            version < first && !starts_with(first, series)
        }
        _ => false,
    }
}

fn starts_with(version: &Version, release: &[u64]) -> bool {
    let numbers = version.release().iter().copied().chain(std::iter::repeat(0));
    release.iter().copied().zip(numbers).all(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use alo_plan::StepName;

    use super::*;
    use crate::requirements::of_step;

    fn added(items: &[&str]) -> Option<Addition> {
        let items: Vec<_> = items.iter().map(|&item| item.to_owned()).collect();
        let (items, options) = of_step(&StepName::new("s"), &items, None, "/".into()).unwrap();
        let mut set = RequirementSet::default();
        set.add(items, options);
        let added = complete(&mut set);
        assert_eq!(added.is_some(), set.lines().contains(&"numpy<2".to_owned()));
        added
    }

    #[test]
    fn a_pin_of_the_time_of_numpy_1_brings_it_along() {
        for pin in
            ["pandas==1.5.3", "pandas<2", "pandas<=2.2.1", "pandas==1.5.*", "pandas~=2.1.0", "torch==2.0.0"]
        {
            assert_eq!(added(&["scikit-learn", pin]).unwrap().because, pin);
        }
    }

    #[test]
    fn a_plan_that_names_numpy_or_leaves_a_new_version_open_is_left_alone() {
        assert_eq!(added(&["pandas==1.5.3", "numpy"]), None);
        for open in
            ["pandas", "pandas>=1.5.3", "pandas==2.2.2", "pandas~=2.2", "pandas==2.2.*", "pandas<3", "x==1"]
        {
            assert_eq!(added(&[open]), None, "{open}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_readable() {
        let facts: Vec<Fact> = serde_yaml::from_str(TABLE).unwrap();
        assert!(facts.len() > 20 && facts.iter().map(|fact| &fact.package).is_sorted());
        for fact in &facts {
            assert_eq!(fact.package, super::super::item::normalize(&fact.package));
        }
        assert_eq!(*FACTS, facts);
    }
}
