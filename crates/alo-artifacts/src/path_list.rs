//! Paths for later, in their order, however many.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use camino::Utf8Path;

use crate::record_list::RecordList;
use crate::storage_error::StorageError;

/// Paths in the order in which they were added.
pub(crate) struct PathList(RecordList);

impl PathList {
    /// A list that is kept in `folder` when it is long.
    pub(crate) fn new(folder: &Utf8Path) -> Self {
        Self(RecordList::new(folder))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, path: &Path) -> Result<(), StorageError> {
        self.0.push(path.as_os_str().as_bytes())
    }

    /// Does that with each path, the first one first; the list is empty then.
    pub(crate) fn take(
        &mut self,
        mut each: impl FnMut(&Path) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let mut taken = self.0.take();
        let mut paths = taken.records()?;
        while let Some(path) = paths.next()? {
            each(Path::new(OsStr::from_bytes(path)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_in_their_order_however_many() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(dir.path()).expect("UTF-8").join("not/yet");
        for count in [0, 3, 10_000] {
            let mut list = PathList::new(&folder);
            let odd = |number: usize| [number.to_string().as_bytes(), b"/\xb0\n"].concat();
            for number in 0..count {
                list.push(Path::new(OsStr::from_bytes(&odd(number)))).expect("added");
            }
            assert_eq!(list.is_empty(), count == 0);
            let mut taken = 0;
            list.take(|path| {
                assert_eq!(path.as_os_str().as_bytes(), odd(taken));
                taken += 1;
                Ok(())
            })
            .expect("read");
            assert_eq!((taken, list.is_empty()), (count, true));
        }
    }
}
