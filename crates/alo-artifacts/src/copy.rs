//! Copying files: one with its digest, for data that comes in; whole trees, for models and history.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use camino::{Utf8Path, Utf8PathBuf};

use crate::digest::{CHUNK, ContentDigest, Hasher};
use crate::durable::{self, Lasting};
use crate::permissions;
use crate::stamp::{CopyStamp, Stamp};
use crate::storage_error::StorageError;
use crate::tree::Tree;

/// A file that somebody writes while we copy it is tried so often.
const TRIES: u32 = 3;

/// From this size on the kernel copies, so that nothing passes through our memory twice.
const LARGE: u64 = 1 << 20;

/// How much the kernel copies at a time: it is digested while the processor still has it at hand.
const WINDOW: usize = CHUNK;

/// A file that could not be copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// One side could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Its content changed under us, again and again.
    #[error("`{path}` is being written by someone else")]
    Changing {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The user asked to stop.
    #[error("stopped on request")]
    Stopped,
}

/// How far a copy is, and whether it shall stop; shared by all who copy.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    files: AtomicU64,
    bytes: AtomicU64,
    stop: AtomicBool,
}

impl Meter {
    /// Files done so far.
    pub(crate) fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    pub(crate) fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn add(&self, count: usize) -> Result<(), CopyError> {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        if self.is_stopped() { Err(CopyError::Stopped) } else { Ok(()) }
    }
}

impl CopyError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Changing { .. } => Some("start again when the file is complete".into()),
            Self::Stopped => None,
        }
    }
}

/// What a copy of a file is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) digest: ContentDigest,
    /// The source as it was read.
    pub(crate) source: Stamp,
    /// The copy as it lies there.
    pub(crate) copy: CopyStamp,
}

/// Copies a file under a temporary name and renames it, computing its digest on the way.
///
/// The copy is only taken when the source is the same before and after, so a copy is never half old and half new.
pub(crate) fn copy_file<H: Hasher>(
    from: &Utf8Path,
    to: &Utf8Path,
    meter: &Meter,
) -> Result<Copied, CopyError> {
    for _ in 0..TRIES {
        if let Some(copied) = try_copy::<H>(from, to, meter)? {
            return Ok(copied);
        }
    }
    Err(CopyError::Changing { path: from.to_owned() })
}

fn try_copy<H: Hasher>(from: &Utf8Path, to: &Utf8Path, meter: &Meter) -> Result<Option<Copied>, CopyError> {
    let source = fs_err::File::open(from).map_err(StorageError::of("read", from))?;
    let before = stamp(&source, from)?;
    let temp = durable::temp_beside(to)?;
    let copied = Copying::<H> { source, from, copy: temp.as_file(), to, seen: Seen::default() };
    let copied = copied.run(before, meter)?;
    // The new name changes nothing that a copy is recognised by.
    if copied.is_some() {
        durable::persist(temp, to, Lasting::Kill)?;
    }
    Ok(copied)
}

/// Copies a file that was listed to a name that nothing has, in a folder that nobody else looks into, computing its
/// digest on the way. A kill, or an error, leaves it half written.
///
/// It takes half the calls of [`copy_file`], which does the work if the source has changed since it was listed.
pub(crate) fn create_file<H: Hasher>(
    from: &Utf8Path,
    to: &Utf8Path,
    listed: Stamp,
    meter: &Meter,
) -> Result<Copied, CopyError> {
    let source = fs_err::File::open(from).map_err(StorageError::of("read", from))?;
    let copy = fs_err::OpenOptions::new().read(true).write(true).create_new(true).open(to);
    let copy = match copy {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return copy_file::<H>(from, to, meter),
        copy => copy.map_err(StorageError::of("write", to))?,
    };
    let copying = Copying::<H> { source, from, copy: copy.file(), to, seen: Seen::default() };
    match copying.run(listed, meter)? {
        Some(copied) => Ok(copied),
        None => copy_file::<H>(from, to, meter),
    }
}

/// A copy that is being written.
struct Copying<'a, H> {
    source: fs_err::File,
    from: &'a Utf8Path,
    copy: &'a File,
    to: &'a Utf8Path,
    seen: Seen<H>,
}

