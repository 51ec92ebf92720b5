//! External data in: every source mirrored below `input/<kind>`, copying only what has changed.

use std::thread;

use alo_plan::{Fetch, PipelineKind};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::digest::{self, Fields};
use crate::durable;
use crate::fingerprint::NO_DATA_ID;
use crate::input_folder::{own_folder, refuse_overlap, sweep};
use crate::layout::ProjectLayout;
use crate::load_error::LoadError;
use crate::manifest::{LoadedFrom, Manifest, boot_id};
use crate::mirror::{LocalMirror, RemoteMirror, Sides};
use crate::remote_data;
use crate::source::DataSource;
use crate::storage_error::StorageError;
use crate::transfer::{Job, Work, transfer};

/// How far loading is. Bytes are bytes read, and may exceed the total when a file is read twice to compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LoadProgress {
    /// Files compared or copied so far.
    pub files: u64,
    /// Files that have to be compared or copied.
    pub files_total: u64,
    /// Bytes read so far.
    pub bytes: u64,
    /// Bytes of those files.
    pub bytes_total: u64,
}

/// The data a pipeline runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedData {
    /// 12 hexadecimal digits that stand for names, relative paths and contents of all sources; zeros when the plan
    /// names no data.
    pub data_id: String,
    /// The sources in the order of the plan.
    pub sources: Vec<LoadedSource>,
    /// Files of all sources.
    pub files: u64,
    /// Bytes of all sources.
    pub bytes: u64,
    /// Files that had to be copied.
    pub copied_files: u64,
    /// Bytes that had to be copied.
    pub copied_bytes: u64,
    /// Where things were moved that lay in `input/<kind>` and that no plan had put there.
    pub set_aside: Vec<Utf8PathBuf>,
}

/// One source of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedSource {
    /// As written in the plan.
    pub source: String,
    /// The folder or file in `input/<kind>`.
    pub folder: Utf8PathBuf,
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// BLAKE3 of relative paths and contents.
    pub digest: String,
}

/// Tells what is loaded already, if it came from exactly these sources: the answer for `get_external_data: once`.
///
/// The sources themselves are not looked at. `None` means they have to be checked and loaded.
pub fn loaded_once(layout: &ProjectLayout, kind: PipelineKind, sources: &[String]) -> Option<LoadedData> {
    let manifest = Manifest::read(layout, kind)?;
    let same = manifest.sources.iter().map(|source| &source.text).eq(sources);
    let input = layout.input(kind);
    let there = manifest.sources.iter().all(|source| input.join(&source.name).exists());
    (!sources.is_empty() && same && there && !manifest.partial && manifest.is_trusted())
        .then(|| describe(layout, kind, &manifest.sources, Vec::new()))
}

/// Makes `input/<kind>` hold exactly these sources, copying what is new or has changed.
///
/// Each folder becomes `input/<kind>/<its last part>/`, each file `input/<kind>/<its name>`. A file whose size,
/// times and inode are as they were at the last run is not read again. What vanished at the source vanishes here;
/// folders of sources that the plan no longer names are removed, and what nobody loaded is moved to
/// `input/.set-aside/<kind>/`. An object in S3 counts as unchanged by its `ETag`. Without sources nothing is touched.
pub fn load_data(
    layout: &ProjectLayout,
    kind: PipelineKind,
    sources: &[DataSource],
    policy: Fetch,
    cancelled: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(LoadProgress),
) -> Result<LoadedData, LoadError> {
    if sources.is_empty() {
        return Ok(describe(layout, kind, &[], Vec::new()));
    }
    if policy == Fetch::Once {
        let texts: Vec<_> = sources.iter().map(|source| source.text.clone()).collect();
        if let Some(loaded) = loaded_once(layout, kind, &texts) {
            return Ok(loaded);
        }
    }
    let input = own_folder(layout, kind)?;
    for source in sources {
        refuse_overlap(source, &input)?;
    }
    let (mut known, sides) = look(layout, kind, sources, &input, cancelled)?;
    let mut mirrors = Vec::new();
    let mut remotes = Vec::new();
    for (source, sides) in sources.iter().zip(sides) {
        match (&source.remote, sides) {
            (None, Some(sides)) => mirrors.push(LocalMirror::compare(source, sides, known.as_ref())),
            (Some(remote), _) => {
                remotes.push(RemoteMirror::compare(source, remote, &input, known.as_ref(), cancelled)?);
            }
            (None, None) => {}
        }
    }
    let is_as_known = remotes.is_empty() && mirrors.iter().all(|mirror| mirror.is_as_known);
    if let Some(known) = known.take_if(|known| is_as_known && known.is_all_of(sources, policy)) {
        let set_aside = sweep(layout, kind, sources, Some(&known))?;
        progress(LoadProgress { files: 0, files_total: 0, bytes: 0, bytes_total: 0 });
        return Ok(describe(layout, kind, &known.sources, set_aside));
    }
    refuse_without_space(&mirrors, &remotes, &input)?;
    if let Some(known) = &mut known
        && (mirrors.iter().any(LocalMirror::changes) || remotes.iter().any(RemoteMirror::changes))
    {
        // Should this be cut short, `once` must not take what is there for the whole.
        known.partial = true;
        known.write(layout, kind)?;
    }
    let set_aside = sweep(layout, kind, sources, known.as_ref())?;
    for mirror in &mirrors {
        mirror.prepare()?;
    }
    for remote in &remotes {
        remote.prepare()?;
    }
    let mut jobs: Vec<Job> = mirrors.iter_mut().flat_map(|mirror| std::mem::take(&mut mirror.jobs)).collect();
    let local_bytes: u64 = jobs.iter().map(|job| job.source.size).sum();
    let (remote_files, remote_bytes) = remote_data::totals(&remotes);
    let (files_total, bytes_total) = (jobs.len() as u64 + remote_files, local_bytes + remote_bytes);
    let mut tell = |files, bytes| progress(LoadProgress { files, files_total, bytes, bytes_total });
    let done = transfer(&jobs, cancelled, &mut tell)?;
    for mirror in &mirrors {
        mirror.finish()?;
    }
    let mut loaded: Vec<LoadedFrom> =
        mirrors.into_iter().map(|mirror| mirror.into_loaded(known.as_ref())).collect();
    let (mut copied_files, mut copied_bytes) = (0, 0);
    for done in done {
        if done.copied {
            copied_files += 1;
            copied_bytes += done.entry.copy.size;
        }
        let key = std::mem::take(&mut jobs[done.job].key);
        if let Some(of) = loaded.iter_mut().find(|of| Utf8Path::new(&key).starts_with(&of.name)) {
            of.files.insert(key, done.entry);
        }
    }
    if !remotes.is_empty() {
        let local_files = jobs.len() as u64;
        let mut tell = |files, bytes| tell(local_files + files, local_bytes + bytes);
        let mut checkpoint = |remote: &[&LoadedFrom]| {
            let all = loaded.iter().chain(remote.iter().copied()).cloned().collect();
            // Only a later run would gain by it, so this one goes on if it fails.
            Manifest::partial(all).write(layout, kind).ok();
        };
        let arrived = remote_data::bring(&mut remotes, &input, cancelled, &mut tell, &mut checkpoint);
        if arrived.is_err() {
            checkpoint(&remotes.iter().map(|remote| &remote.loaded).collect::<Vec<_>>());
        }
        let arrived = arrived?;
        copied_files += arrived.files;
        copied_bytes += arrived.bytes;
        loaded.extend(remotes.into_iter().map(|remote| remote.loaded));
        loaded.sort_by_key(|loaded| sources.iter().position(|source| source.name == loaded.name));
    }
    let described = describe(layout, kind, &loaded, set_aside);
    remember(layout, kind, policy, copied_files, loaded, known.as_ref())?;
    Ok(LoadedData { copied_files, copied_bytes, ..described })
}

