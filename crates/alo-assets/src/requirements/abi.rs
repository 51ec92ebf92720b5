//! Packages whose wheels were built for NumPy 1 and break when a resolver gives them NumPy 2.
//!
//! Their metadata does not say so: `pandas==1.5.3` asks for `numpy>=1.21`, gets NumPy 2 and dies at import with
//! `numpy.dtype size changed`. The table (`abi.yaml`, with its sources) says from which version on a package's wheels are
//! made for NumPy 2. It is used only where the plan is silent on NumPy, or leaves both its versions open.

use std::str::FromStr;
use std::sync::LazyLock;

use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};
use serde::Deserialize;

use super::file;
use super::origin::Origin;
use super::requirement::Requirement;
use super::set::RequirementSet;
use crate::resolution::wheel_name;

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

/// The last numbers of NumPy 1: what asks for more asks for NumPy 2.
const LAST_NUMPY_1: [u64; 3] = [1, 26, 4];

/// Adds `numpy<2` if a requirement of the set was built for NumPy 1 and none of them, nor a constraint, says which NumPy it is to be.
pub(crate) fn complete(set: &mut RequirementSet) -> Option<Addition> {
    let step = set.iter().next()?.origin.step.clone();
    let constraints: Vec<_> =
        set.options.constraints.iter().flat_map(|path| file::read_constraints(path, &step)).collect();
    let is_numpy = |item: &&Requirement| item.name.as_deref() == Some("numpy");
    if set.iter().chain(&constraints).filter(is_numpy).any(tells_numpy) {
        return None;
    }
    // A constraint holds for what is asked for.
    let of_set = |item: &&Requirement| item.name.as_deref().is_some_and(|name| set.names(name));
    let cause = set.iter().chain(constraints.iter().filter(of_set)).find(|item| needs_numpy_1(item))?;
    let addition = Addition { constraint: "numpy<2", because: cause.text.clone() };
    let requirement = Requirement {
        text: addition.constraint.to_owned(),
        name: Some("numpy".to_owned()),
        specifiers: None,
        hashes: Vec::new(),
        forced: false,
        path: None,
        marker: None,
        origin: Origin { step: cause.origin.step.clone(), file: None },
    };
    set.add(vec![requirement], super::Options::default());
    Some(addition)
}

/// Whether a requirement of NumPy decides between its versions 1 and 2.
fn tells_numpy(item: &Requirement) -> bool {
    match versions(item) {
        Some(specifiers) => specifiers.iter().any(|specifier| {
            let (version, first, last) = (specifier.version(), Version::new([2]), Version::new(LAST_NUMPY_1));
            match specifier.operator() {
                Operator::LessThan => *version <= first,
                Operator::LessThanEqual => *version < first,
                Operator::GreaterThan => *version >= last,
                Operator::GreaterThanEqual => *version > last,
                Operator::NotEqual | Operator::NotEqualStar => false,
                _ => true,
            }
        }),
        // A folder or an address: whoever names it knows which version lies there.
        None => item.path.is_some() || item.text.contains("://"),
    }
}

fn needs_numpy_1(item: &Requirement) -> bool {
    let (Some(name), Some(specifiers)) = (&item.name, versions(item)) else { return false };
    let fact = FACTS.iter().find(|fact| fact.package == *name);
    fact.is_some_and(|fact| specifiers.iter().any(|specifier| stays_below(specifier, &fact.first)))
}

/// The versions that a requirement accepts; that of a wheel stands in its file name.
fn versions(item: &Requirement) -> Option<VersionSpecifiers> {
    if item.specifiers.is_some() {
        return item.specifiers.clone();
    }
    let address = item.text.split(['#', '?']).next()?.split(" ;").next()?.trim_end();
    let (_, version) = wheel_name(address.rsplit('/').next()?)?;
    let version = Version::from_str(&version.replace("%2B", "+")).ok()?;
    Some(VersionSpecifier::equals_version(version).into())
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
    use crate::requirements::{Places, of_step};

    fn added(items: &[&str]) -> Option<Addition> {
        let items: Vec<_> = items.iter().map(|&item| item.to_owned()).collect();
        let (items, options) =
            of_step(&StepName::new("s"), &items, Places { code: None, project: "/".into(), home: None })
                .unwrap();
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
    fn a_numpy_without_a_decision_between_its_versions_is_none() {
        for open in ["numpy", "numpy>=1.20", "numpy>=1.20,!=1.24.0", "numpy<3", "numpy>1.21"] {
            assert!(added(&["pandas==1.5.3", open]).is_some(), "{open}");
        }
        for decided in [
            "numpy==1.26.4",
            "numpy===2.1.0",
            "numpy==2.*",
            "numpy~=1.24",
            "numpy>=2",
            "numpy>1.26.4",
            "numpy<1.27",
            "numpy<=1.26",
            "numpy>=1.20,<2.0",
            "numpy @ https://h/numpy-2.1.0-cp310-cp310-linux_x86_64.whl",
            "numpy @ git+https://h/numpy.git",
        ] {
            assert_eq!(added(&["pandas==1.5.3", decided]), None, "{decided}");
        }
    }

    #[test]
    fn a_wheel_tells_its_version_by_its_name() {
        for wheel in [
            "https://h/pandas-1.5.3-cp310-cp310-linux_x86_64.whl",
            "https://h/torch-2.0.0%2Bcpu-cp310-cp310-linux_x86_64.whl#sha256=0",
            "pandas @ https://h/pandas-1.5.3-cp310-cp310-linux_x86_64.whl ; python_version > '3'",
        ] {
            assert!(added(&[wheel, "numpy"]).is_some(), "{wheel}");
        }
        assert_eq!(added(&["https://h/pandas-2.2.3-cp310-cp310-linux_x86_64.whl"]), None);
    }

    #[test]
    fn constraints_count_as_the_requirements_they_hold_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.txt");
        let option = format!("-c {}", file.to_str().unwrap());
        fs_err::write(&file, "# of long ago\npandas==1.5.3\n\nnot a line\n").unwrap();
        assert_eq!(added(&[&option, "pandas", "numpy"]).unwrap().because, "pandas==1.5.3");
        assert_eq!(added(&[&option, "x"]), None, "nothing asks for pandas");
        fs_err::write(&file, "pandas==1.5.3\nnumpy==1.26.4\n").unwrap();
        assert_eq!(added(&[&option, "pandas"]), None);
    }

    #[test]
    fn a_plan_that_leaves_a_new_version_open_is_left_alone() {
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
            assert_eq!(fact.package, super::super::normalize(&fact.package));
        }
        assert_eq!(*FACTS, facts);
    }
}
