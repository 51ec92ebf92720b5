//! What a finished step has left, held until it is kept or not needed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::changes::{Budget, Changes};
use super::content::{Content, RunName};
use super::dependency::{Dependency, Read};
use super::entry::{Left, MadeFrom};
use super::kept_files::{FilesWriter, KeptFile, KeptFiles};
use super::left_behind::LeftBehind;
use super::look::LookedAt;
use super::place::Place;
use super::recording_error::RecordingError;
use super::refusal::NotKept;
use crate::copy::copy_plain;
use crate::digest::Fields;
use crate::durable;
use crate::stamp::Stamp;
use crate::storage_error::StorageError;
use crate::value_files::value_files;
use crate::value_list::ValueList;

/// So many files, of so many bytes together, are read or copied where links would do: what is written to later is then not
/// lost.
const CHEAP: Budget = Budget { files: 256, bytes: 4 << 20 };
/// So many files are held by links.
const MOST: u64 = 2000;
/// How often it is looked whether the clock of the file system has gone on, and how long to wait before each look.
const LOOKS: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(1);
/// The files of the hand-off and of the process.
const VALUES: [&str; 3] = ["data", "config", "process"];

/// How the artifacts that a step leaves are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// As copies. For results that are kept at once.
    Copies,
    /// Large ones, and many, as hard links, which cost little. One that is written to later is lost, which is noticed
    /// ([`RecordingError::Overwritten`]). For results that will hardly be needed.
    Links,
}

impl Sharing {
    /// How much of what was just written is digested, because its times may not show that it is written again.
    pub(super) fn budget(self) -> Budget {
        match self {
            Self::Copies => Budget { files: u64::MAX, bytes: u64::MAX },
            Self::Links => CHEAP,
        }
    }
}

/// What a finished step has left, held until it is kept. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct HeldStep {
    place: Place,
    folder: Aside,
    left: LeftBehind,
    /// Relative to the artifacts: files whose content later steps are told otherwise.
    told: BTreeSet<Utf8PathBuf>,
    /// Something that cannot be put back, in words.
    special: Option<String>,
    values: Vec<Held>,
    files: ValueList<HeldFile>,
    removed: Vec<Utf8PathBuf>,
    folders: Vec<(Utf8PathBuf, u32)>,
    /// What lay at the places that it has read.
    read: Vec<(Utf8PathBuf, Option<Stamp>)>,
}

/// A file that is held, as it was when the step had ended.
#[derive(Debug)]
struct Held {
    path: Utf8PathBuf,
    size: u64,
    modified: i64,
}

/// A file of the artifacts that is held under the name of its number.
#[derive(Debug, Serialize, Deserialize)]
struct HeldFile {
    relative: Utf8PathBuf,
    /// Its permissions.
    mode: u32,
    size: u64,
    modified: i64,
}

impl Held {
    fn at(path: Utf8PathBuf) -> Result<Self, StorageError> {
        let meta = fs_err::metadata(&path).map_err(StorageError::of("read", &path))?;
        let Stamp { size, modified, .. } = Stamp::of(&meta);
        Ok(Self { path, size, modified })
    }

    /// Fails if the file was written to since. Names may have come and gone.
    fn check(&self, name: &Utf8Path) -> Result<(), RecordingError> {
        let now = Self::at(self.path.clone())?;
        if (now.size, now.modified) == (self.size, self.modified) {
            Ok(())
        } else {
            Err(RecordingError::Overwritten { path: name.to_owned() })
        }
    }
}

/// A folder: one of the cache's, or one that goes when this is dropped.
#[derive(Debug)]
pub(super) struct Aside {
    pub(super) path: Utf8PathBuf,
    is_kept: bool,
}

impl Aside {
    pub(super) fn new(path: Utf8PathBuf) -> Self {
        Self { path, is_kept: false }
    }

    /// Where the artifacts' file of that number is held.
    fn held(&self, number: u64) -> Utf8PathBuf {
        self.path.join(format!("file-{number}"))
    }

    fn file(&self, name: &str) -> Option<Utf8PathBuf> {
        Some(self.path.join(name)).filter(|path| path.is_file())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.is_kept {
            // What stays is removed by the next run.
            durable::remove(&self.path).ok();
        }
    }
}

/// What became of the result of a step.
#[derive(Debug)]
pub struct Recorded {
    /// A digest of all that the steps so far have left.
    pub result: String,
    /// Why it was not kept.
    pub not_kept: Option<NotKept>,
    /// Where `data`, `config` and the process's state lie. They stay as long as this does.
    folder: Aside,
    process: Option<String>,
}