impl<H: Hasher> Copying<'_, H> {
    /// Copies what the source holds; nothing if it was not the expected one from the beginning to the end.
    fn run(mut self, expected: Stamp, meter: &Meter) -> Result<Option<Copied>, CopyError> {
        if expected.size >= LARGE {
            self.in_kernel(meter)?;
        }
        let (mut copy, to) = (self.copy, self.to);
        self.seen.pass(&mut self.source, expected.size, self.from, meter, |chunk| {
            copy.write_all(chunk).map_err(StorageError::of("write", to))
        })?;
        if stamp(&self.source, self.from)? != expected || self.seen.bytes != expected.size {
            return Ok(None);
        }
        let meta = self.copy.metadata().map_err(StorageError::of("read", to))?;
        let copy = Stamp::of(&meta).into();
        Ok(Some(Copied { digest: self.seen.hasher.digest(), source: expected, copy }))
    }

    /// Lets the kernel copy, which shares blocks where the file system can, and digests what has arrived. Where the kernel
    /// cannot, or comes to no end, the rest of the file is left to the caller.
    #[cfg(target_os = "linux")]
    fn in_kernel(&mut self, meter: &Meter) -> Result<(), CopyError> {
        use rustix::io::Errno;
        let mut buffer = vec![0; CHUNK];
        loop {
            let copied = rustix::fs::copy_file_range(self.source.file(), None, self.copy, None, WINDOW);
            let mut arrived = match copied {
                Ok(0) | Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {
                    return Ok(());
                }
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(StorageError::new("copy", self.from, error.into()).into()),
            };
            while arrived > 0 {
                let chunk = &mut buffer[..CHUNK.min(arrived)];
                let read = self.copy.read_exact_at(chunk, self.seen.bytes);
                read.map_err(StorageError::of("read", self.to))?;
                arrived -= chunk.len();
                self.seen.add(chunk, meter)?;
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn in_kernel(&mut self, _: &Meter) -> Result<(), CopyError> {
        Ok(())
    }
}

/// What has been read of a file so far.
#[derive(Default)]
struct Seen<H> {
    hasher: H,
    bytes: u64,
}

impl<H: Hasher> Seen<H> {
    fn add(&mut self, chunk: &[u8], meter: &Meter) -> Result<(), CopyError> {
        self.hasher.add(chunk);
        self.bytes += chunk.len() as u64;
        meter.add(chunk.len())
    }

    /// Reads the rest of a file of that size, and hands on every chunk.
    ///
    /// Its end is not read: who looks at the file's size again afterwards knows whether it has grown.
    fn pass(
        &mut self,
        file: &mut impl Read,
        size: u64,
        path: &Utf8Path,
        meter: &Meter,
        mut each: impl FnMut(&[u8]) -> Result<(), StorageError>,
    ) -> Result<(), CopyError> {
        let left = size.saturating_sub(self.bytes);
        if left == 0 && size > 0 {
            return Ok(());
        }
        let mut buffer = vec![0; usize::try_from(left).map_or(CHUNK, |left| left.clamp(1, CHUNK))];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(StorageError::new("read", path, error).into()),
            };
            each(&buffer[..count])?;
            self.add(&buffer[..count], meter)?;
            if self.bytes == size {
                return Ok(());
            }
        }
    }
}

fn stamp(file: &fs_err::File, path: &Utf8Path) -> Result<Stamp, StorageError> {
    Ok(Stamp::of(&file.metadata().map_err(StorageError::of("read", path))?))
}

/// Digests a file, with the stamp it had while it was read.
pub(crate) fn digest_file<H: Hasher>(
    path: &Utf8Path,
    meter: &Meter,
) -> Result<(ContentDigest, Stamp), CopyError> {
    for _ in 0..TRIES {
        let mut file = fs_err::File::open(path).map_err(StorageError::of("read", path))?;
        let before = stamp(&file, path)?;
        let mut seen = Seen::<H>::default();
        seen.pass(&mut file, before.size, path, meter, |_| Ok(()))?;
        if stamp(&file, path)? == before {
            return Ok((seen.hasher.digest(), before));
        }
    }
    Err(CopyError::Changing { path: path.to_owned() })
}

/// Copies a listed tree into a folder that is not in use by anybody, and gives the bytes copied.
///
/// Data blocks are shared where the file system can (reflink), never by hard links: what is copied may be
/// written to later without touching the copy.
pub(crate) fn copy_tree(tree: &Tree, from: &Utf8Path, to: &Utf8Path) -> Result<u64, StorageError> {
    durable::create_dir_all(to)?;
    for folder in &tree.folders {
        durable::create_dir_all(&to.join(folder))?;
    }
    let mut bytes = 0;
    for file in &tree.files {
        bytes += copy_plain(&from.join(&file.relative), &to.join(&file.relative))?;
    }
    Ok(bytes)
}

