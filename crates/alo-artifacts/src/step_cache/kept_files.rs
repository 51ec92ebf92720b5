//! The list of the files that a step left in the artifacts: one line of JSON each, so that nobody holds all of them.

use std::io::{self, BufRead, BufReader, BufWriter, Write};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::content::Content;
use crate::digest::Hasher;
use crate::storage_error::StorageError;

/// The list's file in the folder of the entry.
pub(super) const FILES: &str = "files";

/// A file of the artifacts; its content lies in the entry under the name of its digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptFile {
    pub(super) path: Utf8PathBuf,
    /// Its permissions.
    pub(super) mode: u32,
    pub(super) content: Content,
}

/// The list of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptFiles {
    /// What the list's file holds.
    pub(super) list: Content,
    /// Bytes of the files that it names.
    pub(super) bytes: u64,
}

/// A list that is being written.
pub(super) struct FilesWriter {
    path: Utf8PathBuf,
    out: BufWriter<fs_err::File>,
    hasher: blake3::Hasher,
    length: u64,
    bytes: u64,
}

impl FilesWriter {
    /// Begins the list of an entry. A kill leaves it half written, in a folder that is no entry yet.
    pub(super) fn create(folder: &Utf8Path) -> Result<Self, StorageError> {
        let path = folder.join(FILES);
        let out = fs_err::File::create(&path).map_err(StorageError::of("write", &path))?;
        let hasher = blake3::Hasher::default();
        Ok(Self { path, out: BufWriter::new(out), hasher, length: 0, bytes: 0 })
    }

    pub(super) fn push(&mut self, file: &KeptFile) -> Result<(), StorageError> {
        let writing = |error: io::Error| StorageError::new("write", &self.path, error);
        let mut line = serde_json::to_vec(file).map_err(|error| writing(error.into()))?;
        line.push(b'\n');
        self.out.write_all(&line).map_err(writing)?;
        Hasher::add(&mut self.hasher, &line);
        self.length += line.len() as u64;
        self.bytes += file.content.bytes;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<KeptFiles, StorageError> {
        self.out.flush().map_err(StorageError::of("write", &self.path))?;
        let list = Content { bytes: self.length, digest: Hasher::finish(self.hasher) };
        Ok(KeptFiles { list, bytes: self.bytes })
    }
}

/// Reads a list, one file after the other.
pub(super) fn read(
    path: &Utf8Path,
) -> Result<impl Iterator<Item = Result<KeptFile, StorageError>> + use<>, StorageError> {
    let path = path.to_owned();
    let list = fs_err::File::open(&path).map_err(StorageError::of("read", &path))?;
    let reading = move |error: io::Error| StorageError::new("read", &path, error);
    let mut list = BufReader::new(list);
    let mut line = Vec::new();
    Ok(std::iter::from_fn(move || {
        line.clear();
        match list.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&line).map_err(|error| reading(error.into()))),
            Err(error) => Some(Err(reading(error))),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step_cache::content;

    #[test]
    fn a_list_comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let file = |number: u64| KeptFile {
            path: format!("a\n\"{number}").into(),
            mode: 0o640,
            content: Content { bytes: number, digest: number.to_string() },
        };
        let mut writer = FilesWriter::create(folder).expect("begun");
        (0..1000).try_for_each(|number| writer.push(&file(number))).expect("written");
        let kept = writer.finish().expect("written");
        let path = folder.join(FILES);
        assert_eq!(kept.bytes, 999 * 500);
        assert_eq!(kept.list.bytes, path.metadata().expect("there").len());
        assert_eq!(kept.list.digest, content::digest(&path).expect("read"));
        let read: Vec<_> = read(&path).expect("opened").collect::<Result<_, _>>().expect("read");
        assert_eq!(read, (0..1000).map(file).collect::<Vec<_>>());
    }
}