impl Recorded {
    /// The file of `data` after the step, if it wrote one.
    pub fn data(&self) -> Option<Utf8PathBuf> {
        self.folder.file("data")
    }

    /// The file of `config` after the step, if it wrote one.
    pub fn config(&self) -> Option<Utf8PathBuf> {
        self.folder.file("config")
    }

    /// The file of what the step has changed of its process, and its digest.
    pub fn process(&self) -> Option<(Utf8PathBuf, String)> {
        self.folder.file("process").zip(self.process.clone())
    }
}

impl HeldStep {
    pub(super) fn new(
        place: Place,
        folder: Aside,
        left: LeftBehind,
        told: BTreeSet<Utf8PathBuf>,
        special: Option<String>,
    ) -> Self {
        let (values, removed, folders, read) = Default::default();
        let files = ValueList::in_memory(&folder.path);
        Self { place, folder, left, told, special, values, files, removed, folders, read }
    }

    /// Copies or links the files of the artifacts, and remembers what was there. Gives when the newest linked one was written.
    pub(super) fn take(
        &mut self,
        mut changes: Changes,
        root: &Utf8Path,
        sharing: Sharing,
    ) -> Result<Option<i64>, RecordingError> {
        let count = changes.count;
        if sharing == Sharing::Links && count > MOST {
            return Err(RecordingError::TooManyFiles { files: usize::try_from(count).unwrap_or(usize::MAX) });
        }
        if sharing == Sharing::Copies {
            // It is kept at once: no other step's list is open beside this one.
            self.files = ValueList::new(self.place.cache.root());
        }
        let Budget { files: few, bytes: mut left } = sharing.budget();
        let mut newest = None;
        for (number, file) in (0..).zip(changes.files.values()?) {
            let file = file?;
            let (from, to) = (root.join(&file.relative), self.folder.held(number));
            let is_cheap = count <= few && file.stamp.size <= left;
            if is_cheap {
                left -= file.stamp.size;
            }
            let is_linked = !is_cheap && fs_err::hard_link(&from, &to).is_ok();
            if !is_linked {
                copy_plain(&from, &to)?;
            }
            let Held { size, modified, .. } = Held::at(to)?;
            newest = newest.max(is_linked.then_some(modified));
            self.files.push(&HeldFile { relative: file.relative, mode: file.mode, size, modified })?;
        }
        self.removed = changes.removed;
        self.folders = changes.folders;
        for value in VALUES {
            for path in value_files(&self.folder.path.join(value)) {
                self.values.push(Held::at(path)?);
            }
        }
        for Read { path, then } in std::mem::take(&mut self.left.read) {
            let now = stamp(&path);
            if !then.is(now) {
                self.refuse(NotKept::ChangedMeanwhile { path: path.clone() });
            }
            self.read.push((path, now));
        }
        Ok(newest)
    }

    /// Waits until what is written will bear a later time than that: the clock of a file system goes in steps.
    pub(super) fn settle(&self, newest: i64) -> Result<(), RecordingError> {
        let probe = self.folder.path.join("probe");
        for look in 0..LOOKS {
            if look > 0 {
                std::thread::sleep(BETWEEN);
            }
            fs_err::write(&probe, [0]).map_err(StorageError::of("write", &probe))?;
            if Held::at(probe.clone())?.modified > newest {
                return Ok(durable::remove(&probe)?);
            }
        }
        Err(RecordingError::CoarseClock { path: self.folder.path.clone() })
    }

    /// The file of `data` after the step, if it wrote one.
    pub fn data(&self) -> Option<Utf8PathBuf> {
        self.folder.file("data")
    }

    /// The file of `config` after the step, if it wrote one.
    pub fn config(&self) -> Option<Utf8PathBuf> {
        self.folder.file("config")
    }

    /// Says why it is not to be kept, unless there is another reason.
    pub fn refuse(&mut self, reason: NotKept) {
        self.left.not_kept.get_or_insert(reason);
    }

