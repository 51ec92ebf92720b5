//! `.alo/sweeps/<id>.json`: what a sweep was to run and what of it has run, so that it can go on after an interruption.

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::digest::Hasher;
use crate::durable::{self, Lasting};
use crate::history::RunState;
use crate::layout::ProjectLayout;
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// The version of the record that is written.
const FORMAT: u32 = 1;

/// A sweep: what it was to run, and what of it has run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SweepRecord {
    /// Version of this record.
    pub format: u32,
    /// The sweep.
    pub id: RunId,
    /// When it began.
    pub started: Timestamp,
    /// When the last of its runs had ended; none while some are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// The axes as they were written, in order.
    pub axes: Vec<String>,
    /// Which pipelines run: `all`, `train`, `inference`.
    pub mode: String,
    /// What all its runs have in common.
    pub input: SweepInput,
    /// The runs that have ended, in the order in which they did.
    #[serde(default)]
    pub runs: Vec<SweptRun>,
}

/// What all runs of a sweep have in common. When it has changed, the rest of a sweep would not compare with the runs there are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepInput {
    /// SHA-256 of the plan as it is meant: comments and order of keys do not count.
    pub plan: String,
    /// The code of the pipelines in the order of execution, 12 hexadecimal digits each.
    pub code: Vec<String>,
    /// The environments of the pipelines, by their keys in the cache.
    pub environments: Vec<String>,
    /// The data of the pipelines in the order of execution, 12 hexadecimal digits each.
    pub data: Vec<String>,
}

impl SweepInput {
    /// Takes the plan, as [`Plan::to_yaml`](alo_plan::Plan::to_yaml) writes it.
    pub fn of_plan(yaml: &str) -> Self {
        let mut digest = Sha256::default();
        Hasher::add(&mut digest, yaml.as_bytes());
        Self { plan: Hasher::finish(digest), ..Self::default() }
    }

    /// What differs from another, in words.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let mut found = Vec::new();
        let mut say = |differs: bool, what| {
            if differs {
                found.push(what);
            }
        };
        say(self.plan != other.plan, "the plan");
        say(self.code != other.code, "the code of the steps");
        say(self.environments != other.environments, "the environment");
        say(self.data != other.data, "the data");
        found
    }
}

/// A run of a sweep that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweptRun {
    /// Which combination, from 0 in the order of the product; the last axis runs fastest.
    pub combination: usize,
    /// The run.
    pub run: String,
    /// How it ended.
    pub state: RunState,
    /// Its score, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The result that its summary gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Wall time in seconds.
    pub seconds: f64,
    /// What ended it, if it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A record of a sweep that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepRecordError {
    /// The file.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Its content.
    #[error("understand `{path}`")]
    Content {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A newer version of alo has written it.
    #[error("go on with `{path}`, which a newer version of alo has written")]
    Newer {
        /// The file.
        path: Utf8PathBuf,
    },
}

impl SweepRecordError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Content { path, .. } => Some(format!("delete `{path}`; the runs stay in the history")),
            Self::Newer { .. } => Some("use that version of alo, or start the sweep anew".into()),
        }
    }
}

impl SweepRecord {
    /// Starts the record of a sweep that has run nothing yet.
    pub fn new(id: RunId, started: Timestamp, axes: Vec<String>, mode: String, input: SweepInput) -> Self {
        Self { format: FORMAT, id, started, finished: None, axes, mode, input, runs: Vec::new() }
    }

    /// Writes it, whole or not at all; it lasts a power failure.
    pub fn write(&self, project: &ProjectLayout) -> Result<(), SweepRecordError> {
        let path = project.sweeps().join(format!("{}.json", self.id));
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|source| SweepRecordError::Content { path: path.clone(), source })?;
        durable::create_dir_all(&project.sweeps())?;
        Ok(durable::write(&path, &bytes, Lasting::PowerFailure)?)
    }

    /// The last sweep of a project that has runs left, if there is one.
    pub fn unfinished(project: &ProjectLayout) -> Result<Option<Self>, SweepRecordError> {
        let folder = project.sweeps();
        let entries = match folder.read_dir_utf8() {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StorageError::new("list", folder, error).into()),
        };
        let mut last: Option<Self> = None;
        for entry in entries {
            let entry = entry.map_err(StorageError::of("list", &folder))?;
            if entry.path().extension() != Some("json") {
                continue;
            }
            let record = Self::read(entry.path())?;
            if record.finished.is_none() && last.as_ref().is_none_or(|last| last.started < record.started) {
                last = Some(record);
            }
        }
        Ok(last)
    }

    fn read(path: &Utf8Path) -> Result<Self, SweepRecordError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let bytes = durable::read(path)?;
        let content = |source| SweepRecordError::Content { path: path.to_owned(), source };
        if serde_json::from_slice::<Version>(&bytes).map_err(content)?.format > FORMAT {
            return Err(SweepRecordError::Newer { path: path.to_owned() });
        }
        serde_json::from_slice(&bytes).map_err(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(started: &str, number: u32) -> SweepRecord {
        let started = started.parse().expect("a time");
        let input = SweepInput::of_plan("name: x\n");
        let id = RunId::new(started, number, "x");
        SweepRecord::new(id, started, vec!["train.x=1,2".into()], "all".into(), input)
    }

    fn project() -> (tempfile::TempDir, ProjectLayout) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        (dir, ProjectLayout::new(root))
    }

    #[test]
    fn the_last_unfinished_sweep_is_found_as_it_was_written() {
        let (_dir, project) = project();
        assert_eq!(SweepRecord::unfinished(&project).expect("read"), None);
        let mut newest = record("2026-01-31T14:00:00Z", 3);
        newest.finished = Some(newest.started);
        let mut last = record("2026-01-31T13:00:00Z", 2);
        last.runs.push(SweptRun {
            combination: 1,
            run: "r".into(),
            state: RunState::Failed,
            score: Some(0.1),
            result: None,
            seconds: 1.5,
            error: Some("no".into()),
        });
        for record in [&record("2026-01-31T12:00:00Z", 1), &last, &newest] {
            record.write(&project).expect("written");
        }
        assert_eq!(SweepRecord::unfinished(&project).expect("read"), Some(last));
    }

    #[test]
    fn a_newer_or_damaged_record_is_named() {
        let (_dir, project) = project();
        let path = project.sweeps().join("a.json");
        for (text, says) in [("{\"format\": 9, \"moon\": 1}", "newer version"), ("{", "understand")] {
            durable::write(&path, text.as_bytes(), Lasting::Kill).expect("written");
            let error = SweepRecord::unfinished(&project).expect_err("it cannot be read");
            assert!(error.to_string().contains(says) && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn differences_are_named() {
        let one = SweepInput::of_plan("a");
        let other = SweepInput { data: vec!["1".into()], ..SweepInput::of_plan("b") };
        assert_eq!(one.differences(&other), ["the plan", "the data"]);
        assert!(one.differences(&one).is_empty());
    }
}
