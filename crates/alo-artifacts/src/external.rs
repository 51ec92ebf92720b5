//! External data in: every source mirrored below `input/<kind>`, copying only what has changed.

use alo_plan::{Fetch, PipelineKind};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::batches::Batches;
use crate::digest::{self, Fields};
use crate::durable;
use crate::fingerprint::NO_DATA_ID;
use crate::input_folder::{own_folder, refuse_overlap, sweep};
use crate::layout::ProjectLayout;
use crate::load_error::LoadError;
use crate::manifest::{Contents, Draft, Filling, LoadedFrom, Manifest, boot_id};
use crate::mirror::{LocalMirror, RemoteMirror};
use crate::remote_data;
use crate::source::DataSource;
use crate::transfer::{Arrived, Place, Transfer};

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
    let manifest = Manifest::open(layout, kind)?;
    let known = &manifest.contents.sources;
    let same = known.iter().map(|source| &source.text).eq(sources);
    let input = layout.input(kind);
    let there = known.iter().all(|source| input.join(&source.name).exists());
    (!sources.is_empty() && same && there && !manifest.contents.partial && manifest.is_trusted())
        .then(|| describe(layout, kind, known, Vec::new()))
}

/// Makes `input/<kind>` hold exactly these sources, copying what is new or has changed.
///
/// Each folder becomes `input/<kind>/<its last part>/`, each file `input/<kind>/<its name>`. A file whose size,
/// times and inode are as they were at the last run is not read again. What vanished at the source vanishes here;
/// folders of sources that the plan no longer names are removed, and what nobody loaded is moved to
/// `input/.set-aside/<kind>/`. An object in S3 counts as unchanged by its `ETag`. Without sources nothing is touched.
///
/// Memory does not grow with the number of local files.
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
    let known = Manifest::open(layout, kind);
    let compared = Compared::new(sources, &input, known.as_ref(), Draft::new(layout, kind), cancelled)?;
    if let Some(known) = &known
        && compared.is_as_known()
        && known.is_all_of(sources, policy)
    {
        let set_aside = sweep(layout, kind, sources, Some(known))?;
        progress(LoadProgress { files: 0, files_total: 0, bytes: 0, bytes_total: 0 });
        return Ok(describe(layout, kind, &known.contents.sources, set_aside));
    }
    compared.refuse_without_space(&input)?;
    let set_aside = sweep(layout, kind, sources, known.as_ref())?;
    let (manifest, mut loaded, arrived) = compared.bring(sources, known.as_ref(), cancelled, progress)?;
    for source in &mut loaded {
        source.count(manifest.file());
    }
    let mut boot = match &known {
        Some(known) if arrived.files == 0 && known.is_trusted() => known.contents.boot.clone(),
        // All copies of an earlier boot have just been verified: they are on the disk.
        Some(_) if arrived.files == 0 => None,
        _ => Some(boot_id()),
    };
    if policy == Fetch::Once && boot.is_some() {
        // Nobody will look at it again.
        durable::sync_all_of(&input)?;
        boot = None;
    }
    let described = describe(layout, kind, &loaded, set_aside);
    manifest.complete(&Contents::new(boot, loaded))?;
    Ok(LoadedData { copied_files: arrived.files, copied_bytes: arrived.bytes, ..described })
}

/// All sources beside their copies.
struct Compared<'a> {
    local: Vec<(&'a DataSource, LocalMirror)>,
    /// Where the files of the local ones are copied from and to.
    places: Vec<Place>,
    /// Those of the files that need something.
    batches: Batches,
    remote: Vec<(&'a DataSource, RemoteMirror)>,
    draft: Draft,
}

impl<'a> Compared<'a> {
    fn new(
        sources: &'a [DataSource],
        input: &Utf8Path,
        known: Option<&Manifest>,
        draft: Draft,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, LoadError> {
        let (local, places, remote) = (Vec::new(), Vec::new(), Vec::new());
        let mut all = Self { local, places, batches: Batches::default(), remote, draft };
        for source in sources {
            if cancelled() {
                return Err(LoadError::Cancelled);
            }
            let draft = &mut all.draft;
            if let Some(remote) = &source.remote {
                let mirror = RemoteMirror::compare(source, remote, input, known, draft, cancelled)?;
                all.remote.push((source, mirror));
            } else {
                let (index, batches) = (all.places.len(), &mut all.batches);
                let (mirror, place) = LocalMirror::compare(source, index, input, known, draft, batches)?;
                all.local.push((source, mirror));
                all.places.push(place);
            }
        }
        Ok(all)
    }

    /// Whether nothing is to be done.
    fn is_as_known(&self) -> bool {
        self.local.iter().all(|(_, mirror)| mirror.is_as_known)
            && self.remote.iter().all(|(_, mirror)| mirror.is_as_known)
    }

    fn refuse_without_space(&self, input: &Utf8Path) -> Result<(), LoadError> {
        let local = self.local.iter().map(|(_, mirror)| mirror.needed).sum::<u64>();
        let needed = local + self.remote.iter().map(|(_, mirror)| mirror.needed).sum::<u64>();
        if needed == 0 {
            return Ok(());
        }
        let free = durable::free_space(input)?;
        if needed > free {
            return Err(LoadError::NoSpace { path: input.to_owned(), needed, free });
        }
        Ok(())
    }

    /// Makes the copies what the sources are. Gives the manifest, where the rows of each source stand in it, and what
    /// was copied.
    ///
    /// The manifest is in its place before anything is touched, so that `once` never takes a part for the whole, and is
    /// filled in file by file, so that nothing that has arrived is brought again when this is cut short.
    fn bring(
        mut self,
        sources: &[DataSource],
        known: Option<&Manifest>,
        cancelled: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<(Filling, Vec<LoadedFrom>, Arrived), LoadError> {
        let mut loaded = Vec::with_capacity(sources.len());
        for (source, mirror) in &self.local {
            loaded.push(mirror.rows(source, known, &mut self.draft)?);
        }
        for (source, mirror) in &self.remote {
            loaded.push(mirror.rows(source, known, &mut self.draft)?);
        }
        loaded.sort_by_key(|loaded| sources.iter().position(|source| source.name == loaded.name));
        let manifest = self.draft.take_place(loaded.clone())?;
        for (_, mirror) in &mut self.local {
            mirror.prepare()?;
        }
        for (_, mirror) in &mut self.remote {
            mirror.prepare()?;
        }
        let (local_files, local_bytes) = (self.batches.files, self.batches.bytes);
        let files_total = local_files + self.remote.iter().map(|(_, mirror)| mirror.objects).sum::<u64>();
        let bytes_total = local_bytes + self.remote.iter().map(|(_, mirror)| mirror.bytes).sum::<u64>();
        let mut tell = |files, bytes| progress(LoadProgress { files, files_total, bytes, bytes_total });
        let transfer = Transfer { places: &self.places, batches: &self.batches, manifest: &manifest };
        let mut arrived = transfer.run(cancelled, &mut tell)?;
        for (_, mirror) in &self.local {
            mirror.finish()?;
        }
        let (mut files_before, mut bytes_before) = (local_files, local_bytes);
        for (_, mirror) in &mut self.remote {
            let mut tell = |files, bytes| tell(files_before + files, bytes_before + bytes);
            let fetched = remote_data::bring(mirror, &manifest, cancelled, &mut tell)?;
            arrived.files += fetched.files;
            arrived.bytes += fetched.bytes;
            files_before += mirror.objects;
            bytes_before += mirror.bytes;
        }
        Ok((manifest, loaded, arrived))
    }
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
            files: source.files,
            bytes: source.bytes,
            digest: source.digest.clone(),
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
