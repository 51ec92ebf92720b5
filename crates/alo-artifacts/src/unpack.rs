//! Unpacking a `.tar.gz` that somebody else has made, without trusting it.
//!
//! Refused are: absolute names and `..`, links that lead out, devices and pipes, names that are not UTF-8, and
//! archives over the stated limits. Links are made after all files, so nothing is ever written through one.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::rc::Rc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use flate2::read::MultiGzDecoder;
use fs_err::os::unix::fs::OpenOptionsExt;
use tar::EntryType;

use crate::digest::CHUNK;
use crate::durable;
use crate::storage_error::StorageError;

/// What stands before a member, such as a long name, may take so many bytes: it is read into memory.
const MAX_HEADERS: u64 = 1 << 20;

/// How deep members may be nested.
const MAX_DEPTH: usize = 64;

/// How much an archive may unpack to. The free space of the disk is a limit in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of members. Default: 100,000.
    pub entries: u64,
    /// Bytes of all files. Default: 100 GiB.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 100_000, bytes: 100 << 30 }
    }
}

/// What was unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Unpacked {
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// An archive that could not be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file that is no whole `.tar.gz`.
    #[error("unpack `{archive}`, which is damaged or no `.tar.gz`")]
    Damaged {
        /// The archive.
        archive: Utf8PathBuf,
        /// What the reader says.
        source: io::Error,
    },
    /// A member that would leave the target or is no file.
    #[error("refused to unpack `{member}` of `{archive}`: {why}")]
    Unsafe {
        /// The archive.
        archive: Utf8PathBuf,
        /// The member's name.
        member: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More than the limits allow.
    #[error("`{archive}` unpacks to more than {limit}")]
    TooBig {
        /// The archive.
        archive: Utf8PathBuf,
        /// The limit, in words.
        limit: String,
    },
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl UnpackError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Damaged { archive, .. } if archive.as_str().starts_with("s3://") => {
                Some("upload it again".into())
            }
            Self::Damaged { archive, .. } => {
                Some(format!("copy it again; `tar tzf '{archive}'` shows what is readable"))
            }
            Self::Unsafe { .. } => {
                Some("make the archive anew with `tar czf model.tar.gz -C models .`".into())
            }
            Self::TooBig { .. } => Some("unpack it yourself, and name the folder in the plan".into()),
            Self::Cancelled => None,
        }
    }

    /// The same of an archive that came from elsewhere.
    pub(crate) fn from(mut self, url: &str) -> Self {
        if let Self::Damaged { archive, .. } | Self::Unsafe { archive, .. } | Self::TooBig { archive, .. } =
            &mut self
        {
            *archive = url.into();
        }
        self
    }
}

/// Unpacks a `.tar.gz` into a folder, which is created and should be new: on an error it keeps what came before it.
pub fn unpack(
    archive: &Utf8Path,
    folder: &Utf8Path,
    limits: &Limits,
    cancelled: &dyn Fn() -> bool,
) -> Result<Unpacked, UnpackError> {
    durable::create_dir_all(folder)?;
    let mut unpacking = Unpacking {
        archive,
        folder,
        limits: *limits,
        free: durable::free_space(folder)?,
        cancelled,
        links: BTreeMap::new(),
        done: Unpacked::default(),
    };
    unpacking.run()?;
    Ok(unpacking.done)
}

struct Unpacking<'a> {
    archive: &'a Utf8Path,
    folder: &'a Utf8Path,
    limits: Limits,
    /// Bytes that the disk had left.
    free: u64,
    cancelled: &'a dyn Fn() -> bool,
    /// Symbolic links, made at the end.
    links: BTreeMap<Utf8PathBuf, Utf8PathBuf>,
    done: Unpacked,
}

