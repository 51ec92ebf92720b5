//! What was copied to `input/<kind>`, and from which files: why an unchanged file is not copied again.
//!
//! The manifest is a cache: without it every file is compared by content, and nothing is lost.

use std::collections::BTreeMap;
use std::fmt;

use alo_plan::{Fetch, PipelineKind};
use camino::{Utf8Path, Utf8PathBuf};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::digest::Fields;
use crate::durable::{self, Lasting};
use crate::layout::ProjectLayout;
use crate::source::DataSource;
use crate::storage_error::StorageError;
use crate::tree::{CopyStamp, Stamp};

/// The version of the manifest that is written; another one is not used.
pub(crate) const FORMAT: u32 = 2;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// The boot of the machine in which the copies were written without being flushed; none when all are known
    /// to be on the disk. After a power failure such copies are read again before they are trusted.
    pub(crate) boot: Option<String>,
    /// Whether loading was cut short: what is named here is there, but it is not all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) partial: bool,
    pub(crate) sources: Vec<LoadedFrom>,
}

/// One source as it was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadedFrom {
    pub(crate) text: String,
    pub(crate) path: Utf8PathBuf,
    pub(crate) name: String,
    pub(crate) is_file: bool,
    /// By the path relative to `input/<kind>`, as text: comparing paths part by part takes most of the time of a load
    /// that finds nothing changed.
    #[serde(deserialize_with = "in_order")]
    pub(crate) files: BTreeMap<String, FileEntry>,
    /// Of a source in S3: what tells the version of each object that was copied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<Utf8PathBuf, String>,
}

/// One file: the source as it was read and the copy as it was left, with the BLAKE3 digest of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub(crate) struct FileEntry {
    /// None: the source was written so shortly before it was read that a later change may not show in its times.
    pub(crate) source: Option<Stamp>,
    pub(crate) copy: CopyStamp,
    pub(crate) digest: String,
}

/// A row without names: there may be hundreds of thousands of them.
#[derive(Serialize, Deserialize)]
struct Row(u64, Option<(i64, i64, u64)>, i64, u64, String);

impl From<FileEntry> for Row {
    fn from(entry: FileEntry) -> Self {
        let source = entry.source.map(|stamp| (stamp.modified, stamp.changed, stamp.inode));
        Self(entry.copy.size, source, entry.copy.modified, entry.copy.inode, entry.digest)
    }
}

impl From<Row> for FileEntry {
    fn from(Row(size, source, modified, inode, digest): Row) -> Self {
        let source = source.map(|(modified, changed, inode)| Stamp { size, modified, changed, inode });
        Self { source, copy: CopyStamp { size, modified, inode }, digest }
    }
}

/// Reads a map that was written in order, without looking for the place of each entry.
fn in_order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, FileEntry>, D::Error> {
    struct Rows;

    impl<'de> Visitor<'de> for Rows {
        type Value = BTreeMap<String, FileEntry>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("files by their paths")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut rows = Vec::new();
            while let Some(row) = map.next_entry()? {
                rows.push(row);
            }
            Ok(rows.into_iter().collect())
        }
    }

    deserializer.deserialize_map(Rows)
}

impl LoadedFrom {
    /// A source of which nothing is known to be there.
    pub(crate) fn new(source: &DataSource) -> Self {
        Self {
            text: source.text.clone(),
            path: source.path.clone(),
            name: source.name.clone(),
            is_file: source.is_file,
            files: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.copy.size).sum()
    }

    /// The BLAKE3 digest of relative paths and contents.
    pub(crate) fn digest(&self) -> String {
        let mut fields = Fields::<blake3::Hasher>::default();
        for (path, file) in &self.files {
            fields.add(path.as_bytes());
            fields.add(file.digest.as_bytes());
        }
        fields.finish()
    }
}

impl Manifest {
    pub(crate) fn new(boot: Option<String>, sources: Vec<LoadedFrom>) -> Self {
        Self { format: FORMAT, boot, partial: false, sources }
    }

