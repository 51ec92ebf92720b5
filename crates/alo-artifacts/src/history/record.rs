//! `run.yaml`: the record of a run in its history folder.

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::data_list::DataRecord;
use crate::durable::{self, Lasting};
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// The version of the record that is written. A record of a newer version is read as far as it is understood, and
/// never written to.
pub(super) const FORMAT: u32 = 1;

/// The record's file in a run's folder.
pub(super) const FILE: &str = "run.yaml";

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// It has not ended; believed only while its lock is held.
    Running,
    /// Its artifacts are, or were, the current ones.
    Succeeded,
    /// An error ended it.
    Failed,
    /// It was stopped or killed.
    Interrupted,
}

impl RunState {
    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a step got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Not started.
    #[default]
    Waiting,
    /// Started and not ended.
    Running,
    /// Ended well.
    Succeeded,
    /// An error ended it.
    Failed,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepRecord {
    /// Its name in the plan.
    pub name: String,
    /// The arguments it ran with.
    pub args: serde_json::Value,
    /// What its code was: for git the redacted URL and the commit, for local code a path and a digest.
    pub code: serde_json::Value,
    /// How far it got.
    pub state: StepState,
    /// Wall time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Processor time in seconds, when it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// Largest resident memory in bytes, when it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
}

/// The environment the steps ran in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvironmentRecord {
    /// The full version of Python, such as `3.10.14`; empty when no Python ran.
    pub python: String,
    /// What identifies the environment in the cache.
    pub key: String,
    /// The steps that ran in it; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// The installed packages as `name==version`, sorted.
    pub packages: Vec<String>,
}

/// What ended a failed run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordedError {
    /// The step, if one was running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What happened, in one line.
    pub message: String,
    /// The asset's own traceback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
    /// What a user can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// One run of one pipeline: what ran, on what, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this record.
    pub format: u32,
    /// The run; train and inference of one command may share it.
    pub id: RunId,
    /// Which pipeline.
    pub kind: PipelineKind,
    /// Name of the contents.
    #[serde(default)]
    pub name: String,
    /// Version of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How far it got.
    pub state: RunState,
    /// When it started.
    pub started: Timestamp,
    /// When it ended; none for a run that was killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The process.
    #[serde(default)]
    pub pid: u32,
    /// The version of `alo`.
    #[serde(default)]
    pub alo_version: String,
    /// `all`, `train` or `inference`, as asked for; `restore` for artifacts that were current when another run was
    /// restored, and that the history did not have yet; `sweep` for one of the runs of a sweep.
    #[serde(default)]
    pub mode: String,
    /// The sweep that it is one of the runs of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<String>,
    /// The plan's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Utf8PathBuf>,
    /// The steps in order.
    #[serde(default)]
    pub steps: Vec<StepRecord>,
    /// The environments, one for each group of steps that share one.
    #[serde(default)]
    pub environments: Vec<EnvironmentRecord>,
    /// The sources of the data; the files of each are in `data.json` beside the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataRecord>,
    /// The data.
    #[serde(default)]
    pub data_id: String,
    /// The code.
    #[serde(default)]
    pub code_id: String,
    /// The parameters.
    #[serde(default)]
    pub param_id: String,
    /// Inference only: the training whose model was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_id: Option<String>,
    /// The summary's result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The summary's score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The summary's note.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The summary's probabilities by label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probability: Vec<(String, f64)>,
    /// What ended it, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RecordedError>,
    /// Whether all its steps have succeeded and its artifacts are whole though it did not succeed: they could not be exported,
    /// or not be made current. They can be restored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// Whether the artifacts were kept in the history.
    #[serde(default)]
    pub artifacts_kept: bool,
    /// Bytes of the run's files when it ended, this record aside.
    #[serde(default)]
    pub bytes: u64,
    /// Of these, bytes that no other run of the history had when it ended.
    #[serde(default)]
    pub unique_bytes: u64,
}

/// A record that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum RecordError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("understand `{path}`")]
    Content { path: Utf8PathBuf, source: serde_yaml::Error },
    #[error("write to `{path}`, which a newer version of alo has written")]
    Newer { path: Utf8PathBuf },
}

