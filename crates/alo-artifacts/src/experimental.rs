//! `log/experimental_history.json`: ids and times of the run that left the artifacts beside it.

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::durable::{self, Lasting};
use crate::storage_error::StorageError;

/// The `id` beside models that `load_model_path` brought, and so the `train_id` of what they infer. The original's word.
pub const EXTERNAL_MODEL: &str = "load-external-model";

/// Ids and times of a run, in the form that other programs read. Times are UTC, in whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExperimentalHistory {
    /// The run.
    pub id: String,
    /// When it started.
    #[serde(with = "seconds")]
    pub start_time: Timestamp,
    /// When its pipeline ended.
    #[serde(with = "seconds")]
    pub end_time: Timestamp,
    /// The data, 12 hexadecimal digits.
    pub data_id: String,
    /// The code, 12 hexadecimal digits.
    pub code_id: String,
    /// The parameters, 12 hexadecimal digits.
    pub param_id: String,
    /// Inference only: the training whose model was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_id: Option<String>,
    /// Beside a model from outside only: the training whose model it has replaced. The history spares that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_id: Option<String>,
}

impl Default for ExperimentalHistory {
    fn default() -> Self {
        Self {
            id: String::new(),
            start_time: Timestamp::UNIX_EPOCH,
            end_time: Timestamp::UNIX_EPOCH,
            data_id: String::new(),
            code_id: String::new(),
            param_id: String::new(),
            train_id: None,
            replaced_id: None,
        }
    }
}

/// An `experimental_history.json` that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentalHistoryError {
    /// The file.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Its content.
    #[error("understand `{path}`")]
    Content {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl ExperimentalHistoryError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Content { .. } => None,
        }
    }
}

impl ExperimentalHistory {
    /// The record beside models that came from outside.
    pub fn external_model() -> Self {
        Self { id: EXTERNAL_MODEL.to_owned(), ..Self::default() }
    }

    /// Reads the file.
    pub fn read(path: &Utf8Path) -> Result<Self, ExperimentalHistoryError> {
        let bytes = durable::read(path)?;
        serde_json::from_slice(&bytes)
            .map_err(|source| ExperimentalHistoryError::Content { path: path.to_owned(), source })
    }

    /// Writes the file whole or not at all. It is flushed with the artifacts it lies in when they become current.
    pub fn write(&self, path: &Utf8Path) -> Result<(), ExperimentalHistoryError> {
        self.write_lasting(path, Lasting::Kill)
    }

    pub(crate) fn write_lasting(
        &self,
        path: &Utf8Path,
        lasting: Lasting,
    ) -> Result<(), ExperimentalHistoryError> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|source| ExperimentalHistoryError::Content { path: path.to_owned(), source })?;
        bytes.push(b'\n');
        Ok(durable::write(path, &bytes, lasting)?)
    }
}

/// `20260131T120000Z`: as the original wrote it, without fractions.
mod seconds {
    use jiff::Timestamp;
    use jiff::fmt::strtime;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        let text = strtime::format("%Y%m%dT%H%M%SZ", *time).map_err(ser::Error::custom)?;
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_other_programs_read() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = Utf8Path::from_path(dir.path()).expect("UTF-8").join("log/experimental_history.json");
        let history = ExperimentalHistory {
            id: "20260131T120000Z-00000007-x".into(),
            start_time: "2026-01-31T12:00:00.6Z".parse().expect("a time"),
            data_id: "aaaaaaaaaaaa".into(),
            train_id: Some("t".into()),
            ..ExperimentalHistory::default()
        };
        history.write(&path).expect("written");
        insta::assert_snapshot!(fs_err::read_to_string(&path).expect("read"), @r#"
        {
          "id": "20260131T120000Z-00000007-x",
          "start_time": "20260131T120000Z",
          "end_time": "19700101T000000Z",
          "data_id": "aaaaaaaaaaaa",
          "code_id": "",
          "param_id": "",
          "train_id": "t"
        }
        "#);
        assert_eq!(ExperimentalHistory::read(&path).expect("read").id, history.id);
        fs_err::write(&path, r#"{"id": "x", "start_time": "2024-01-31T12:00:00Z"}"#).expect("written");
        let other = ExperimentalHistory::read(&path).expect("any ISO 8601 time");
        assert_eq!(other.start_time.to_string(), "2024-01-31T12:00:00Z");
        fs_err::write(&path, "").expect("written");
        assert!(matches!(ExperimentalHistory::read(&path), Err(ExperimentalHistoryError::Content { .. })));
    }
}
