//! Objects in: many small ones at once, large ones in parts, each whole under its name or not at all.

use std::cell::Cell;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use md5::{Digest, Md5};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::bucket::Bucket;
use super::error::{S3Error, S3Fault};
use super::remote::Remote;
use super::remote_object::RemoteObject;
use crate::digest::{self, ContentDigest, Hasher};
use crate::durable::{self, Lasting};
use crate::stamp::{CopyStamp, Stamp};
use crate::storage_error::StorageError;

/// So many small objects are on their way at once.
const SMALL_IN_FLIGHT: usize = 200;
/// From this size on an object is fetched in parts.
const LARGE: u64 = 64 << 20;
/// The size of a part. Memory is bounded by it and by the number of parts in flight.
const PART: u64 = 8 << 20;
const PARTS_IN_FLIGHT: usize = 6;
/// An object that does not arrive whole, or changes on its way, is begun anew so often.
const TRIES: u32 = 4;

/// An object to bring here.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fetch {
    /// What is said of it when it is here.
    pub(crate) row: u64,
    pub(crate) object: RemoteObject,
    pub(crate) to: Utf8PathBuf,
    /// The digest that a file of this size, which lies there already, must have.
    pub(crate) present: Present,
}

/// What lies at the target.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Present {
    /// Nothing of use.
    Nothing,
    /// A file of the right size; it is taken if the object's MD5 digest is its own.
    SameSize,
    /// The copy of this very object, which may have been lost; it is taken if its digest is this.
    Copy(ContentDigest),
}

/// An object that is here.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// That of the [`Fetch`].
    pub(crate) row: u64,
    /// As it was fetched, which may be newer than it was listed.
    pub(crate) object: RemoteObject,
    pub(crate) copy: CopyStamp,
    /// Of its content, BLAKE3.
    pub(crate) digest: ContentDigest,
    /// Whether it had to be fetched.
    pub(crate) copied: bool,
}

/// Brings all objects here, handing each to `done` when it has its name; the first error or the wish to stop ends it.
/// Only large ones, and as many others as are on their way at once, are in memory. `progress` gets the objects and bytes that are through.
///
/// An empty object that is not there is the mark of a folder, whose key ends in `/`, and is passed over.
pub(crate) fn fetch(
    remote: &Remote,
    jobs: impl Iterator<Item = Result<Fetch, StorageError>>,
    cancelled: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(u64, u64),
    done: &mut dyn FnMut(Fetched),
) -> Result<(), S3Error> {
    let meter = Meter::default();
    let bucket = remote.bucket.as_ref();
    let mut large = Vec::new();
    let copy = |fetch| Copy { bucket, meter: &meter, fetch, mine: Cell::new(0) };
    let mut arrived = |result: Option<Fetched>| {
        meter.files.set(meter.files.get() + 1);
        if let Some(fetched) = result {
            done(fetched);
        }
    };
    let work = async {
        // Large ones come last, one after the other.
        let small = jobs.filter_map(|fetch| match fetch {
            Ok(fetch) if fetch.object.size >= LARGE => {
                large.push(fetch);
                None
            }
            fetch => Some(fetch.map(copy)),
        });
        let small = small.map(|copy| async { copy?.run().await });
        let mut small = stream::iter(small).buffer_unordered(SMALL_IN_FLIGHT);
        while let Some(result) = small.try_next().await? {
            arrived(result);
        }
        drop(small);
        for fetch in large {
            arrived(copy(fetch).run().await?);
        }
        Ok(())
    };
    bucket.drive(cancelled, &mut || progress(meter.files.get(), meter.bytes.get()), work)
}

/// How far it is.
#[derive(Default)]
struct Meter {
    files: Cell<u64>,
    bytes: Cell<u64>,
}

/// One object on its way.
struct Copy<'a> {
    bucket: &'a Bucket,
    meter: &'a Meter,
    fetch: Fetch,
    /// What of the meter's bytes is this object's.
    mine: Cell<u64>,
}

/// A file that grows under a temporary name, with its digests.
struct Growing<'a> {
    temp: NamedTempFile,
    to: &'a Utf8Path,
    content: blake3::Hasher,
    md5: Md5,
    bytes: u64,
}

