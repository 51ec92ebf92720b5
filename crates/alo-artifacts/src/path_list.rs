//! Paths for later: in memory while they are few, in a temporary file when there are many.

use std::ffi::OsStr;
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::SpooledTempFile;

use crate::durable;
use crate::storage_error::StorageError;

/// So many bytes of paths are held in memory.
const HELD: usize = 64 << 10;

/// Paths in the order in which they were added.
pub(crate) struct PathList {
    /// Where the temporary file is made; it has no name there.
    folder: Utf8PathBuf,
    file: Option<SpooledTempFile>,
}

impl PathList {
    pub(crate) fn new(folder: &Utf8Path) -> Self {
        Self { folder: folder.to_owned(), file: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.file.is_none()
    }

    pub(crate) fn push(&mut self, path: &Path) -> Result<(), StorageError> {
        let file = if let Some(file) = &mut self.file {
            file
        } else {
            durable::create_dir_all(&self.folder)?;
            self.file.insert(SpooledTempFile::new_in(HELD, self.folder.as_std_path()))
        };
        let bytes = path.as_os_str().as_bytes();
        let written =
            file.write_all(&(bytes.len() as u64).to_le_bytes()).and_then(|()| file.write_all(bytes));
        written.map_err(StorageError::of("write in", &self.folder))
    }

    /// Does that with each path, the first one first; the list is empty then.
    pub(crate) fn take(
        &mut self,
        mut each: impl FnMut(&Path) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let failed = |error| StorageError::new("read in", &self.folder, error);
        let end = file.stream_position().map_err(failed)?;
        file.rewind().map_err(failed)?;
        let mut file = std::io::BufReader::new(file);
        let (mut at, mut path) = (0, Vec::new());
        while at < end {
            let mut length = [0; 8];
            file.read_exact(&mut length).map_err(failed)?;
            let length = u64::from_le_bytes(length);
            path.clear();
            let read = file.by_ref().take(length).read_to_end(&mut path).map_err(failed)?;
            at += 8 + read as u64;
            each(Path::new(OsStr::from_bytes(&path)))?;
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