impl Unpacking<'_> {
    fn run(&mut self) -> Result<(), UnpackError> {
        let file = fs_err::File::open(self.archive).map_err(StorageError::of("read", self.archive))?;
        let allowance = Rc::new(Cell::new(0));
        let reader =
            Metered { inner: MultiGzDecoder::new(io::BufReader::new(file)), allowance: allowance.clone() };
        let mut tar = tar::Archive::new(reader);
        let mut entries = tar.entries().map_err(|error| self.damaged(error))?;
        let mut count = 0;
        loop {
            allowance.set(MAX_HEADERS);
            let Some(entry) = entries.next() else { break };
            let mut entry = entry.map_err(|error| self.damaged(error))?;
            count += 1;
            if count > self.limits.entries {
                return Err(self.too_big(format!("{} members", self.limits.entries)));
            }
            allowance.set(u64::MAX);
            self.member(&mut entry)?;
            // What a member has beyond what was read is passed over here, not on the headers' allowance.
            self.copy(&mut entry, &mut io::sink(), None)?;
        }
        // The checksum stands at the very end, after the padding.
        allowance.set(MAX_HEADERS);
        match io::copy(&mut tar.into_inner(), &mut io::sink()) {
            Err(error) if allowance.get() > 0 => return Err(self.damaged(error)),
            _ => {}
        }
        for (link, target) in &self.links {
            let path = self.folder.join(link);
            durable::create_dir_all(durable::parent(&path))?;
            fs_err::os::unix::fs::symlink(target, &path).map_err(StorageError::of("write", &path))?;
        }
        Ok(())
    }

    fn member<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>) -> Result<(), UnpackError> {
        if (self.cancelled)() {
            return Err(UnpackError::Cancelled);
        }
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader) {
            return Ok(());
        }
        let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(|error| {
            self.refuse(&String::from_utf8_lossy(error.as_bytes()), "its name is not UTF-8")
        })?;
        let relative = self.inside(&name)?;
        match kind {
            EntryType::Directory => {
                durable::create_dir_all(&self.folder.join(relative))?;
                Ok(())
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
                if entry.size() > self.left() {
                    return Err(self.too_big(format!("{} bytes", self.limits.bytes)));
                }
                self.file(&name, &relative, executable, entry)
            }
            EntryType::Link => {
                let target = self.link_name(entry, &name)?;
                let target =
                    self.inside(&target).map_err(|_| self.refuse(&name, "it is a link that leads out"))?;
                self.hard_link(&name, &relative, &target)
            }
            EntryType::Symlink => {
                let target = self.link_name(entry, &name)?;
                self.refuse_link_out(&name, &relative, Utf8Path::new(&target))?;
                self.links.insert(relative, target.into());
                Ok(())
            }
            EntryType::Char | EntryType::Block => Err(self.refuse(&name, "it is a device")),
            EntryType::Fifo => Err(self.refuse(&name, "it is a pipe")),
            _ => Err(self.refuse(&name, "it is no file, folder or link")),
        }
    }

    fn file(
        &mut self,
        name: &str,
        relative: &Utf8Path,
        executable: bool,
        content: &mut dyn Read,
    ) -> Result<(), UnpackError> {
        if relative.as_str().is_empty() {
            return Err(self.refuse(name, "it has no name"));
        }
        let path = self.folder.join(relative);
        durable::create_dir_all(durable::parent(&path))?;
        // A name that comes twice means its last content. The folder is new and holds no links yet.
        let mut options = fs_err::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(if executable { 0o777 } else { 0o666 });
        let mut file = options.open(&path).map_err(StorageError::of("write", &path))?;
        self.copy(content, &mut file, Some(&path))?;
        self.done.files += 1;
        Ok(())
    }

    /// A hard link becomes a copy of the file it names, which must have come before it.
    fn hard_link(&mut self, name: &str, relative: &Utf8Path, target: &Utf8Path) -> Result<(), UnpackError> {
        let from = self.folder.join(target);
        if relative == target || !fs_err::symlink_metadata(&from).is_ok_and(|meta| meta.is_file()) {
            return Err(self.refuse(name, "it is a link to a file that is not in the archive before it"));
        }
        let mut file = fs_err::File::open(&from).map_err(StorageError::of("read", &from))?;
        self.file(name, relative, false, &mut file)
    }

    /// Copies all of a content within the limits; without a path it is thrown away.
    fn copy(
        &mut self,
        from: &mut dyn Read,
        to: &mut dyn Write,
        path: Option<&Utf8Path>,
    ) -> Result<(), UnpackError> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.damaged(error)),
            };
            if count as u64 > self.left() {
                return Err(self.too_big(format!("{} bytes", self.limits.bytes)));
            }
            if self.done.bytes + count as u64 > self.free {
                let full = io::ErrorKind::StorageFull.into();
                return Err(StorageError::new("unpack into", self.folder, full).into());
            }
            if (self.cancelled)() {
                return Err(UnpackError::Cancelled);
            }
            self.done.bytes += count as u64;
            let path = path.unwrap_or(self.archive);
            to.write_all(&buffer[..count]).map_err(StorageError::of("write", path))?;
        }
    }

    fn left(&self) -> u64 {
        self.limits.bytes.saturating_sub(self.done.bytes)
    }

    /// The path of a member below the target; `.` parts are dropped.
    fn inside(&self, name: &str) -> Result<Utf8PathBuf, UnpackError> {
        let mut relative = Utf8PathBuf::new();
        for part in Utf8Path::new(name).components() {
            match part {
                Utf8Component::Normal(part) => relative.push(part),
                Utf8Component::CurDir => {}
                Utf8Component::ParentDir => return Err(self.refuse(name, "its name has `..` in it")),
                Utf8Component::RootDir | Utf8Component::Prefix(_) => {
                    return Err(self.refuse(name, "its name is absolute"));
                }
            }
        }
        if relative.components().count() > MAX_DEPTH {
            return Err(self.refuse(name, "it is nested too deep"));
        }
        Ok(relative)
    }

    /// A link may climb only at its start, and not above the target. A `..` after a name could pass through another
    /// link and come out elsewhere than it reads.
    fn refuse_link_out(&self, name: &str, relative: &Utf8Path, target: &Utf8Path) -> Result<(), UnpackError> {
        let refused = || self.refuse(name, "it is a link that leads out");
        let depth = relative.components().count().checked_sub(1).ok_or_else(refused)?;
        let (mut climbed, mut named) = (0, false);
        for part in target.components() {
            match part {
                Utf8Component::ParentDir if !named => climbed += 1,
                Utf8Component::Normal(_) => named = true,
                Utf8Component::CurDir => {}
                _ => return Err(refused()),
            }
        }
        if climbed > depth || target.as_str().is_empty() { Err(refused()) } else { Ok(()) }
    }

    fn link_name<R: Read>(&self, entry: &tar::Entry<'_, R>, name: &str) -> Result<String, UnpackError> {
        let target = entry.link_name_bytes().and_then(|bytes| String::from_utf8(bytes.into_owned()).ok());
        target.ok_or_else(|| self.refuse(name, "it is a link without a good target"))
    }

    fn refuse(&self, member: &str, why: &'static str) -> UnpackError {
        let member = member.chars().take(200).collect();
        UnpackError::Unsafe { archive: self.archive.to_owned(), member, why }
    }

    fn damaged(&self, source: io::Error) -> UnpackError {
        UnpackError::Damaged { archive: self.archive.to_owned(), source }
    }

    fn too_big(&self, limit: String) -> UnpackError {
        UnpackError::TooBig { archive: self.archive.to_owned(), limit }
    }
}

/// A reader that gives no more than it is allowed to, so that headers cannot fill the memory.
struct Metered<R> {
    inner: R,
    allowance: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = self.allowance.get();
        if allowed == 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a member's header is too long"));
        }
        let most = usize::try_from(allowed).map_or(buffer.len(), |allowed| allowed.min(buffer.len()));
        let count = self.inner.read(&mut buffer[..most])?;
        if allowed != u64::MAX {
            self.allowance.set(allowed - count as u64);
        }
        Ok(count)
    }
}
