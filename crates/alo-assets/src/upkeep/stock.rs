//! Takes stock of the cache: which folders there are, and what each of them is.

use camino::{Utf8Path, Utf8PathBuf};

use super::entry::CacheEntry;
use super::leftover::Leftover;
use super::size::DiskUse;
use crate::cache::{CHECKOUTS, ENVIRONMENTS, MIRRORS, Place, TOOLS, TRASH, WIDE};

/// The tools that alo makes; what else lies beside them is not its own.
const OWN_TOOLS: [&str; 2] = ["uv-", "pip-"];

/// All that lies in the parts of the cache that can go.
#[derive(Debug, Default)]
pub(super) struct Stock {
    pub(super) entries: Vec<CacheEntry>,
    pub(super) leftovers: Vec<Leftover>,
}

impl Stock {
    /// Looks at the cache. Changes nothing, waits for no one, follows no link; an empty or absent cache is no error.
    pub(super) fn take(cache: &Utf8Path) -> Self {
        let (mut stock, mut disk) = (Self::default(), DiskUse::default());
        for (folder, name) in folders_in(cache, MIRRORS) {
            stock.add(cache, folder, mirror(&name), &mut disk);
        }
        for (parent, repository) in folders_in(cache, CHECKOUTS) {
            for (folder, commit) in folders_of(&parent) {
                let place = Place::Checkout { repository: repository.clone(), commit };
                stock.add(cache, folder, place, &mut disk);
            }
        }
        for (folder, name) in folders_in(cache, TOOLS) {
            if let Some(place) = tool(&name) {
                stock.add(cache, folder, place, &mut disk);
            }
        }
        for (folder, name) in folders_in(cache, ENVIRONMENTS) {
            // What a build has moved out of its way is guarded as the build is.
            let key = name.strip_suffix(".old").unwrap_or(&name).to_owned();
            stock.add(cache, folder, Place::Environment { key }, &mut disk);
        }
        stock
    }

    /// `place` is what the folder's name says: its own, or the one whose maker has made it on the way.
    fn add(&mut self, cache: &Utf8Path, folder: Utf8PathBuf, place: Place, disk: &mut DiskUse) {
        if folder.file_name().is_some_and(|name| name.starts_with(TRASH)) {
            let size = disk.of(&folder);
            return self.leftovers.push(Leftover { folder, size, place: None });
        }
        let is_its_own = place.folder(cache) == folder;
        if let Some(entry) = is_its_own.then(|| CacheEntry::read(cache, &place, disk)).flatten() {
            self.entries.push(entry);
        } else {
            let size = disk.of(&folder);
            self.leftovers.push(Leftover { folder, size, place: Some(place) });
        }
    }
}

/// The mirror that a folder is, or that it was made for: `<repository>`, `….sha256`, `….sha256.making`, `.fetching-…-<random>`.
fn mirror(name: &str) -> Place {
    let made_for = name.strip_prefix(".fetching-").and_then(|rest| rest.rsplit_once('-'));
    let name = made_for.map_or(name, |(repository, _)| repository);
    let name = name.strip_suffix(".making").unwrap_or(name);
    let repository = name.strip_suffix(WIDE).unwrap_or(name).to_owned();
    Place::Mirror { is_wide: name.ends_with(WIDE), repository }
}

/// The tool that a folder is, or that it was made for: `<tool>`, `.unpacking-<tool>-<random>`; none if it is not alo's.
fn tool(name: &str) -> Option<Place> {
    let made_for = name.strip_prefix(".unpacking-").and_then(|rest| rest.rsplit_once('-'));
    let tool = made_for.map_or(name, |(tool, _)| tool);
    let is_own = name.starts_with(TRASH) || OWN_TOOLS.iter().any(|own| tool.starts_with(own));
    is_own.then(|| Place::Tool { name: tool.to_owned() })
}

/// The folders of a part of the cache and their names, sorted; none if a link leads there.
fn folders_in(cache: &Utf8Path, part: &str) -> Vec<(Utf8PathBuf, String)> {
    let mut folder = cache.to_owned();
    for component in Utf8Path::new(part).components() {
        folder.push(component);
        if !fs_err::symlink_metadata(&folder).is_ok_and(|found| found.is_dir()) {
            return Vec::new();
        }
    }
    folders_of(&folder)
}

/// The folders in a folder and their names, sorted. A link is none.
fn folders_of(parent: &Utf8Path) -> Vec<(Utf8PathBuf, String)> {
    let Ok(entries) = parent.read_dir_utf8() else { return Vec::new() };
    let mut folders: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| (entry.path().to_owned(), entry.file_name().to_owned()))
        .collect();
    folders.sort();
    folders
}