impl<'a> Growing<'a> {
    fn new(to: &'a Utf8Path) -> Result<Self, S3Error> {
        let temp = durable::temp_beside(to)?;
        Ok(Self { temp, to, content: blake3::Hasher::default(), md5: Md5::new(), bytes: 0 })
    }

    fn add(&mut self, chunk: &[u8]) -> Result<(), S3Error> {
        self.content.update(chunk);
        self.md5.update(chunk);
        self.bytes += chunk.len() as u64;
        Ok(self.temp.write_all(chunk).map_err(StorageError::of("write", self.to))?)
    }

    /// Gives the file its name.
    fn finish(self) -> Result<(CopyStamp, ContentDigest), S3Error> {
        let handle = self.temp.as_file().try_clone().map_err(StorageError::of("write", self.to))?;
        durable::persist(self.temp, self.to, Lasting::Kill)?;
        let meta = handle.metadata().map_err(StorageError::of("read", self.to))?;
        Ok((Stamp::of(&meta).into(), self.content.digest()))
    }
}

impl Copy<'_> {
    async fn run(&self) -> Result<Option<Fetched>, S3Error> {
        let mut object = self.fetch.object.clone();
        let here = |object, (copy, digest), copied| {
            Ok(Some(Fetched { row: self.fetch.row, object, copy, digest, copied }))
        };
        if let Some(present) = self.present()? {
            self.count(object.size);
            return here(object, present, false);
        }
        let mut last_md5 = None;
        let mut tries = 1;
        loop {
            let result = if object.size >= LARGE {
                self.in_parts(&object).await
            } else {
                self.whole(&mut object).await
            };
            let error = match result {
                Ok(growing) => {
                    let md5 = digest::hex(&growing.md5.clone().finalize());
                    let expected = md5_of(object.etag.as_deref()).filter(|_| self.bucket.etags_are_digests());
                    if expected.is_none_or(|expected| expected == md5) {
                        return here(object, growing.finish()?, true);
                    }
                    if last_md5.as_ref() == Some(&md5) {
                        // Twice the same content: then it is the `ETag` that is no digest.
                        self.bucket.etags_are_no_digests();
                        return here(object, growing.finish()?, true);
                    }
                    last_md5 = Some(md5);
                    S3Error::Damaged { url: self.bucket.url(&object.key) }
                }
                Err(error) => error,
            };
            match error.fault() {
                Some(S3Fault::NoObject) if object.size == 0 => return Ok(None),
                Some(S3Fault::Changed) => object = self.look_again(&object).await?,
                _ if error.is_transient() => {}
                _ => return Err(error),
            }
            if tries == TRIES {
                let url = self.bucket.url(&object.key);
                let changing = error.fault() == Some(&S3Fault::Changed);
                return Err(if changing { S3Error::Changing { url } } else { error });
            }
            tries += 1;
            // What is begun anew is not counted twice.
            self.meter.bytes.set(self.meter.bytes.get().saturating_sub(self.mine.replace(0)));
        }
    }

    fn count(&self, bytes: u64) {
        self.mine.set(self.mine.get() + bytes);
        self.meter.bytes.set(self.meter.bytes.get() + bytes);
    }

    /// Stamp and digest of the file that lies there, if it is this object.
    fn present(&self) -> Result<Option<(CopyStamp, ContentDigest)>, S3Error> {
        let Fetch { object, to, present, .. } = &self.fetch;
        let expected_md5 = md5_of(object.etag.as_deref());
        match present {
            Present::Nothing => return Ok(None),
            Present::SameSize if expected_md5.is_none() => return Ok(None),
            Present::SameSize | Present::Copy(_) => {}
        }
        let mut file = fs_err::File::open(to).map_err(StorageError::of("read", to))?;
        let (mut content, mut md5) = (blake3::Hasher::default(), Md5::new());
        let mut both = Both(&mut content, &mut md5);
        std::io::copy(&mut file, &mut both).map_err(StorageError::of("read", to))?;
        let meta = file.metadata().map_err(StorageError::of("read", to))?;
        let digest = content.digest();
        let same = match present {
            Present::Copy(expected) => *expected == digest,
            _ => expected_md5.is_some_and(|expected| expected == digest::hex(&md5.finalize())),
        };
        Ok(same.then(|| (Stamp::of(&meta).into(), digest)))
    }

    /// Fetches a small object as it is now, whatever the listing said.
    async fn whole(&self, object: &mut RemoteObject) -> Result<Growing<'_>, S3Error> {
        let path = self.path(object)?;
        let error = |error: object_store::Error| self.bucket.error(&object.key, &error);
        let answer = self.bucket.store.get_opts(&path, GetOptions::default()).await.map_err(error)?;
        let (size, etag) = (answer.meta.size, answer.meta.e_tag.clone());
        let mut growing = Growing::new(&self.fetch.to)?;
        let mut chunks = answer.into_stream();
        while let Some(chunk) = chunks.try_next().await.map_err(error)? {
            growing.add(&chunk)?;
            self.count(chunk.len() as u64);
        }
        if growing.bytes != size {
            return Err(S3Error::Damaged { url: self.bucket.url(&object.key) });
        }
        object.size = size;
        object.etag = etag.or_else(|| object.etag.take());
        Ok(growing)
    }

    /// Fetches a large object in parts, all of the same version.
    async fn in_parts(&self, object: &RemoteObject) -> Result<Growing<'_>, S3Error> {
        let path = self.path(object)?;
        let starts = (0..object.size).step_by(usize::try_from(PART).unwrap_or(usize::MAX));
        let parts = starts.map(|start| self.part(&path, object, start..(start + PART).min(object.size)));
        // In order, so that the digest can be taken on the way.
        let mut parts = stream::iter(parts).buffered(PARTS_IN_FLIGHT);
        let mut growing = Growing::new(&self.fetch.to)?;
        while let Some(part) = parts.try_next().await? {
            growing.add(&part)?;
        }
        Ok(growing)
    }

    async fn part(
        &self,
        path: &Path,
        object: &RemoteObject,
        range: std::ops::Range<u64>,
    ) -> Result<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>, S3Error> {
        let mut tries = 1;
        loop {
            let options = GetOptions {
                range: Some(GetRange::Bounded(range.clone())),
                if_match: object.etag.clone(),
                ..GetOptions::default()
            };
            let answer = async { self.bucket.store.get_opts(path, options).await?.bytes().await };
            let error = match answer.await {
                Ok(bytes) if bytes.len() as u64 == range.end - range.start => {
                    self.count(bytes.len() as u64);
                    return Ok(bytes);
                }
                Ok(_) => S3Error::Damaged { url: self.bucket.url(&object.key) },
                Err(error) => self.bucket.error(&object.key, &error),
            };
            if tries == TRIES || !error.is_transient() {
                return Err(error);
            }
            tries += 1;
        }
    }

    /// Size and version of an object that has changed since it was listed.
    async fn look_again(&self, object: &RemoteObject) -> Result<RemoteObject, S3Error> {
        let path = self.path(object)?;
        let options = GetOptions { head: true, ..GetOptions::default() };
        let answer = self.bucket.store.get_opts(&path, options).await;
        let meta = answer.map_err(|error| self.bucket.error(&object.key, &error))?.meta;
        Ok(RemoteObject {
            size: meta.size,
            etag: meta.e_tag,
            changed: meta.last_modified.timestamp_millis(),
            ..object.clone()
        })
    }

    fn path(&self, object: &RemoteObject) -> Result<Path, S3Error> {
        Path::parse(&object.key).map_err(|error| self.bucket.error(&object.key, &error.into()))
    }
}

/// The MD5 digest in an `ETag`, if it has the form of one. Objects made of parts have another form.
fn md5_of(etag: Option<&str>) -> Option<String> {
    let text = etag?.trim_matches('"');
    (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

/// Feeds two digests at once.
struct Both<'a>(&'a mut blake3::Hasher, &'a mut Md5);

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        self.1.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_etag_of_that_form_is_a_digest() {
        assert_eq!(
            md5_of(Some("\"D41D8CD98F00B204E9800998ECF8427E\"")).as_deref(),
            Some("d41d8cd98f00b204e9800998ecf8427e")
        );
        assert_eq!(md5_of(Some("\"d41d8cd98f00b204e9800998ecf8427e-3\"")), None);
        assert_eq!(md5_of(Some("W/\"1\"")), None);
        assert_eq!(md5_of(None), None);
    }
}
