//! A source of a pipeline's data that lies in S3: brought to `input/<kind>`, object by object.

use crate::load_error::LoadError;
use crate::manifest::{FileEntry, Filling, Row, Source};
use crate::mirror::RemoteMirror;
use crate::s3::{Fetched, Present, S3Error, fetch};
use crate::transfer::Arrived;

/// Objects and bytes that are to be looked at or fetched.
pub(crate) fn totals(mirror: &RemoteMirror) -> (u64, u64) {
    (mirror.jobs.len() as u64, mirror.jobs.iter().map(|job| job.object.size).sum())
}

/// Bytes that need room on the disk.
pub(crate) fn needed(mirror: &RemoteMirror) -> u64 {
    let missing = mirror.jobs.iter().filter(|job| job.present == Present::Nothing);
    missing.map(|job| job.object.size).sum()
}

/// Fetches what is missing, and writes down what has arrived. `progress` gets objects and bytes.
pub(crate) fn bring(
    mirror: &RemoteMirror,
    manifest: &Filling,
    cancelled: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Arrived, LoadError> {
    let (mut arrived, mut has_files, mut written) = (Arrived::default(), mirror.has_files, Ok(()));
    let mut keep = |fetched: Fetched| {
        let (Some(job), Some(at)) = (mirror.jobs.get(fetched.job), mirror.rows_of_jobs.get(fetched.job))
        else {
            return;
        };
        has_files = true;
        if fetched.copied {
            arrived.files += 1;
            arrived.bytes += fetched.copy.size;
        }
        let source = Source::object(&fetched.tag);
        let row = Row::done(FileEntry { source, copy: fetched.copy, digest: fetched.digest });
        if written.is_ok() {
            written = manifest.fill(*at, job.object.relative.as_str(), &row);
        }
    };
    fetch(&mirror.remote, &mirror.jobs, cancelled, progress, &mut keep)?;
    written?;
    if !has_files {
        // There were only marks of folders.
        return Err(S3Error::Missing { url: mirror.remote.to_string() }.into());
    }
    Ok(arrived)
}
