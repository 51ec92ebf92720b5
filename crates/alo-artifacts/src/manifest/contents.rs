//! [`Manifest`]: the open file, and what it says of the sources.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use alo_plan::{Fetch, PipelineKind};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::rows::Rows;
use crate::digest::Fields;
use crate::durable::{self, Lasting};
use crate::layout::ProjectLayout;
use crate::source::DataSource;
use crate::storage_error::StorageError;

/// The version of the manifest that is written; another one is not used. Up to version 2 it was one JSON document.
const FORMAT: u32 = 3;
/// What the file ends with, behind the place of the description.
const MAGIC: [u8; 8] = *b"aloinput";

/// What was copied, as it stands in the project.
pub(crate) struct Manifest {
    file: File,
    pub(crate) contents: Contents,
}

/// The description behind the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    format: u32,
    /// The boot of the machine in which the copies were written without being flushed; none when all are known
    /// to be on the disk. After a power failure such copies are read again before they are trusted.
    pub(crate) boot: Option<String>,
    /// Whether loading was cut short: what is named here is there, but it is not all.
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
    /// Number of files.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// The BLAKE3 digest of relative paths and contents.
    pub(crate) digest: String,
    /// Where its rows stand in the file.
    pub(crate) rows: Range<u64>,
}

impl LoadedFrom {
    /// A source of which the rows stand there, and nothing is counted yet.
    pub(crate) fn new(source: &DataSource, rows: Range<u64>) -> Self {
        Self {
            text: source.text.clone(),
            path: source.path.clone(),
            name: source.name.clone(),
            is_file: source.is_file,
            files: 0,
            bytes: 0,
            digest: String::new(),
            rows,
        }
    }

    /// Counts and digests the rows.
    pub(crate) fn count(&mut self, file: &File) {
        let mut fields = Fields::<blake3::Hasher>::default();
        (self.files, self.bytes) = (0, 0);
        let mut rows = Rows::new(file, self.rows.clone());
        while let Some((path, entry)) = rows.current() {
            fields.add(self.key(path).as_bytes());
            fields.add(entry.digest.to_string().as_bytes());
            self.files += 1;
            self.bytes += entry.copy.size;
            rows.advance();
        }
        self.digest = fields.finish();
    }

    /// The path relative to `input/<kind>`; that of a single file has no path below its source.
    pub(crate) fn key(&self, path: &str) -> String {
        if path.is_empty() { self.name.clone() } else { format!("{}/{path}", self.name) }
    }
}

impl Contents {
    pub(crate) fn new(boot: Option<String>, sources: Vec<LoadedFrom>) -> Self {
        Self { format: FORMAT, boot, partial: false, sources }
    }

    /// What is there while loading goes on.
    pub(crate) fn partial(sources: Vec<LoadedFrom>) -> Self {
        Self { partial: true, ..Self::new(Some(boot_id()), sources) }
    }

    /// Writes the description behind the rows, which end at `end`; one that is there is replaced.
    pub(super) fn write(&self, file: &File, end: u64) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.extend(end.to_le_bytes());
        text.extend(MAGIC);
        // In this order a kill in between leaves an end that fits to no description.
        file.write_all_at(&text, end)?;
        file.set_len(end + text.len() as u64)
    }
}

impl Manifest {
    /// Opens the manifest; a missing, damaged or other one is as good as none.
    pub(crate) fn open(layout: &ProjectLayout, kind: PipelineKind) -> Option<Self> {
        Self::open_at(&layout.input_manifest(kind))
    }

    /// [`open`](Self::open), of a copy that lies elsewhere.
    pub(crate) fn open_at(path: &Utf8Path) -> Option<Self> {
        let (file, _) = fs_err::File::open(path).ok()?.into_parts();
        let length = file.metadata().ok()?.len();
        let mut end = [0; 16];
        let behind = length.checked_sub(end.len() as u64)?;
        file.read_exact_at(&mut end, behind).ok()?;
        let (rows_end, magic) = end.split_first_chunk()?;
        let rows_end = u64::from_le_bytes(*rows_end);
        let mut text = vec![0; usize::try_from(behind.checked_sub(rows_end)?).ok()?];
        file.read_exact_at(&mut text, rows_end).ok()?;
        let contents: Contents = serde_json::from_slice(&text).ok()?;
        let inside = |rows: &Range<u64>| rows.start <= rows.end && rows.end <= rows_end;
        let good = magic == MAGIC
            && contents.format == FORMAT
            && contents.sources.iter().all(|source| inside(&source.rows));
        good.then_some(Self { file, contents })
    }

    /// What is known of a source that comes from that place.
    pub(crate) fn source(&self, path: &Utf8Path, name: &str) -> Option<&LoadedFrom> {
        self.contents.sources.iter().find(|source| source.path == path && source.name == name)
    }

    pub(crate) fn rows(&self, source: &LoadedFrom) -> Rows<'_> {
        Rows::new(&self.file, source.rows.clone())
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Writes a copy of it to another place.
    pub(crate) fn keep_at(&self, path: &Utf8Path) -> Result<(), StorageError> {
        durable::write_by(path, Lasting::Kill, |copy| {
            let mut at = 0;
            let mut piece = vec![0; 64 << 10];
            loop {
                let count = self.file.read_at(&mut piece, at)?;
                if count == 0 {
                    return Ok(());
                }
                copy.write_all(&piece[..count])?;
                at += count as u64;
            }
        })
    }

    /// Whether it would be written the same again after loading that found nothing changed in any of these sources.
    pub(crate) fn is_all_of(&self, sources: &[DataSource], policy: Fetch) -> bool {
        let Contents { boot, partial, sources: known, .. } = &self.contents;
        let same = known.iter().map(|known| &known.name).eq(sources.iter().map(|source| &source.name));
        same && !partial && (policy == Fetch::Every || boot.is_none())
    }

    /// Whether the copies can be believed to be on the disk, or at least in this machine's memory.
    pub(crate) fn is_trusted(&self) -> bool {
        self.contents.boot.as_ref().is_none_or(|boot| *boot == boot_id())
    }
}

/// An id of the machine's present boot, where the system has one.
pub(crate) fn boot_id() -> String {
    let text = fs_err::read_to_string("/proc/sys/kernel/random/boot_id");
    // Elsewhere every start of the tool counts as another boot, so that unflushed copies are read again.
    text.map_or_else(|_| format!("process-{}", std::process::id()), |text| text.trim().to_owned())
}
