//! What is kept of a step: its record, and what it left.

use std::collections::BTreeMap;

use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::dependency::Dependency;
use super::description::StepDescription;
use super::kept_files::KeptFiles;
use super::refusal::NotKept;
use crate::digest::{Hasher, hex};
use crate::durable::{self, Lasting};
use crate::run_id::RunId;
use crate::storage_error::StorageError;

/// The version of the record that is written; another one is not used.
const FORMAT: u32 = 4;
/// The record's file.
const ENTRY: &str = "entry";

/// What is known of a step that ran: what it was made from, and why its result is not kept, if it is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptStep {
    format: u32,
    pub(super) pipeline: PipelineKind,
    pub(super) step: String,
    /// The run that it ran in.
    pub run: RunId,
    /// When it ended.
    pub(super) made: Timestamp,
    /// What it was made from.
    pub description: StepDescription,
    /// The files of its code with their digests, as far as they can change.
    pub code_files: BTreeMap<Utf8PathBuf, String>,
    /// The id of the data that it ran on.
    pub data_id: String,
    /// Why its result is not kept.
    pub not_kept: Option<NotKept>,
    pub(super) left: Option<Left>,
}

/// What a step left.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Left {
    pub(super) data: Option<Content>,
    pub(super) config: Option<Content>,
    pub(super) process: Option<Content>,
    /// The files that `data` and `config` refer to, by name.
    pub(super) referred: BTreeMap<String, Content>,
    /// New and changed files of the artifacts, if there are any.
    pub(super) files: Option<KeptFiles>,
    /// What it removed of the artifacts.
    pub(super) removed: Vec<Utf8PathBuf>,
    /// Folders of the artifacts that it made, or gave other permissions, with these.
    pub(super) folders: Vec<(Utf8PathBuf, u32)>,
    /// What it read outside of its folders.
    pub(super) dependencies: Vec<Dependency>,
    /// Variables of the user's session that it has read, with digests of their values.
    pub(super) variables: BTreeMap<String, Option<String>>,
    /// A digest of all that the steps so far have left.
    pub(super) result: String,
    /// What the engine keeps of it.
    pub(super) state: serde_json::Value,
}

/// What a step was made from, and what names the differences of that another time.
#[derive(Debug, Clone, Default)]
pub struct MadeFrom {
    /// All that its result depends on.
    pub description: StepDescription,
    /// The files of its code with their digests.
    pub code_files: BTreeMap<Utf8PathBuf, String>,
    /// The id of the data that it ran on.
    pub data_id: String,
}

impl KeptStep {
    pub(super) fn new(
        pipeline: PipelineKind,
        step: &str,
        run: &RunId,
        MadeFrom { description, code_files, data_id }: MadeFrom,
        outcome: Result<Left, NotKept>,
    ) -> Self {
        let (left, not_kept) = match outcome {
            Ok(left) => (Some(left), None),
            Err(not_kept) => (None, Some(not_kept)),
        };
        let made = Timestamp::now();
        let (step, run) = (step.to_owned(), run.clone());
        Self { format: FORMAT, pipeline, step, run, made, description, code_files, data_id, not_kept, left }
    }

    /// Writes the record, after a digest of itself.
    pub(super) fn write(&self, folder: &Utf8Path) -> Result<(), StorageError> {
        let path = folder.join(ENTRY);
        let json =
            serde_json::to_vec(self).map_err(|error| StorageError::new("write", &path, error.into()))?;
        let mut bytes = digest(&json).into_bytes();
        bytes.push(b'\n');
        bytes.extend(json);
        durable::write(&path, &bytes, Lasting::Kill)
    }

    /// Reads a record; none if it is absent, damaged, or of another version.
    pub(super) fn read(folder: &Utf8Path) -> Option<Self> {
        let bytes = fs_err::read(folder.join(ENTRY)).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (kept, json) = (bytes.get(..end)?, bytes.get(end + 1..)?);
        if digest(json).as_bytes() != kept {
            return None;
        }
        let record: Self = serde_json::from_slice(json).ok()?;
        (record.format == FORMAT).then_some(record)
    }

    /// Bytes of its files.
    pub(super) fn bytes(&self) -> u64 {
        let Some(left) = &self.left else { return 0 };
        let hand_off = [&left.data, &left.config, &left.process].into_iter().flatten();
        let files = left.files.as_ref().map_or(0, |files| files.bytes);
        hand_off.chain(left.referred.values()).map(|content| content.bytes).sum::<u64>() + files
    }

    /// Notes that it was used just now.
    pub(super) fn touch(folder: &Utf8Path) {
        // Only the order in which entries are removed depends on it.
        if let Ok(file) = fs_err::File::open(folder.join(ENTRY)) {
            file.file().set_modified(std::time::SystemTime::now()).ok();
        }
    }

    /// When it was last used.
    pub(super) fn used(folder: &Utf8Path) -> Option<std::time::SystemTime> {
        fs_err::metadata(folder.join(ENTRY)).ok()?.modified().ok()
    }
}

fn digest(bytes: &[u8]) -> String {
    let mut hasher = blake3::Hasher::default();
    Hasher::add(&mut hasher, bytes);
    hex(hasher.finalize().as_bytes())
}

/// The kept result of a step, whose files have been compared with their digests.
#[derive(Debug, Clone)]
pub struct StepEntry {
    pub(super) folder: Utf8PathBuf,
    pub(super) record: KeptStep,
    pub(super) left: Left,
}

impl StepEntry {
    /// The run that it ran in.
    pub fn run(&self) -> &RunId {
        &self.record.run
    }

    /// The file of `data` after the step.
    pub fn data(&self) -> Option<Utf8PathBuf> {
        self.left.data.as_ref().map(|_| self.folder.join("data"))
    }

    /// The file of `config` after the step.
    pub fn config(&self) -> Option<Utf8PathBuf> {
        self.left.config.as_ref().map(|_| self.folder.join("config"))
    }

    /// The file that puts a process where the step left it, and its digest; none if it changed nothing.
    pub fn process(&self) -> Option<(Utf8PathBuf, String)> {
        self.left.process.as_ref().map(|content| (self.folder.join("process"), content.digest.clone()))
    }

    /// A digest of all that the steps so far have left.
    pub fn result(&self) -> &str {
        &self.left.result
    }

    /// What the engine keeps of it.
    pub fn state(&self) -> &serde_json::Value {
        &self.left.state
    }

    /// Variables of the user's session that it has read, with digests of their values; none where one was not set.
    pub fn variables(&self) -> &BTreeMap<String, Option<String>> {
        &self.left.variables
    }

    /// The first thing outside of its folders that the step has read and that is not as it was.
    pub fn changed_dependency(&self) -> Option<&Utf8Path> {
        self.left.dependencies.iter().find(|read| !read.holds()).map(Dependency::path)
    }
}
