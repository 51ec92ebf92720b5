//! Uploads in parts that are under way, written down so that what a kill has left on the server can be taken back.
//!
//! S3 keeps the parts of an upload, unseen and paid for, until it is completed or aborted, and its library cannot list
//! them. So the id of each stands in a file of `.alo/uploads/` while it lasts, whose kernel lock its process holds.

use camino::{Utf8Path, Utf8PathBuf};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use super::error::{S3Error, S3Fault};
use super::remote::Remote;
use crate::digest::{self, Fields};
use crate::durable::{self, Lasting};
use crate::storage_error::StorageError;

/// The version that is written; another one is left alone.
const FORMAT: u32 = 1;

/// What is written of an upload.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    format: u32,
    endpoint: String,
    bucket: String,
    key: String,
    upload: String,
}

/// An upload under way. Dropped before it is over, it stays written down, and a later export takes it back.
#[derive(Debug)]
pub(super) struct PendingUpload {
    path: Utf8PathBuf,
    /// Open, as its lock ends with it.
    _file: std::fs::File,
}

impl PendingUpload {
    /// Writes an upload down in `folder`.
    pub(super) fn begin(
        folder: &Utf8Path,
        bucket: &Bucket,
        key: &str,
        upload: &str,
    ) -> Result<Self, StorageError> {
        let record = Record {
            format: FORMAT,
            endpoint: bucket.endpoint().to_owned(),
            bucket: bucket.name().to_owned(),
            key: key.to_owned(),
            upload: upload.to_owned(),
        };
        let mut name = Fields::<blake3::Hasher>::default();
        for part in [&record.endpoint, &record.bucket, &record.key, &record.upload] {
            name.add(part.as_bytes());
        }
        let path = folder.join(format!("{}.json", digest::short(&name.finish())));
        durable::create_dir_all(folder)?;
        let mut temp = durable::temp_beside(&path)?;
        // Without locks it is never taken for a leftover, and stays after a kill.
        temp.as_file().try_lock().ok();
        serde_json::to_writer(temp.as_file_mut(), &record)
            .map_err(|error| StorageError::new("write", &path, error.into()))?;
        let file = temp.as_file().try_clone().map_err(StorageError::of("write", &path))?;
        durable::persist(temp, &path, Lasting::PowerFailure)?;
        Ok(Self { path, _file: file })
    }

    /// Forgets an upload that was completed or aborted.
    pub(super) fn end(self) {
        // One that stays only costs a question to the server.
        durable::remove(&self.path).ok();
    }
}

/// What was done about the uploads that killed runs have left.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Aborted {
    /// The objects whose parts are gone.
    pub(crate) urls: Vec<String>,
    /// The objects whose parts are still there, and why.
    pub(crate) failed: Vec<(String, String)>,
}

/// Aborts the uploads to the bucket of `remote` that stand in `folder` and that no process is at.
pub(crate) fn abort_left(folder: &Utf8Path, remote: &Remote, cancelled: &dyn Fn() -> bool) -> Aborted {
    let bucket = remote.bucket.as_ref();
    let mut aborted = Aborted::default();
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.filter_map(|entry| Utf8PathBuf::try_from(entry.path()).ok());
    for path in paths.filter(|path| path.extension() == Some("json")) {
        let Some(record) = left(&path, bucket) else { continue };
        let url = bucket.url(&record.key);
        let work = async {
            let key = Path::parse(&record.key).map_err(|error| bucket.error(&record.key, &error.into()))?;
            let done = bucket.store.abort_multipart(&key, &record.upload).await;
            done.map_err(|error| bucket.error(&record.key, &error))
        };
        match bucket.drive(cancelled, &mut || {}, work) {
            Ok(()) => aborted.urls.push(url),
            // It was completed, or somebody else has aborted it.
            Err(error) if error.fault() == Some(&S3Fault::NoObject) => {}
            Err(S3Error::Stopped) => break,
            Err(error) => {
                let why = error.fault().map_or_else(|| error.to_string(), ToString::to_string);
                aborted.failed.push((url, why));
                continue;
            }
        }
        durable::remove(&path).ok();
    }
    aborted
}

/// What stands in a file about an upload to that bucket, if nobody has locked it.
fn left(path: &Utf8Path, bucket: &Bucket) -> Option<Record> {
    let file = fs_err::OpenOptions::new().read(true).write(true).open(path).ok()?;
    file.file().try_lock().ok()?;
    let record: Record = serde_json::from_reader(std::io::BufReader::new(file)).ok()?;
    let ours =
        record.format == FORMAT && record.endpoint == bucket.endpoint() && record.bucket == bucket.name();
    ours.then_some(record)
}
