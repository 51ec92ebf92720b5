//! The requirements of a whole pipeline, brought together for one environment.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::str::FromStr;

use camino::{Utf8Path, Utf8PathBuf};
use pep440_rs::Version;

use super::markers::Markers;
use super::options::Options;
use super::requirement::Requirement;
use crate::digest::{self, PackageFiles};
use crate::resolution::ResolvedPackage;

/// What one environment is to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequirementSet {
    items: Vec<Requirement>,
    pub(crate) options: Options,
}

impl RequirementSet {
    /// What a step requires on a Python: an override whose condition does not hold there overrides nothing.
    pub(crate) fn on(markers: &Markers, items: Vec<Requirement>, options: Options) -> Self {
        let counts = |item: &Requirement| !item.forced || markers.allow(item);
        let mut set = Self::default();
        set.add(items.into_iter().filter(counts).collect(), options);
        set
    }

    /// Adds the requirements of a step.
    pub(crate) fn add(&mut self, items: Vec<Requirement>, options: Options) {
        for item in items {
            self.push(item);
        }
        self.options.merge(options);
    }

    /// Adds another set.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.add(other.items.clone(), other.options.clone());
    }

    fn push(&mut self, item: Requirement) {
        if let Some(known) =
            self.items.iter_mut().find(|known| known.text == item.text && known.forced == item.forced)
        {
            known.hashes.extend(item.hashes);
            return;
        }
        if item.name.is_some() {
            if item.overrides() {
                // This pin overrides what the others ask of the package, an earlier override included.
                self.items.retain(|known| known.name != item.name);
            } else if self.items.iter().any(|known| known.overrides() && known.name == item.name) {
                return;
            }
        }
        self.items.push(item);
    }

    /// This set, with those requirements of `other` whose packages it does not name itself.
    pub(crate) fn with_missing_of(&self, other: &Self) -> Self {
        let own: HashSet<_> = self.items.iter().filter_map(|item| item.name.as_deref()).collect();
        let mut both = self.clone();
        for item in &other.items {
            if item.name.as_deref().is_none_or(|name| !own.contains(name)) {
                both.push(item.clone());
            }
        }
        both.options.merge(other.options.clone());
        both
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn names(&self, package: &str) -> bool {
        self.items.iter().any(|item| item.name.as_deref() == Some(package))
    }

    /// Whether no requirement rules out that version of a package.
    pub(crate) fn allows(&self, package: &ResolvedPackage) -> bool {
        let Some(version) = package.version.as_deref().and_then(|version| Version::from_str(version).ok())
        else {
            return false;
        };
        let mut named = self.items.iter().filter(|item| item.name.as_deref() == Some(&package.name));
        named.all(|item| item.specifiers.as_ref().is_none_or(|accepted| accepted.contains(&version)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.items.iter()
    }

    /// The folders that are to be built, but not used in place.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Utf8Path> {
        let built = self.items.iter().filter(|item| !item.is_editable());
        built.filter_map(|item| item.path.as_deref()).filter(|path| path.is_dir())
    }

    /// This set with other places for those folders that have one.
    pub(crate) fn moved<'p>(&self, place: impl Fn(&Utf8Path) -> Option<&'p Utf8Path>) -> Self {
        let mut moved = self.clone();
        for item in moved.items.iter_mut().filter(|item| !item.is_editable()) {
            if let Some(path) = &item.path
                && let Some(place) = place(path)
            {
                item.text = item.text.replacen(path.as_str(), place.as_str(), 1);
                item.path = Some(place.to_owned());
            }
        }
        moved
    }

    /// The lines of a requirements file, options first, the rest sorted.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.options.lines();
        lines.extend(self.sorted(|_| true));
        lines
    }

    /// The lines without those that override others.
    pub(crate) fn unforced_lines(&self) -> Vec<String> {
        let mut lines = self.options.lines();
        lines.extend(self.sorted(|item| !item.overrides()));
        lines
    }

    /// The requirements that override others.
    pub(crate) fn forced_lines(&self) -> Vec<String> {
        self.sorted(Requirement::overrides)
    }

    fn sorted(&self, wanted: impl Fn(&Requirement) -> bool) -> Vec<String> {
        let lines: BTreeSet<_> =
            self.items.iter().filter(|item| wanted(item)).map(|item| item.text.clone()).collect();
        lines.into_iter().collect()
    }

    /// What the environment depends on, as text: the same for equal sets, whatever their order.
    ///
    /// Files of this machine count by their content.
    pub(crate) fn identity(&self) -> io::Result<String> {
        let mut lines = self.lines();
        lines.extend(self.options.pre.then(|| "--pre".to_owned()));
        lines.extend(self.options.prefer_binary.then(|| "--prefer-binary".to_owned()));
        lines.extend(self.options.trusted_hosts.iter().map(|host| format!("--trusted-host {host}")));
        lines.extend(self.forced_lines().iter().map(|line| format!("forced {line}")));
        let hashes: BTreeSet<_> = self
            .items
            .iter()
            .flat_map(|item| item.hashes.iter().map(|hash| format!("{} --hash={hash}", item.text)))
            .collect();
        lines.extend(hashes);
        let mut files: Vec<&Utf8PathBuf> = self.items.iter().filter_map(|item| item.path.as_ref()).collect();
        files.extend(&self.options.constraints);
        files.sort();
        for path in files {
            let digest =
                if path.is_dir() { PackageFiles::list(path)?.digest()? } else { digest::of_file(path)? };
            lines.push(format!("file {path} {digest}"));
        }
        lines.push(String::new());
        Ok(lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use alo_plan::StepName;

    use super::*;
    use crate::interpreter::PythonVersion;
    use crate::requirements::{Places, of_step};

    fn set(steps: &[&[&str]]) -> RequirementSet {
        let mut set = RequirementSet::default();
        for items in steps {
            let items: Vec<_> = items.iter().map(|&item| item.to_owned()).collect();
            let (items, options) =
                of_step(&StepName::new("s"), &items, Places { code: None, project: "/".into(), home: None })
                    .unwrap();
            set.add(items, options);
        }
        set
    }

    #[test]
    fn equal_sets_have_one_identity_whatever_their_order() {
        let one = set(&[&["pandas==1.5.3", "Scikit-Learn"], &["pandas == 1.5.3"]]);
        let other = set(&[&["scikit_learn"], &["pandas==1.5.3"]]);
        assert_eq!(one.identity().unwrap(), other.identity().unwrap());
        assert_ne!(one.identity().unwrap(), set(&[&["pandas==1.5.3"]]).identity().unwrap());
    }

    #[test]
    fn a_forced_pin_overrides_the_same_package_before_and_after_it() {
        let set = set(&[&["numpy==1.26.4", "a"], &["numpy==1.25.2 --force-reinstall"], &["NumPy>=2"]]);
        assert_eq!(set.lines(), ["a", "numpy==1.25.2"]);
        assert_eq!(set.forced_lines(), ["numpy==1.25.2"]);
        assert_eq!(set.unforced_lines(), ["a"]);
    }

    #[test]
    fn what_is_forced_without_a_version_or_for_another_python_overrides_nothing() {
        assert_eq!(set(&[&["a==1", "a --force-reinstall"]]).lines(), ["a", "a==1"]);
        let items = ["a==1", "a==2 ; python_version<'3' --force-reinstall"].map(str::to_owned);
        let places = Places { code: None, project: "/".into(), home: None };
        let (items, options) = of_step(&StepName::new("s"), &items, places).unwrap();
        let python = PythonVersion { major: 3, minor: 10, patch: Some(14) };
        let set = RequirementSet::on(&Markers::of(python), items, options);
        assert_eq!(set.lines(), ["a==1"]);
    }

    #[test]
    fn different_pins_of_one_package_are_left_to_the_resolver() {
        assert_eq!(set(&[&["a==1"], &["a==2"]]).lines(), ["a==1", "a==2"]);
    }

    #[test]
    fn inference_takes_over_what_it_does_not_name() {
        let train = set(&[&["pandas==1.5.3", "numpy==1.26.4"]]);
        let inference = set(&[&["numpy"]]);
        assert_eq!(inference.with_missing_of(&train).lines(), ["numpy", "pandas==1.5.3"]);
    }
}