impl RunRecord {
    /// Starts the record of a run of this process that has just begun.
    pub fn new(id: RunId, kind: PipelineKind, started: Timestamp) -> Self {
        Self {
            format: FORMAT,
            name: id.name().to_owned(),
            id,
            kind,
            version: None,
            state: RunState::Running,
            started,
            ended: None,
            pid: std::process::id(),
            alo_version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: "all".to_owned(),
            sweep: None,
            plan: None,
            steps: Vec::new(),
            environments: Vec::new(),
            data: Vec::new(),
            data_id: String::new(),
            code_id: String::new(),
            param_id: String::new(),
            train_id: None,
            result: None,
            score: None,
            note: String::new(),
            probability: Vec::new(),
            error: None,
            whole: false,
            artifacts_kept: false,
            bytes: 0,
            unique_bytes: 0,
        }
    }

    /// Reads the record in a run's folder.
    pub(super) fn read(folder: &Utf8Path) -> Result<Self, RecordError> {
        let path = folder.join(FILE);
        let bytes = durable::read(&path)?;
        serde_yaml::from_slice(&bytes).map_err(|source| RecordError::Content { path, source })
    }

    /// Whether the artifacts that it has left are worth as much as those of a run that succeeded.
    pub fn is_good(&self) -> bool {
        self.state == RunState::Succeeded || (self.whole && self.state != RunState::Running)
    }

    /// Writes the record in a run's folder, whole or not at all.
    pub(super) fn write(&self, folder: &Utf8Path, lasting: Lasting) -> Result<(), RecordError> {
        let path = folder.join(FILE);
        if self.format > FORMAT {
            return Err(RecordError::Newer { path });
        }
        let text = serde_yaml::to_string(self)
            .map_err(|source| RecordError::Content { path: path.clone(), source })?;
        Ok(durable::write(&path, text.as_bytes(), lasting)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RunRecord {
        let started = "2026-01-31T12:00:00Z".parse().expect("a time");
        RunRecord {
            pid: 7,
            alo_version: "1".into(),
            steps: vec![StepRecord {
                name: "train".into(),
                args: serde_json::json!({"x": [1, "2022-08-22", null]}),
                code: serde_json::json!({"commit": "abc"}),
                state: StepState::Succeeded,
                seconds: Some(1.5),
                ..StepRecord::default()
            }],
            score: Some(0.83),
            error: Some(RecordedError { message: "줄\n바꿈".into(), ..RecordedError::default() }),
            ..RunRecord::new(RunId::new(started, 1, "타이타닉"), PipelineKind::Train, started)
        }
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(dir.path()).expect("UTF-8");
        record().write(folder, Lasting::PowerFailure).expect("written");
        assert_eq!(RunRecord::read(folder).expect("read"), record());
        insta::assert_snapshot!(fs_err::read_to_string(folder.join(FILE)).expect("read"), @r"
        format: 1
        id: 20260131T120000Z-00000001-타이타닉
        kind: train
        name: 타이타닉
        state: running
        started: 2026-01-31T12:00:00Z
        pid: 7
        alo_version: '1'
        mode: all
        steps:
        - name: train
          args:
            x:
            - 1
            - 2022-08-22
            - null
          code:
            commit: abc
          state: succeeded
          seconds: 1.5
        environments: []
        data_id: ''
        code_id: ''
        param_id: ''
        score: 0.83
        error:
          message: |-
            줄
            바꿈
        artifacts_kept: false
        bytes: 0
        unique_bytes: 0
        ");
    }

    #[test]
    fn a_newer_record_is_read_and_never_written() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let newer = "format: 9\nid: 20260131T120000Z-00000001-x\nkind: train\nstate: succeeded\n\
                     started: 2026-01-31T12:00:00Z\nmoon: full\n";
        fs_err::write(folder.join(FILE), newer).expect("written");
        let record = RunRecord::read(folder).expect("read");
        assert_eq!((record.format, record.state), (9, RunState::Succeeded));
        assert!(matches!(record.write(folder, Lasting::Kill), Err(RecordError::Newer { .. })));
        for damaged in ["", "{}", "\0\0", &newer.replace("20260131T120000Z", "../..")] {
            fs_err::write(folder.join(FILE), damaged).expect("written");
            assert!(matches!(RunRecord::read(folder), Err(RecordError::Content { .. })), "{damaged}");
        }
    }
}
