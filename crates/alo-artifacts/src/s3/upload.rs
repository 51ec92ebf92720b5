//! A file out, as one object that appears whole or not at all.
//!
//! The server is sent the SHA-256 digest of each part with its signature and refuses what arrives otherwise; at the end
//! the size of the object is compared.

use std::os::unix::fs::FileExt;
use std::pin::pin;

use camino::Utf8Path;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{GetOptions, MultipartId, ObjectStore, ObjectStoreExt, PutPayload};

use super::error::S3Error;
use super::pending_upload::PendingUpload;
use super::remote::Remote;
use crate::storage_error::StorageError;

/// Files up to this size go in one request, larger ones in parts of it: memory is bounded by it and by the number in flight.
const PART: u64 = 8 << 20;
const PARTS_IN_FLIGHT: usize = 4;
/// S3 takes 10,000 parts…
const MAX_PARTS: u64 = 10_000;
/// …and 5 TiB in all.
const MAX_SIZE: u64 = 5 << 40;
const TRIES: u32 = 4;

/// Uploads a file to the key, replacing an object of that name; gives its size.
///
/// What was sent of a file that fails, or is stopped, is taken back; for the case of a kill, uploads in parts are written
/// down in the folder `pending`.
pub(crate) fn upload(
    remote: &Remote,
    from: &Utf8Path,
    pending: &Utf8Path,
    cancelled: &dyn Fn() -> bool,
) -> Result<u64, S3Error> {
    let file = fs_err::File::open(from).map_err(StorageError::of("read", from))?;
    let size = file.metadata().map_err(StorageError::of("read", from))?.len();
    if size > MAX_SIZE {
        return Err(S3Error::TooBig { path: from.to_owned() });
    }
    let path = Path::parse(&remote.key).map_err(|error| remote.bucket.error(&remote.key, &error.into()))?;
    let outgoing = Outgoing { remote, path, file, from, size, pending };
    let mut tries = 1;
    loop {
        let result = if size <= PART { outgoing.at_once(cancelled) } else { outgoing.in_parts(cancelled) };
        match result {
            Err(error) if error.is_transient() && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
            Ok(()) => return Ok(size),
        }
    }
}

/// A file on its way out.
struct Outgoing<'a> {
    remote: &'a Remote,
    path: Path,
    file: fs_err::File,
    from: &'a Utf8Path,
    size: u64,
    /// Where uploads in parts are written down.
    pending: &'a Utf8Path,
}

impl Outgoing<'_> {
    fn at_once(&self, cancelled: &dyn Fn() -> bool) -> Result<(), S3Error> {
        let bucket = &self.remote.bucket;
        let content = self.read(0, self.size)?;
        bucket.drive(cancelled, &mut || {}, async {
            bucket
                .store
                .put(&self.path, PutPayload::from(content))
                .await
                .map_err(|error| self.error(&error))?;
            self.verify().await
        })
    }

    fn in_parts(&self, cancelled: &dyn Fn() -> bool) -> Result<(), S3Error> {
        let bucket = &self.remote.bucket;
        let id = self.begin(cancelled)?;
        // Without it the upload is as good, only that its parts would stay after a kill.
        let pending = PendingUpload::begin(self.pending, bucket, &self.remote.key, &id).ok();
        let result = bucket.drive(cancelled, &mut || {}, async {
            let parts = self.parts(&id).await?;
            let whole = bucket.store.complete_multipart(&self.path, &id, parts).await;
            whole.map_err(|error| self.error(&error))?;
            self.verify().await
        });
        let is_over = result.is_ok() || bucket.clean_up(self.abort(&id)) == Some(true);
        if let Some(pending) = pending.filter(|_| is_over) {
            pending.end();
        }
        result
    }

    /// Begins an upload in parts. One that the server begins while the user wants to stop is aborted.
    fn begin(&self, cancelled: &dyn Fn() -> bool) -> Result<MultipartId, S3Error> {
        let bucket = &self.remote.bucket;
        let mut begun = pin!(async {
            bucket.store.create_multipart(&self.path).await.map_err(|error| self.error(&error))
        });
        let result = bucket.drive(cancelled, &mut || {}, begun.as_mut());
        if matches!(result, Err(S3Error::Stopped)) {
            bucket.clean_up(async {
                if let Ok(id) = begun.await {
                    self.abort(&id).await;
                }
            });
        }
        result
    }

    /// Takes back what was sent. Whether nothing of it is left, as far as the server says.
    async fn abort(&self, id: &MultipartId) -> bool {
        self.remote.bucket.store.abort_multipart(&self.path, id).await.is_ok()
    }

    async fn parts(&self, id: &MultipartId) -> Result<Vec<PartId>, S3Error> {
        // Whole MiB, so that parts of very large files stay aligned.
        let part = PART.max(self.size.div_ceil(MAX_PARTS).next_multiple_of(1 << 20));
        let starts = (0..self.size).step_by(usize::try_from(part).unwrap_or(usize::MAX)).enumerate();
        let parts = starts.map(|(index, start)| self.part(id, index, start, part.min(self.size - start)));
        stream::iter(parts).buffered(PARTS_IN_FLIGHT).try_collect().await
    }

    async fn part(&self, id: &MultipartId, index: usize, start: u64, length: u64) -> Result<PartId, S3Error> {
        let payload = PutPayload::from(self.read(start, length)?);
        let mut tries = 1;
        loop {
            let sent = self.remote.bucket.store.put_part(&self.path, id, index, payload.clone()).await;
            match sent.map_err(|error| self.error(&error)) {
                Err(error) if error.is_transient() && tries < TRIES => tries += 1,
                sent => return sent,
            }
        }
    }

    /// Compares the size of the object that is there now.
    async fn verify(&self) -> Result<(), S3Error> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let there = self.remote.bucket.store.get_opts(&self.path, options).await;
        match there.map_err(|error| self.error(&error)) {
            Ok(there) if there.meta.size == self.size => Ok(()),
            Ok(_) => Err(S3Error::Damaged { url: self.remote.to_string() }),
            // Who may write but not read cannot be asked; the server has checked every part.
            Err(S3Error::Request { fault: super::error::S3Fault::Denied, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn read(&self, start: u64, length: u64) -> Result<Vec<u8>, S3Error> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let read = self.file.file().read_exact_at(&mut bytes, start);
        read.map_err(StorageError::of("read", self.from))?;
        Ok(bytes)
    }

    fn error(&self, error: &object_store::Error) -> S3Error {
        self.remote.bucket.error(&self.remote.key, error)
    }
}
