//! The data a run was made with: its sources in the record, and `data.json`, the files of each with their digests.

use std::collections::BTreeMap;

use alo_plan::PipelineKind;
use camino::Utf8Path;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::durable::{self, Lasting};
use crate::external::LoadedData;
use crate::layout::ProjectLayout;
use crate::manifest::Manifest;
use crate::storage_error::StorageError;

/// The version of the list that is written.
const FORMAT: u32 = 2;

/// The list's file in a run's folder.
pub(super) const DATA: &str = "data.json";

/// One source of the data a run was made with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DataRecord {
    /// As written in the plan.
    pub source: String,
    /// BLAKE3 of relative paths and contents.
    pub digest: String,
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl DataRecord {
    /// The sources of loaded data, as a record has them.
    pub fn of(data: &LoadedData) -> Vec<Self> {
        let record = |source: &crate::external::LoadedSource| Self {
            source: source.source.clone(),
            digest: source.digest.clone(),
            files: source.files,
            bytes: source.bytes,
        };
        data.sources.iter().map(record).collect()
    }
}

/// The files of all sources. It holds no times, so that runs on the same data share it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct DataList {
    format: u32,
    /// By the path relative to `input/<kind>`.
    pub(super) files: BTreeMap<String, DataFile>,
}

/// A file of the data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct DataFile {
    pub(super) bytes: u64,
    /// BLAKE3 of the content.
    pub(super) digest: String,
}

/// A [`DataList`] that is made while it is written: there may be millions of files.
#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    files: Files<'a>,
}

struct Files<'a>(&'a Manifest);

impl Serialize for Files<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct File {
            bytes: u64,
            digest: String,
        }

        let mut files = serializer.serialize_map(None)?;
        for (path, entry) in self.0.files() {
            let file = File { bytes: entry.copy.size, digest: entry.digest.to_string() };
            files.serialize_entry(&path, &file)?;
        }
        files.end()
    }
}

/// Writes the list of the data that was just loaded into a run's folder. It is flushed with what the run keeps.
pub(super) fn write(
    project: &ProjectLayout,
    kind: PipelineKind,
    data: &LoadedData,
    folder: &Utf8Path,
) -> Result<(), StorageError> {
    let Some(manifest) = Manifest::open(project, kind).filter(|_| !data.sources.is_empty()) else {
        return Ok(());
    };
    let list = Written { format: FORMAT, files: Files(&manifest) };
    durable::write_by(&folder.join(DATA), Lasting::Kill, |file| Ok(serde_json::to_writer(file, &list)?))
}

/// Reads the list of a run's data; none if the run had no data, or the list cannot be understood.
pub(super) fn read(folder: &Utf8Path) -> Option<DataList> {
    let bytes = durable::read_if_present(&folder.join(DATA)).ok()??;
    let list: DataList = serde_json::from_slice(&bytes).ok()?;
    (list.format == FORMAT).then_some(list)
}
