//! Packing a folder into a `.tar.gz` or `.zip`, reproducibly and never half.
//!
//! Members are sorted and relative to the folder; owner and group are 0, modes 644 or 755. Links are replaced by what
//! they lead to, folders are only stored when nothing lies in them: so the archive reads the same everywhere.

use std::cell::Cell;
use std::io::{self, BufWriter, Read, Seek, Write};

use alo_plan::ArchiveFormat;
use camino::{Utf8Path, Utf8PathBuf};
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use zip::write::SimpleFileOptions;

use crate::durable::{self, Lasting, StorageError};
use crate::tree::{Links, Tree, TreeError, TreeFile};

/// Compression level of deflate, 1 to 9.
const LEVEL: u32 = 6;

/// A zip member from this size on needs the large form.
const ZIP_LARGE: u64 = 0xF000_0000;

/// The time of change that members get. Either way the same folder gives the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemberTime {
    /// That of the file, in whole seconds.
    #[default]
    Kept,
    /// The same for all, so that only names and contents count.
    Fixed(Timestamp),
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
    // Listed before the temporary file is made, which may lie in the folder.
    let tree = Tree::list(folder, Links::Follow)?;
    let mut temp = durable::temp_beside(archive)?;
    let pack = Pack { folder, archive, tree: &tree, time, cancelled };
    let out = BufWriter::with_capacity(1 << 17, temp.as_file_mut());
    match format {
        ArchiveFormat::TarGz => pack.tar_gz(out)?,
        ArchiveFormat::Zip => pack.zip(out)?,
    }
    let bytes = temp.as_file().metadata().map_err(StorageError::of("write", archive))?.len();
    durable::persist(temp, archive, Lasting::PowerFailure)?;
    let left_out =
        tree.others.iter().map(|other| format!("`{}` is {}", other.relative.display(), other.what));
    Ok(Packed { files: tree.files.len() as u64, bytes, left_out: left_out.collect() })
}

struct Pack<'a> {
    folder: &'a Utf8Path,
    archive: &'a Utf8Path,
    tree: &'a Tree,
    time: MemberTime,
    cancelled: &'a dyn Fn() -> bool,
}

impl Pack<'_> {
    fn tar_gz(&self, out: impl Write) -> Result<(), ArchiveError> {
        let gzip = GzBuilder::new().mtime(0).write(out, Compression::new(LEVEL));
        let mut tar = tar::Builder::new(gzip);
        for folder in self.tree.empty_folders() {
            let mut header = header(tar::EntryType::Directory, 0, self.seconds(0), true);
            tar.append_data(&mut header, format!("{folder}/"), io::empty()).map_err(self.writing())?;
        }
        for file in &self.tree.files {
            let (mut member, size, path) = self.open(file)?;
            let seconds = self.seconds(file.stamp.modified);
            let mut header = header(tar::EntryType::Regular, size, seconds, file.executable);
            let result = tar.append_data(&mut header, &file.relative, &mut member);
            member.outcome(result, &path, self.archive)?;
        }
        let gzip = tar.into_inner().map_err(self.writing())?;
        gzip.finish().map_err(self.writing())?.flush().map_err(self.writing())?;
        Ok(())
    }

    fn zip(&self, out: impl Write + Seek) -> Result<(), ArchiveError> {
        let mut zip = zip::ZipWriter::new(out);
        let options = SimpleFileOptions::default().compression_level(Some(i64::from(LEVEL)));
        for folder in self.tree.empty_folders() {
            let options = options.last_modified_time(zip_time(self.seconds(0))).unix_permissions(0o755);
            zip.add_directory(format!("{folder}/"), options).map_err(self.zipping())?;
        }
        for file in &self.tree.files {
            let (mut member, size, path) = self.open(file)?;
            let options = options
                .last_modified_time(zip_time(self.seconds(file.stamp.modified)))
                .unix_permissions(if file.executable { 0o755 } else { 0o644 })
                .large_file(size >= ZIP_LARGE);
            zip.start_file(file.relative.as_str(), options).map_err(self.zipping())?;
            let result = io::copy(&mut member, &mut zip).map(|_| ());
            member.outcome(result, &path, self.archive)?;
        }
        zip.finish().map_err(self.zipping())?.flush().map_err(self.writing())?;
        Ok(())
    }

    /// Opens a file as a member of the size it has now: a log that grows meanwhile is cut there.
    fn open(&self, file: &TreeFile) -> Result<(Member<'_>, u64, Utf8PathBuf), ArchiveError> {
        let path = self.folder.join(&file.relative);
        let open = fs_err::File::open(&path).map_err(StorageError::of("read", &path))?;
        let size = open.metadata().map_err(StorageError::of("read", &path))?.len();
        let member = Member { file: open, left: size, failed: Cell::new(false), cancelled: self.cancelled };
        Ok((member, size, path))
    }

    /// The member's time in seconds, from a file's in nanoseconds.
    fn seconds(&self, modified: i64) -> i64 {
        match self.time {
            MemberTime::Kept => modified.div_euclid(1_000_000_000),
            MemberTime::Fixed(time) => time.as_second(),
        }
    }

    fn writing(&self) -> impl FnOnce(io::Error) -> StorageError {
        StorageError::of("write", self.archive)
    }

    fn zipping(&self) -> impl FnOnce(zip::result::ZipError) -> StorageError {
        |error| StorageError::new("write", self.archive, error.into())
    }
}

/// A tar member's header: nobody's, and the same on every machine.
fn header(kind: tar::EntryType, size: u64, seconds: i64, executable: bool) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(u64::try_from(seconds).unwrap_or_default());
    header
}

/// A zip's time, which begins with 1980 and has no zone: UTC, so that the bytes do not depend on the machine.
fn zip_time(seconds: i64) -> zip::DateTime {
    let time = Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(time.year()).unwrap_or_default();
    let (month, day) = (part(time.month()), part(time.day()));
    zip::DateTime::from_date_and_time(
        year,
        month,
        day,
        part(time.hour()),
        part(time.minute()),
        part(time.second()),
    )
    .unwrap_or_default()
}

/// A file being packed: exactly as many bytes as its header says, and who is to blame for an error.
struct Member<'a> {
    file: fs_err::File,
    left: u64,
    /// Reading has failed: an error of packing is the file's, not the archive's.
    failed: Cell<bool>,
    cancelled: &'a dyn Fn() -> bool,
}

impl Read for Member<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.cancelled)() {
            return Err(io::Error::other("stopped on request"));
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self.file.read(&mut buffer[..most]).inspect_err(|_| self.failed.set(true))?;
        self.left -= count as u64;
        Ok(count)
    }
}

impl Member<'_> {
    fn outcome(
        self,
        result: io::Result<()>,
        path: &Utf8Path,
        archive: &Utf8Path,
    ) -> Result<(), ArchiveError> {
        match result {
            Ok(()) if self.left > 0 => Err(ArchiveError::Changed { path: path.to_owned() }),
            Ok(()) => Ok(()),
            Err(_) if (self.cancelled)() => Err(ArchiveError::Cancelled),
            Err(error) if self.failed.get() => Err(StorageError::new("read", path, error).into()),
            Err(error) => Err(StorageError::new("write", archive, error).into()),
        }
    }
}