/// Lists the sources that are folders or files, and their copies, while the manifest is read.
fn look(
    layout: &ProjectLayout,
    kind: PipelineKind,
    sources: &[DataSource],
    input: &Utf8Path,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Option<Manifest>, Vec<Option<Sides>>), LoadError> {
    thread::scope(|scope| {
        let known = scope.spawn(|| Manifest::read(layout, kind));
        let mut sides = Vec::with_capacity(sources.len());
        for source in sources {
            if cancelled() {
                return Err(LoadError::Cancelled);
            }
            sides.push(match source.remote {
                None => Some(Sides::list(source, input)?),
                Some(_) => None,
            });
        }
        let known = known.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((known, sides))
    })
}

/// Writes the manifest, if it has changed. Data that is loaded once is flushed: nobody will look at it again.
fn remember(
    layout: &ProjectLayout,
    kind: PipelineKind,
    policy: Fetch,
    copied: u64,
    loaded: Vec<LoadedFrom>,
    known: Option<&Manifest>,
) -> Result<(), StorageError> {
    let mut boot = if copied > 0 {
        Some(boot_id())
    } else {
        // All copies of an earlier boot have just been verified: they are on the disk.
        known.filter(|known| known.is_trusted()).and_then(|known| known.boot.clone())
    };
    if policy == Fetch::Once && boot.is_some() {
        durable::sync_all_of(&layout.input(kind))?;
        boot = None;
    }
    let manifest = Manifest::new(boot, loaded);
    if known == Some(&manifest) { Ok(()) } else { manifest.write(layout, kind) }
}

fn describe(
    layout: &ProjectLayout,
    kind: PipelineKind,
    loaded: &[LoadedFrom],
    set_aside: Vec<Utf8PathBuf>,
) -> LoadedData {
    let input = layout.input(kind);
    let sources: Vec<LoadedSource> = loaded
        .iter()
        .map(|source| LoadedSource {
            source: source.text.clone(),
            folder: input.join(&source.name),
            files: source.files.len() as u64,
            bytes: source.bytes(),
            digest: source.digest(),
        })
        .collect();
    LoadedData {
        data_id: data_id(&sources),
        files: sources.iter().map(|source| source.files).sum(),
        bytes: sources.iter().map(|source| source.bytes).sum(),
        copied_files: 0,
        copied_bytes: 0,
        set_aside,
        sources,
    }
}

/// The id of the data: the order of the sources in the plan does not count.
fn data_id(sources: &[LoadedSource]) -> String {
    if sources.is_empty() {
        return NO_DATA_ID.to_owned();
    }
    let mut digests: Vec<&str> = sources.iter().map(|source| source.digest.as_str()).collect();
    digests.sort_unstable();
    let mut fields = Fields::<blake3::Hasher>::default();
    for digest in digests {
        fields.add(digest.as_bytes());
    }
    digest::short(&fields.finish())
}

fn refuse_without_space(
    mirrors: &[LocalMirror],
    remotes: &[RemoteMirror],
    input: &Utf8Path,
) -> Result<(), LoadError> {
    let copies = mirrors
        .iter()
        .flat_map(|mirror| &mirror.jobs)
        .filter(|job| matches!(job.work, Work::Create | Work::Replace));
    let needed = copies.map(|job| job.source.size).sum::<u64>() + remote_data::needed(remotes);
    if needed == 0 {
        return Ok(());
    }
    let free = durable::free_space(input)?;
    if needed > free {
        return Err(LoadError::NoSpace { path: input.to_owned(), needed, free });
    }
    Ok(())
}
