//! Source and copy walked through at once.

use std::cmp::Ordering;

use camino::Utf8Path;

use super::room::Room;
use super::side::Side;
use crate::stamp::Stamp;
use crate::storage_error::StorageError;
use crate::tree_error::TreeError;
use crate::walk::Entry;
use crate::walk::TreeFile;

/// What is done with a file of the source, and the stamp of its copy if there is one.
type OnFile<'a> = dyn FnMut(&TreeFile, Option<Stamp>) -> Result<(), StorageError> + 'a;

/// Goes through a source and its copy in the order of the paths. `room` gets what is only in the copy and the folders that
/// are only in the source, `file` every file of the source.
pub(super) fn walk(
    wanted: &mut Side<'_>,
    present: &mut Side<'_>,
    room: &mut Room,
    file: &mut OnFile<'_>,
) -> Result<(), TreeError> {
    loop {
        if let Some(Entry::Other(other)) = present.current() {
            room.remove(&other.relative)?;
            present.advance()?;
            continue;
        }
        let order = match (wanted.current(), present.current()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(wanted), Some(present)) => wanted.place(present),
        };
        if order == Ordering::Greater {
            gone(present, room)?;
            continue;
        }
        let copy = present.current().filter(|_| order == Ordering::Equal);
        match (wanted.current(), copy) {
            (Some(Entry::File(source)), Some(Entry::File(copy))) => file(source, Some(copy.stamp))?,
            (Some(Entry::File(source)), _) => file(source, None)?,
            (Some(Entry::Folder(folder)), None) => room.create(folder)?,
            _ => {}
        }
        if order == Ordering::Equal {
            present.advance()?;
        }
        wanted.advance()?;
    }
}

/// What is only in the copy is to be removed; of a folder all that is in it goes with it.
fn gone(present: &mut Side<'_>, room: &mut Room) -> Result<(), TreeError> {
    let path = present.current().and_then(Entry::path).map(Utf8Path::to_owned).unwrap_or_default();
    room.remove(path.as_std_path())?;
    present.advance()?;
    while present.current().and_then(Entry::path).is_some_and(|inner| inner.starts_with(&path)) {
        present.advance()?;
    }
    Ok(())
}