    /// What is there when loading is cut short.
    pub(crate) fn partial(sources: Vec<LoadedFrom>) -> Self {
        Self { partial: true, ..Self::new(Some(boot_id()), sources) }
    }

    /// Reads the manifest; a missing, damaged or newer one is as good as none.
    pub(crate) fn read(layout: &ProjectLayout, kind: PipelineKind) -> Option<Self> {
        let bytes = durable::read_if_present(&layout.input_manifest(kind)).ok()??;
        let manifest: Self = serde_json::from_slice(&bytes).ok()?;
        (manifest.format == FORMAT).then_some(manifest)
    }

    pub(crate) fn write(&self, layout: &ProjectLayout, kind: PipelineKind) -> Result<(), StorageError> {
        durable::write_by(&layout.input_manifest(kind), Lasting::Kill, |file| {
            Ok(serde_json::to_writer(file, self)?)
        })
    }

    /// What is known of a source that comes from that place.
    pub(crate) fn source(&self, path: &Utf8Path, name: &str) -> Option<&LoadedFrom> {
        self.sources.iter().find(|source| source.path == path && source.name == name)
    }

    /// Whether it would be written the same again after loading that found nothing changed in any of these sources.
    pub(crate) fn is_all_of(&self, sources: &[DataSource], policy: Fetch) -> bool {
        let same = self.sources.iter().map(|known| &known.name).eq(sources.iter().map(|source| &source.name));
        same && !self.partial && (policy == Fetch::Every || self.boot.is_none())
    }

    /// Whether the copies can be believed to be on the disk, or at least in this machine's memory.
    pub(crate) fn is_trusted(&self) -> bool {
        self.boot.as_ref().is_none_or(|boot| *boot == boot_id())
    }
}

/// An id of the machine's present boot, where the system has one.
pub(crate) fn boot_id() -> String {
    let text = fs_err::read_to_string("/proc/sys/kernel/random/boot_id");
    // Elsewhere every start of the tool counts as another boot, so that unflushed copies are read again.
    text.map_or_else(|_| format!("process-{}", std::process::id()), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> LoadedFrom {
        let copy = CopyStamp { size: 3, modified: 1_700_000_000_123_456_789, inode: 7 };
        let stamp = Stamp { size: 3, modified: 5, changed: 6, inode: 8 };
        let files = [
            ("d/a\nb", FileEntry { source: Some(stamp), copy, digest: "aa".into() }),
            ("d/나", FileEntry { source: None, copy, digest: "bb".into() }),
        ];
        let files = files.into_iter().map(|(path, entry)| (path.into(), entry)).collect();
        LoadedFrom {
            text: "./d".into(),
            path: "/p/d".into(),
            name: "d".into(),
            is_file: false,
            files,
            tags: BTreeMap::new(),
        }
    }

    #[test]
    fn a_manifest_reads_as_it_was_written() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let layout = ProjectLayout::new(Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned());
        assert_eq!(Manifest::read(&layout, PipelineKind::Train), None);
        let manifest = Manifest::new(Some(boot_id()), vec![source()]);
        manifest.write(&layout, PipelineKind::Train).expect("written");
        assert_eq!(Manifest::read(&layout, PipelineKind::Train), Some(manifest.clone()));
        assert!(manifest.is_trusted());
        assert!(!Manifest::new(Some("another boot".into()), vec![]).is_trusted());
        durable::write(&layout.input_manifest(PipelineKind::Train), b"{\"format\":3", Lasting::Kill)
            .expect("written");
        assert_eq!(Manifest::read(&layout, PipelineKind::Train), None);
    }

    #[test]
    fn a_digest_covers_paths_and_contents_but_no_times() {
        let one = source();
        let mut other = source();
        for file in other.files.values_mut() {
            file.source = None;
            file.copy.modified += 1;
        }
        assert_eq!(one.digest(), other.digest());
        other.files.entry("d/나".into()).and_modify(|file| file.digest = "cc".into());
        assert_ne!(one.digest(), other.digest());
        assert_eq!(one.bytes(), 6);
    }
}
