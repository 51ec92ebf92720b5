//! The sources of a pipeline's data that lie in S3: brought to `input/<kind>` one after the other.

use std::time::{Duration, Instant};

use camino::Utf8Path;

use crate::load_error::LoadError;
use crate::manifest::{FileEntry, LoadedFrom};
use crate::mirror::RemoteMirror;
use crate::s3::{Fetched, Present, fetch};

/// How often what has arrived is written down, so that a kill does not cost all of it.
const CHECKPOINT: Duration = Duration::from_secs(5);

/// What was fetched.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// Objects and bytes that are to be looked at or fetched.
pub(crate) fn totals(mirrors: &[RemoteMirror]) -> (u64, u64) {
    let jobs = || mirrors.iter().flat_map(|mirror| &mirror.jobs);
    (jobs().count() as u64, jobs().map(|job| job.object.size).sum())
}

/// Bytes that need room on the disk.
pub(crate) fn needed(mirrors: &[RemoteMirror]) -> u64 {
    let jobs = mirrors.iter().flat_map(|mirror| &mirror.jobs);
    jobs.filter(|job| job.present == Present::Nothing).map(|job| job.object.size).sum()
}

/// Fetches what is missing. `progress` gets objects and bytes, `checkpoint` what is there by now.
///
/// The sources know what has arrived also when this fails.
pub(crate) fn bring(
    mirrors: &mut [RemoteMirror],
    input: &Utf8Path,
    cancelled: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(u64, u64),
    checkpoint: &mut dyn FnMut(&[&LoadedFrom]),
) -> Result<Arrived, LoadError> {
    let mut arrived = Arrived::default();
    let (mut files_before, mut bytes_before) = (0, 0);
    for at in 0..mirrors.len() {
        let (finished, rest) = mirrors.split_at_mut(at);
        let Some((mirror, later)) = rest.split_first_mut() else { break };
        let (files, bytes) = totals(std::slice::from_ref(mirror));
        let jobs = std::mem::take(&mut mirror.jobs);
        let mut told = Instant::now();
        let others: Vec<&LoadedFrom> =
            finished.iter().chain(later.iter()).map(|other| &other.loaded).collect();
        let loaded = &mut mirror.loaded;
        let mut keep = |fetched: Fetched| {
            let relative =
                jobs[fetched.job].to.strip_prefix(input).map(Utf8Path::to_owned).unwrap_or_default();
            if fetched.copied {
                arrived.files += 1;
                arrived.bytes += fetched.copy.size;
            }
            loaded.tags.insert(relative.clone(), fetched.tag);
            let entry = FileEntry { source: None, copy: fetched.copy, digest: fetched.digest };
            loaded.files.insert(relative.into_string(), entry);
            if told.elapsed() > CHECKPOINT {
                let all: Vec<&LoadedFrom> = others.iter().copied().chain([&*loaded]).collect();
                checkpoint(&all);
                told = Instant::now();
            }
        };
        let mut tell = |files, bytes| progress(files_before + files, bytes_before + bytes);
        fetch(&mirror.remote, &jobs, cancelled, &mut tell, &mut keep)?;
        if mirror.loaded.files.is_empty() {
            // There were only marks of folders.
            return Err(crate::s3::S3Error::Missing { url: mirror.remote.to_string() }.into());
        }
        files_before += files;
        bytes_before += bytes;
    }
    Ok(arrived)
}
