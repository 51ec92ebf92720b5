//! In what two runs of a pipeline differ: arguments, code, packages, data, outcome.

use alo_plan::PipelineKind;
use serde::Serialize;
use serde_json::{Value, json};

use super::data_list;
use super::diff::{Difference, DifferenceArea, Things, differences};
use super::entry::HistoryEntry;
use super::record::{RunRecord, StepRecord};
use crate::run_id::RunId;

/// In what two runs differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunDiff {
    /// The first run.
    pub a: RunId,
    /// The pipeline of the first run.
    pub a_kind: PipelineKind,
    /// The second run.
    pub b: RunId,
    /// The pipeline of the second run.
    pub b_kind: PipelineKind,
    /// All that differs, by area and name.
    pub differences: Vec<Difference>,
}

impl RunDiff {
    /// Compares two runs by their records, and by the lists of their data.
    pub fn new(a: &HistoryEntry, b: &HistoryEntry) -> Self {
        let (one, other) = (&a.record, &b.record);
        let mut all = Vec::new();
        for (area, things) in AREAS {
            all.extend(differences(area, &things(one), &things(other)));
        }
        if one.data_id != other.data_id {
            all.extend(differences(DifferenceArea::Data, &data(a), &data(b)));
        }
        all.sort_by(|a, b| (a.area, &a.name).cmp(&(b.area, &b.name)));
        Self {
            a: one.id.clone(),
            a_kind: one.kind,
            b: other.id.clone(),
            b_kind: other.kind,
            differences: all,
        }
    }
}

type Area = (DifferenceArea, fn(&RunRecord) -> Things);

const AREAS: [Area; 8] = [
    (DifferenceArea::Outcome, outcome),
    (DifferenceArea::Step, steps),
    (DifferenceArea::Args, args),
    (DifferenceArea::Code, code),
    (DifferenceArea::Python, pythons),
    (DifferenceArea::Package, packages),
    (DifferenceArea::Model, model),
    (DifferenceArea::Version, versions),
];

fn outcome(record: &RunRecord) -> Things {
    let mut things: Things = [("state".to_owned(), json!(record.state.as_str()))].into();
    things.extend(record.score.map(|score| ("score".to_owned(), json!(score))));
    things.extend(record.result.as_ref().map(|result| ("result".to_owned(), json!(result))));
    things
}

/// The steps by name, with their places.
fn steps(record: &RunRecord) -> Things {
    record.steps.iter().enumerate().map(|(at, step)| (step.name.clone(), json!(at + 1))).collect()
}

fn args(record: &RunRecord) -> Things {
    let of = |step: &StepRecord| -> Vec<(String, Value)> {
        let Value::Object(args) = &step.args else { return Vec::new() };
        args.iter().map(|(key, value)| (format!("{}.{key}", step.name), value.clone())).collect()
    };
    record.steps.iter().flat_map(of).collect()
}

/// What identifies the code of each step: what the record says of it but for the places on this machine.
fn code(record: &RunRecord) -> Things {
    let of = |step: &StepRecord| {
        let code = &step.code;
        let digest = || code.get("digest").cloned().unwrap_or_else(|| code.clone());
        let modified = code.get("modified") == Some(&Value::Bool(true));
        let identity = code.get("commit").filter(|_| !modified).cloned().unwrap_or_else(digest);
        (step.name.clone(), identity)
    };
    record.steps.iter().map(of).collect()
}

fn pythons(record: &RunRecord) -> Things {
    let one = record.environments.len() == 1;
    let name =
        |steps: &[String]| if one { "python".to_owned() } else { format!("python ({})", steps.join(", ")) };
    record.environments.iter().map(|used| (name(&used.steps), json!(used.python))).collect()
}

/// The packages of all environments; where two environments have two versions, both are told.
fn packages(record: &RunRecord) -> Things {
    let mut things = Things::new();
    for package in record.environments.iter().flat_map(|used| &used.packages) {
        let (name, version) = package.split_once("==").unwrap_or((package, ""));
        match things.get_mut(name) {
            Some(Value::String(versions)) if !versions.split(", ").any(|known| known == version) => {
                versions.push_str(", ");
                versions.push_str(version);
            }
            Some(_) => {}
            None => {
                things.insert(name.to_owned(), json!(version));
            }
        }
    }
    things
}

fn model(record: &RunRecord) -> Things {
    record.train_id.iter().map(|id| ("train_id".to_owned(), json!(id))).collect()
}

fn versions(record: &RunRecord) -> Things {
    let mut things: Things = [("alo".to_owned(), json!(record.alo_version))].into();
    things.extend(record.version.as_ref().map(|version| ("contents".to_owned(), json!(version))));
    things
}

/// The files of the data by their digests; without a list of them the sources.
fn data(entry: &HistoryEntry) -> Things {
    if let Some(list) = data_list::read(&entry.folder) {
        return list.files.into_iter().map(|(path, file)| (path, json!(file.digest))).collect();
    }
    let sources = entry.record.data.iter();
    let mut things: Things = sources.map(|source| (source.source.clone(), json!(source.digest))).collect();
    if things.is_empty() {
        things.insert("data_id".to_owned(), json!(entry.record.data_id));
    }
    things
}
