//! Packages whose wheels were built for NumPy 1 and break when a resolver gives them NumPy 2.
//!
//! Their metadata does not say so: `pandas==1.5.3` asks for `numpy>=1.21`, gets NumPy 2 and dies at import with
//! `numpy.dtype size changed`. The table says from which version on a package's wheels are made for NumPy 2 (sources: the
//! packages' release notes, collected in <https://github.com/numpy/numpy/issues/26191>). It is used only where the plan is
//! silent on NumPy.

use std::str::FromStr;

use pep440_rs::{Operator, Version, VersionSpecifier};

use super::item::{Origin, Requirement};
use super::set::RequirementSet;

/// Package (normalised by PEP 503) and its first version that works with NumPy 2.
const FIRST_FOR_NUMPY_2: [(&str, &str); 22] = [
    ("bottleneck", "1.4.0"),
    ("catboost", "1.2.8"),
    ("fastparquet", "2024.5.0"),
    ("h5py", "3.11.0"),
    ("hdbscan", "0.8.36"),
    ("matplotlib", "3.8.4"),
    ("numba", "0.60.0"),
    ("numexpr", "2.10.0"),
    ("opencv-python", "4.10.0.84"),
    ("opencv-python-headless", "4.10.0.84"),
    ("pandas", "2.2.2"),
    ("pyarrow", "16.0.0"),
    ("pywavelets", "1.6.0"),
    ("scikit-image", "0.23.1"),
    ("scikit-learn", "1.4.2"),
    ("scipy", "1.13.0"),
    ("shap", "0.45.1"),
    ("shapely", "2.0.4"),
    ("statsmodels", "0.14.2"),
    ("tables", "3.10.0"),
    ("tensorflow", "2.18.0"),
    ("torch", "2.3.0"),
];

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
    let first = FIRST_FOR_NUMPY_2.iter().find(|(package, _)| package == name);
    let first = first.and_then(|(_, version)| Version::from_str(version).ok());
    first.is_some_and(|first| specifiers.iter().any(|specifier| stays_below(specifier, &first)))
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
        assert!(FIRST_FOR_NUMPY_2.is_sorted());
        for (package, version) in FIRST_FOR_NUMPY_2 {
            assert_eq!(package, super::super::item::normalize(package));
            assert!(Version::from_str(version).is_ok());
        }
    }
}
