//! All that the result of a step depends on, and the key made of it.

use std::collections::BTreeMap;
use std::fmt;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::digest::{Fields, short};

/// The version of the description; keys of another one are never equal.
const FORMAT: &str = "step 1";

/// All that the result of a step depends on. Two steps of equal descriptions leave the same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepDescription {
    /// The version of the engine and a digest of the asset API.
    pub engine: String,
    /// The project's folder: assets see absolute paths.
    pub project: Utf8PathBuf,
    /// The step's place in the pipeline, from 1.
    pub number: usize,
    /// The arguments in the order of the plan, names and values as JSON.
    pub arguments: Vec<(String, String)>,
    /// What identifies the code.
    pub code: String,
    /// What identifies the environment.
    pub environment: String,
    /// Its version of Python.
    pub python: String,
    /// Its packages as `name==version`.
    pub packages: Vec<String>,
    /// The variables that the step sees, with digests of their values.
    pub variables: BTreeMap<String, String>,
    /// What else of the plan a step can see.
    pub plan: BTreeMap<String, String>,
    /// The sources of the data with their digests.
    pub data: BTreeMap<String, String>,
    /// The trained models that a step of inference can read, with their digests.
    pub models: BTreeMap<Utf8PathBuf, String>,
    /// A digest of what earlier steps have changed of the process: random numbers, environment variables.
    pub process: Option<String>,
    /// The step before and the digest of all that the steps so far have left; none for the first step.
    pub earlier: Option<(String, String)>,
}

impl StepDescription {
    /// Takes note of the variables that the step sees; values may be secrets, and are kept as digests.
    pub fn set_variables<'a>(&mut self, variables: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        let digest = |(name, value): (&str, &[u8])| (name.to_owned(), Self::variable(name, value));
        self.variables = variables.into_iter().map(digest).collect();
    }

    /// A digest of a variable's value.
    pub fn variable(name: &str, value: &[u8]) -> String {
        let mut fields = Fields::<blake3::Hasher>::default();
        fields.add(name.as_bytes());
        fields.add(value);
        short(&fields.finish())
    }

    /// The key under which the result of such a step is kept.
    pub fn key(&self) -> StepKey {
        let mut fields = Fields::<blake3::Hasher>::default();
        fields.add(FORMAT.as_bytes());
        // A description holds nothing that JSON cannot say.
        fields.add(&serde_json::to_vec(self).unwrap_or_default());
        StepKey(fields.finish())
    }
}

/// A digest of all that the result of a step depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepKey(String);

impl StepKey {
    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_description_is_part_of_its_key() {
        type Change = fn(&mut StepDescription);
        let changes: [Change; 14] = [
            |of| of.engine.push('x'),
            |of| of.project.push("x"),
            |of| of.number += 1,
            |of| of.arguments.push(("a".into(), "1".into())),
            |of| of.code.push('x'),
            |of| of.environment.push('x'),
            |of| of.python.push('x'),
            |of| of.packages.push("x".into()),
            |of| drop(of.variables.insert("a".into(), "1".into())),
            |of| drop(of.plan.insert("a".into(), "1".into())),
            |of| drop(of.data.insert("a".into(), "1".into())),
            |of| drop(of.models.insert("a".into(), "1".into())),
            |of| of.process = Some(String::new()),
            |of| of.earlier = Some((String::new(), String::new())),
        ];
        let plain = StepDescription::default();
        let mut keys = vec![plain.key()];
        for change in changes {
            let mut other = plain.clone();
            change(&mut other);
            keys.push(other.key());
        }
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 15);
        assert_eq!(plain.key(), StepDescription::default().key());
    }
}