    /// Keeps what the step has left, or notes why not.
    pub fn keep(mut self, made_from: MadeFrom) -> Result<Recorded, RecordingError> {
        let name = RunName::new(&self.place.run);
        if let Some(what) = self.special.take() {
            self.refuse(NotKept::LeftSpecial { what });
        }
        let mut values = BTreeMap::new();
        for held in std::mem::take(&mut self.values) {
            let value = held.path.file_name().unwrap_or_default().to_owned();
            held.check(Utf8Path::new(&value))?;
            let looked = name.look(&held.path)?;
            if looked.names_run {
                // What `data-1` holds is a part of `data` to whoever reads this.
                let place = value.split('-').next().unwrap_or(&value).to_owned();
                self.refuse(NotKept::NamesRun { place });
            }
            values.insert(value, Content { bytes: looked.bytes, digest: looked.digest });
        }
        let [data, config, process] = VALUES.map(|value| values.remove(value));
        let referred = values;
        let mut result = self.result(&made_from, [&data, &config], &referred);
        let files = self.keep_files(&name, &mut result)?;
        let result = self.result_end(result);
        let process_digest = process.as_ref().map(|content| content.digest.clone());
        let not_kept = self.left.not_kept.take();
        if let Some(reason) = &not_kept {
            self.place.refuse(made_from, reason.clone())?;
        } else {
            let read = std::mem::take(&mut self.read).into_iter().map(as_it_was);
            let looked = std::mem::take(&mut self.left.looked);
            let looked = looked.into_iter().map(|LookedAt { path, look }| Dependency::looked(path, look));
            let kept = Left {
                data,
                config,
                process,
                referred,
                files,
                removed: std::mem::take(&mut self.removed),
                folders: std::mem::take(&mut self.folders),
                dependencies: read.chain(looked).collect(),
                variables: std::mem::take(&mut self.left.variables),
                result: result.clone(),
                state: std::mem::take(&mut self.left.state),
            };
            let Place { cache, pipeline, step, .. } = &self.place;
            let folder = cache.folder(*pipeline, step, &made_from.description.key());
            self.place.record(made_from, Ok(kept)).write(&self.folder.path)?;
            durable::create_dir_all(durable::parent(&folder))?;
            durable::remove(&folder)?;
            durable::rename(&self.folder.path, &folder)?;
            self.folder.is_kept = true;
            self.folder.path = folder;
        }
        Ok(Recorded { result, not_kept, folder: self.folder, process: process_digest })
    }

    /// Gives the files of the artifacts the names that they have in an entry, and lists them, there and in the digest of the result.
    fn keep_files(
        &mut self,
        name: &RunName,
        result: &mut Fields<blake3::Hasher>,
    ) -> Result<Option<KeptFiles>, RecordingError> {
        let mut files = self.files.take();
        if files.is_empty() {
            return Ok(None);
        }
        let mut list = FilesWriter::create(&self.folder.path)?;
        for (number, file) in (0..).zip(files.values()?) {
            let HeldFile { relative, mode, size, modified } = file?;
            let held = Held { path: self.folder.held(number), size, modified };
            held.check(&relative)?;
            let looked = name.look(&held.path)?;
            if looked.names_run {
                self.refuse(NotKept::NamesRun { place: relative.to_string() });
            }
            // Files of equal contents share one.
            durable::rename(&held.path, &self.folder.path.join(&looked.digest))?;
            let content = Content { bytes: looked.bytes, digest: looked.digest };
            if !self.told.contains(&relative) {
                for field in ["file", relative.as_str(), &permissions(mode), &content.digest] {
                    result.add(field.as_bytes());
                }
            }
            list.push(&KeptFile { path: relative, mode, content })?;
        }
        Ok(Some(list.finish()?))
    }

    /// Begins a digest of all that later steps can see of the steps so far.
    fn result(
        &self,
        made_from: &MadeFrom,
        hand_off: [&Option<Content>; 2],
        referred: &BTreeMap<String, Content>,
    ) -> Fields<blake3::Hasher> {
        let mut fields = Fields::default();
        let mut add = |field: &str| fields.add(field.as_bytes());
        add(made_from.description.earlier.as_ref().map_or("", |(_, result)| result));
        for content in hand_off {
            add(content.as_ref().map_or("", |content| &content.digest));
        }
        for (name, content) in referred {
            add(name);
            add(&content.digest);
        }
        add(&self.left.visible);
        fields
    }

    /// Ends it, after the files.
    fn result_end(&self, mut fields: Fields<blake3::Hasher>) -> String {
        let mut add = |field: &str| fields.add(field.as_bytes());
        for path in &self.removed {
            add("removed");
            add(path.as_str());
        }
        for (path, mode) in &self.folders {
            for field in ["folder", path.as_str(), &permissions(*mode)] {
                add(field);
            }
        }
        fields.finish()
    }
}

/// As they are written in a digest.
fn permissions(mode: u32) -> String {
    format!("{mode:o}")
}

fn stamp(path: &Utf8Path) -> Option<Stamp> {
    fs_err::metadata(path).ok().map(|meta| Stamp::of(&meta))
}

/// What lay at a place when the step had ended, if it lies there still.
fn as_it_was((path, then): (Utf8PathBuf, Option<Stamp>)) -> Dependency {
    let now = Dependency::now(path);
    if stamp(now.path()) == then { now } else { Dependency::unknown(now.path().to_owned()) }
}
