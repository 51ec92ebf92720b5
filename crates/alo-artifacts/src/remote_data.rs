//! A source of a pipeline's data that lies in S3: brought to `input/<kind>`, object by object.

use crate::load_error::LoadError;
use crate::manifest::{FileEntry, Filling, Row, Source};
use crate::mirror::RemoteMirror;
use crate::s3::{Fetched, S3Error, fetch};
use crate::transfer::Arrived;

/// Fetches what is missing, and writes down what has arrived. `progress` gets objects and bytes.
pub(crate) fn bring(
    mirror: &mut RemoteMirror,
    manifest: &Filling,
    cancelled: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Arrived, LoadError> {
    let (mut arrived, mut has_files, mut written) = (Arrived::default(), mirror.has_files, Ok(()));
    let mut keep = |fetched: Fetched| {
        has_files = true;
        if fetched.copied {
            arrived.files += 1;
            arrived.bytes += fetched.copy.size;
        }
        let source = Source::object(&fetched.object.tag());
        let row = Row::done(FileEntry { source, copy: fetched.copy, digest: fetched.digest });
        if written.is_ok() {
            written = manifest.fill(fetched.row, fetched.object.relative.as_str(), &row);
        }
    };
    fetch(&mirror.remote, mirror.jobs.values()?, cancelled, progress, &mut keep)?;
    written?;
    if !has_files {
        // There were only marks of folders.
        return Err(S3Error::Missing { url: mirror.remote.to_string() }.into());
    }
    Ok(arrived)
}