/// Copies one file. Nobody may do more with the copy than with the file, nor than the user's umask gives; but its owner may
/// read and write it.
pub(crate) fn copy_plain(from: &Utf8Path, to: &Utf8Path) -> Result<u64, StorageError> {
    let mut source = fs_err::File::open(from).map_err(StorageError::of("read", from))?.into_file();
    let meta = source.metadata().map_err(StorageError::of("read", from))?;
    // Without the bits that lend a program the rights of its owner.
    let mode = meta.permissions().mode() & 0o777 | 0o600;
    let mut options = File::options();
    let target = options.write(true).create(true).truncate(true).mode(mode).open(to);
    let mut target = target.map_err(StorageError::of("write", to))?;
    let bytes = io::copy(&mut source, &mut target).map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StorageError::new("write", to, error),
        _ => StorageError::new("copy", from, error),
    })?;
    permissions::give_to_owner(to)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use sha2::Sha256;

    use super::*;
    use crate::walk::Links;

    fn temp() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        (dir, root)
    }

    #[test]
    fn a_plain_copy_gives_nobody_more_rights() {
        let (_dir, root) = temp();
        let mode_of =
            |name: &str| fs_err::metadata(root.join(name)).expect("there").permissions().mode() & 0o7777;
        fs_err::write(root.join("plain"), "x").expect("written");
        for mode in [0o4777, 0o600, 0o444, 0o750] {
            fs_err::write(root.join("from"), "x").expect("written");
            fs_err::set_permissions(root.join("from"), std::fs::Permissions::from_mode(mode)).expect("set");
            assert_eq!(copy_plain(&root.join("from"), &root.join("to")).expect("copied"), 1);
            let given = mode_of("to");
            assert_eq!(given & 0o600, 0o600, "{mode:o}: {given:o}");
            assert_eq!(given & !(mode & 0o777 | 0o600), 0, "{mode:o}: {given:o}");
            // What is created plainly has the rights that the umask gives.
            assert_eq!(given & !(mode_of("plain") | 0o111), 0, "{mode:o}: {given:o}");
            for name in ["from", "to"] {
                fs_err::remove_file(root.join(name)).expect("removed");
            }
        }
    }

    #[test]
    fn a_copy_has_the_digest_of_its_content() {
        let (_dir, root) = temp();
        let content = "가나다".repeat(200_000);
        fs_err::write(root.join("from"), &content).expect("written");
        fs_err::write(root.join("to"), "older").expect("written");
        let copied =
            copy_file::<Sha256>(&root.join("from"), &root.join("to"), &Meter::default()).expect("copied");
        assert_eq!(fs_err::read_to_string(root.join("to")).expect("read"), content);
        let (digest, stamp) = digest_file::<Sha256>(&root.join("to"), &Meter::default()).expect("digested");
        assert_eq!((copied.digest, copied.copy), (digest, stamp.into()));
        assert_eq!(copied.source.size, content.len() as u64);
    }

    #[test]
    fn a_file_that_changed_since_it_was_listed_or_whose_name_is_taken_is_copied_as_it_is_now() {
        let (_dir, root) = temp();
        fs_err::write(root.join("from"), "listed").expect("written");
        let listed = Stamp::of(&fs_err::metadata(root.join("from")).expect("there"));
        let create = |name| {
            let to = root.join(name);
            let copied = create_file::<Sha256>(&root.join("from"), &to, listed, &Meter::default());
            (copied.expect("copied"), fs_err::read_to_string(to).expect("read"))
        };
        let (copied, content) = create("new");
        assert_eq!((copied.source, content.as_str()), (listed, "listed"));
        for name in ["changed", "new"] {
            fs_err::write(root.join("from"), "something longer").expect("written");
            let (copied, content) = create(name);
            assert_eq!((copied.source.size, content.as_str()), (16, "something longer"));
            let there = fs_err::metadata(root.join(name)).expect("there");
            assert_eq!(copied.copy, Stamp::of(&there).into());
        }
        assert_eq!(fs_err::read_dir(&root).expect("listed").count(), 3);
    }

    #[test]
    fn an_unreadable_source_is_named_and_the_old_copy_stays() {
        let (_dir, root) = temp();
        fs_err::write(root.join("to"), "older").expect("written");
        let error = copy_file::<Sha256>(&root.join("absent"), &root.join("to"), &Meter::default())
            .expect_err("it is absent");
        assert_eq!(error.to_string(), format!("read `{root}/absent`"));
        assert_eq!(fs_err::read_dir(&root).expect("listed").count(), 1);
    }

    #[test]
    fn a_tree_is_copied_with_its_empty_folders_and_can_be_changed_afterwards() {
        let (_dir, root) = temp();
        fs_err::create_dir_all(root.join("a/empty")).expect("created");
        fs_err::write(root.join("a/x"), "1").expect("written");
        fs_err::set_permissions(root.join("a/x"), std::fs::Permissions::from_mode(0o555)).expect("set");
        let tree = Tree::list(&root.join("a"), Links::Follow).expect("listed");
        assert_eq!(copy_tree(&tree, &root.join("a"), &root.join("b")).expect("copied"), 1);
        assert!(root.join("b/empty").is_dir());
        let mode = fs_err::metadata(root.join("b/x")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}
