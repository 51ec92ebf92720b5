//! The order of packing: list, write under a temporary name, flush, rename.

use std::io::{self, BufWriter};
use std::thread;

use alo_plan::ArchiveFormat;
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::early_flush::EarlyFlush;
use super::listing::Listing;
use crate::durable::{self, Lasting};
use crate::storage_error::StorageError;
use crate::tree_error::TreeError;

/// The time of change that members get. Either way the same folder gives the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemberTime {
    /// That of the file, in whole seconds.
    #[default]
    Kept,
    /// The same for all, so that only names and contents count.
    Fixed(Timestamp),
}

impl MemberTime {
    /// The member's time in seconds, from a file's in nanoseconds.
    pub(crate) fn seconds(self, modified: i64) -> i64 {
        match self {
            Self::Kept => modified.div_euclid(1_000_000_000),
            Self::Fixed(time) => time.as_second(),
        }
    }
}

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packed {
    /// Number of files.
    pub files: u64,
    /// Size of the archive.
    pub bytes: u64,
    /// What has no content and was left out, in words.
    pub left_out: Vec<String>,
}

/// An archive that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder could not be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file became shorter while it was packed.
    #[error("`{path}` was changed while it was packed")]
    Changed {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl ArchiveError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Tree(error) => error.hint(),
            Self::Changed { .. } => Some("look for a process that still writes there".into()),
            Self::Cancelled => None,
        }
    }
}

/// Packs all of a folder into an archive, which appears whole under its name or not at all, replacing an old one.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let root = camino::Utf8PathBuf::try_from(dir.path().to_owned())?;
/// # fs_err::create_dir_all(root.join("models/train"))?;
/// # fs_err::write(root.join("models/train/m.pkl"), "weights")?;
/// use alo_artifacts::{Limits, MemberTime, pack, unpack};
/// use alo_plan::ArchiveFormat;
///
/// let archive = root.join("model.tar.gz");
/// pack(&root.join("models"), &archive, ArchiveFormat::TarGz, MemberTime::Kept, &|| false)?;
/// unpack(&archive, &root.join("copy"), &Limits::default(), &|| false)?;
/// assert!(root.join("copy/train/m.pkl").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pack(
    folder: &Utf8Path,
    archive: &Utf8Path,
    format: ArchiveFormat,
    time: MemberTime,
    cancelled: &dyn Fn() -> bool,
) -> Result<Packed, ArchiveError> {
    // Neither the list of what is packed nor the archive is to make the folder it lies in.
    let beside = durable::parent(archive);
    fs_err::metadata(beside).map_err(StorageError::of("write in", beside))?;
    pack_by(folder, archive, format, time, cancelled, &|| durable::temp_beside(archive))
}

/// [`pack`] with a temporary file that the caller makes, beside the archive.
pub(crate) fn pack_by(
    folder: &Utf8Path,
    archive: &Utf8Path,
    format: ArchiveFormat,
    time: MemberTime,
    cancelled: &dyn Fn() -> bool,
    temp: &dyn Fn() -> Result<NamedTempFile, StorageError>,
) -> Result<Packed, ArchiveError> {
    // Listed before the temporary file is made, which may lie in the folder.
    let mut listing = Listing::of(folder, durable::parent(archive))?;
    let temp = temp()?;
    let pack = Pack { folder, archive, time, cancelled };
    thread::scope(|scope| -> Result<(), ArchiveError> {
        let (file, flusher) = EarlyFlush::new(scope, temp.as_file());
        let out = BufWriter::with_capacity(1 << 17, file);
        match format {
            ArchiveFormat::TarGz => pack.tar_gz(&mut listing, out)?,
            ArchiveFormat::Zip => pack.zip(&mut listing, out)?,
        }
        Ok(flusher.finish().map_err(StorageError::of("flush", archive))?)
    })?;
    let bytes = temp.as_file().metadata().map_err(StorageError::of("write", archive))?.len();
    durable::persist(temp, archive, Lasting::PowerFailure)?;
    let left_out =
        listing.others.iter().map(|other| format!("`{}` is {}", other.relative.display(), other.what));
    Ok(Packed { files: listing.count, bytes, left_out: left_out.collect() })
}

/// A folder on its way into an archive.
pub(super) struct Pack<'a> {
    pub(super) folder: &'a Utf8Path,
    pub(super) archive: &'a Utf8Path,
    pub(super) time: MemberTime,
    pub(super) cancelled: &'a dyn Fn() -> bool,
}

impl Pack<'_> {
    pub(super) fn writing(&self) -> impl FnOnce(io::Error) -> StorageError {
        StorageError::of("write", self.archive)
    }
}
