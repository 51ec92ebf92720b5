//! Removes a folder of the cache so that nobody ever takes what is left of it for a whole one.
//!
//! It is renamed to a name that nothing looks for, then deleted: after a kill in between, the next prune goes on. What somebody
//! uses or makes is passed over; nobody waits.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::entry::CacheEntry;
use super::error::PruneError;
use super::leftover::Leftover;
use crate::cache::{NoUse, Place, TRASH};
use crate::key_lock::KeyLock;

/// What came of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    /// It has gone, or would.
    Gone,
    /// Somebody uses it, or is making it.
    InUse,
    /// Somebody has edited it.
    Edited,
}

/// What removes, or only tells what it would remove.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remover<'a> {
    pub(super) cache: &'a Utf8Path,
    pub(super) is_dry: bool,
}

impl Remover<'_> {
    /// Removes something whole.
    pub(super) fn entry(self, entry: &CacheEntry) -> Result<Removal, PruneError> {
        let Some(_alone) = self.alone(&entry.place, true)? else { return Ok(Removal::InUse) };
        // Only now nobody can begin to.
        if entry.is_edited() {
            return Ok(Removal::Edited);
        }
        self.folder(&entry.folder)
    }

    /// Removes what a killed process has left.
    pub(super) fn leftover(self, leftover: &Leftover) -> Result<Removal, PruneError> {
        let _alone = match &leftover.place {
            Some(place) => match self.alone(place, false)? {
                Some(alone) => alone,
                None => return Ok(Removal::InUse),
            },
            None if self.is_dry => return Ok(Removal::Gone),
            None => return delete(&leftover.folder).map(|()| Removal::Gone),
        };
        self.folder(&leftover.folder)
    }

    /// The locks that keep others from using and from making what is at that place; `None` while somebody does.
    ///
    /// What is not whole is used by nobody who comes: it is enough that nobody uses it now.
    fn alone(self, place: &Place, is_whole: bool) -> Result<Option<Alone>, PruneError> {
        let unused = if is_whole && !self.is_dry {
            NoUse::begin(self.cache, place)?.map(Some)
        } else {
            NoUse::is_so(self.cache, place)?.then_some(None)
        };
        let Some(unused) = unused else { return Ok(None) };
        let unmade = KeyLock::try_acquire(self.cache, &place.maker_lock())?;
        Ok(unmade.map(|unmade| Alone { _unused: unused, _unmade: unmade }))
    }

    fn folder(self, folder: &Utf8Path) -> Result<Removal, PruneError> {
        if self.is_dry {
            return Ok(Removal::Gone);
        }
        let trash = trash_name(folder);
        match fs_err::rename(folder, &trash) {
            Ok(()) => delete(&trash)?,
            // Another prune was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(PruneError::Remove { folder: folder.to_owned(), source }),
        }
        Ok(Removal::Gone)
    }
}

/// What a removal holds.
struct Alone {
    _unused: Option<NoUse>,
    _unmade: KeyLock,
}

fn trash_name(folder: &Utf8Path) -> Utf8PathBuf {
    let name = folder.file_name().unwrap_or_default();
    folder.with_file_name(format!("{TRASH}{name}-{}", std::process::id()))
}

fn delete(folder: &Utf8Path) -> Result<(), PruneError> {
    match fs_err::remove_dir_all(folder) {
        // Another prune deletes it, too.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(|source| PruneError::Remove { folder: folder.to_owned(), source }),
    }
}
