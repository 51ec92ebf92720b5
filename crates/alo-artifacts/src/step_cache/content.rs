//! Contents of files: their digests, and whether they name a run.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use crate::copy::{CopyError, Meter, digest_file};
use crate::digest::{CHUNK, Fields, Hasher};
use crate::layout::ArtifactLayout;
use crate::run_id::RunId;
use crate::storage_error::StorageError;
use crate::tree::Tree;
use crate::tree_error::TreeError;
use crate::walk::{Links, TreeFile};

/// Time and number of an id: what no other run has. The name after them may have any letters.
const UNIQUE: usize = 25;

/// What a file of an entry holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) bytes: u64,
    /// BLAKE3.
    pub(super) digest: String,
}

/// The BLAKE3 digest of a file.
pub(super) fn digest(path: &Utf8Path) -> Result<String, CopyError> {
    Ok(digest_file::<blake3::Hasher>(path, &Meter::default())?.0.to_string())
}

/// The BLAKE3 digests of all files below a folder, by their relative paths; nothing if it is absent.
///
/// Links are followed; what has no content is left out.
pub fn digest_folder(folder: &Utf8Path) -> Result<BTreeMap<Utf8PathBuf, String>, CopyError> {
    let tree = match Tree::list(folder, Links::Follow) {
        Ok(tree) => tree,
        Err(TreeError::Storage(error)) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(TreeError::Storage(error)) => return Err(error.into()),
        Err(error) => {
            let source = std::io::Error::other(error.to_string());
            return Err(StorageError::new("list", folder, source).into());
        }
    };
    tree.files
        .into_iter()
        .map(|file| Ok((file.relative.clone(), digest(&folder.join(&file.relative))?)))
        .collect()
}

/// A digest of names, sizes, times and inodes of all files below a folder: equal means that none was written.
pub fn stamp_folder(folder: &Utf8Path) -> Result<String, TreeError> {
    let mut fields = Fields::<blake3::Hasher>::default();
    if !folder.exists() {
        return Ok(fields.finish());
    }
    let tree = Tree::list(folder, Links::Follow)?;
    for TreeFile { relative, stamp, .. } in &tree.files {
        fields.add(relative.as_str().as_bytes());
        for number in [stamp.modified, stamp.changed] {
            fields.add(&number.to_le_bytes());
        }
        for number in [stamp.size, stamp.inode] {
            fields.add(&number.to_le_bytes());
        }
    }
    for folder in &tree.folders {
        fields.add(folder.as_str().as_bytes());
    }
    Ok(fields.finish())
}

/// A file of some artifacts, but for the logs, that belongs to one run alone: it names the run in its path or its content, it
/// is a link elsewhere that does, or something that cannot be copied, such as a socket. None if there is none.
pub fn file_of_run_alone(artifacts: &ArtifactLayout, run: &RunId) -> Result<Option<Utf8PathBuf>, TreeError> {
    let (root, name) = (artifacts.root(), RunName::new(run));
    if !root.exists() {
        return Ok(None);
    }
    let tree = Tree::list(root, Links::AsIs)?;
    let folder = |path: &&Utf8PathBuf| name.is_in(path.as_str().as_bytes());
    if let Some(path) = tree.folders.iter().find(folder) {
        return Ok(Some(root.join(path)));
    }
    for TreeFile { relative, .. } in &tree.files {
        let path = root.join(relative);
        if path.starts_with(artifacts.log()) {
            continue;
        }
        if name.is_in(relative.as_str().as_bytes()) || name.look(&path)?.names_run {
            return Ok(Some(path));
        }
    }
    let is_alone = |path: &Path| match fs_err::read_link(root.as_std_path().join(path)) {
        // What leads into the artifacts leads into those of the copy.
        Ok(target) => !target.starts_with(root) && name.is_in(target.as_os_str().as_encoded_bytes()),
        Err(_) => true,
    };
    let found = tree.others.iter().find(|other| is_alone(&other.relative));
    Ok(found.map(|other| root.join(other.relative.to_string_lossy().as_ref())))
}

/// Finds the id of a run in what a step left: as text of one, two or four bytes a letter.
pub(super) struct RunName {
    forms: [Finder<'static>; 3],
}

impl RunName {
    pub(super) fn new(run: &RunId) -> Self {
        let unique = run.as_str().get(..UNIQUE).unwrap_or(run.as_str()).as_bytes();
        let wide = |width: usize| -> Vec<u8> {
            unique
                .iter()
                .flat_map(|byte| std::iter::once(*byte).chain(std::iter::repeat_n(0, width - 1)))
                .collect()
        };
        Self { forms: [1, 2, 4].map(|width| Finder::new(&wide(width)).into_owned()) }
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|form| form.find(bytes).is_some())
    }

    /// The digest and the size of a file, and whether it names the run.
    pub(super) fn look(&self, path: &Utf8Path) -> Result<Looked, StorageError> {
        let longest = 4 * UNIQUE;
        let mut file = fs_err::File::open(path).map_err(StorageError::of("read", path))?;
        let mut hasher = blake3::Hasher::default();
        let mut looked = Looked::default();
        // The end of the piece before stays in front, for a name that lies across both.
        let mut piece = vec![0; longest + CHUNK];
        let mut kept = 0;
        loop {
            let count = match file.read(&mut piece[kept..kept + CHUNK]) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(StorageError::new("read", path, error)),
            };
            Hasher::add(&mut hasher, &piece[kept..kept + count]);
            looked.bytes += count as u64;
            let end = kept + count;
            looked.names_run = looked.names_run || self.is_in(&piece[..end]);
            let rest = end.min(longest);
            piece.copy_within(end - rest..end, 0);
            kept = rest;
        }
        looked.digest = Hasher::finish(hasher);
        Ok(looked)
    }
}

/// What is known of a file after it was read.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) digest: String,
    pub(super) bytes: u64,
    pub(super) names_run: bool,
}

#[cfg(test)]
mod tests {
    use fs_err::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_run_is_found_in_every_width_and_across_pieces() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let run = RunId::new(jiff::Timestamp::UNIX_EPOCH, 7, "이름");
        let name = RunName::new(&run);
        let path = root.join("file");
        let text = format!("/x/{run}/train_artifacts/");
        let wide: Vec<u8> = text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for form in [text.as_bytes(), &wide, &utf16] {
            for before in [0, CHUNK - 40, CHUNK, 2 * CHUNK - 7] {
                let content: Vec<u8> =
                    std::iter::repeat_n(b'.', before).chain(form.iter().copied()).collect();
                fs_err::write(&path, &content).expect("written");
                let looked = name.look(&path).expect("read");
                assert!(looked.names_run, "{before}");
                assert_eq!(
                    (looked.digest, looked.bytes),
                    (digest(&path).expect("read"), content.len() as u64)
                );
            }
        }
        fs_err::write(&path, "19700101T000000Z-00000008-x").expect("written");
        assert!(!name.look(&path).expect("read").names_run);
    }

    #[test]
    fn files_that_name_their_run_belong_to_it_alone() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let run = RunId::new(jiff::Timestamp::UNIX_EPOCH, 7, "x");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").join(run.as_str()).join("train_artifacts");
        let artifacts = ArtifactLayout::new(root.clone());
        let alone = || file_of_run_alone(&artifacts, &run).expect("looked through");
        assert_eq!(alone(), None);
        fs_err::create_dir_all(root.join("log")).expect("created");
        fs_err::write(root.join("log/pipeline.log"), run.as_str()).expect("written");
        fs_err::write(root.join("model"), "a model").expect("written");
        symlink(root.join("model"), root.join("latest")).expect("linked");
        symlink("model", root.join("newest")).expect("linked");
        assert_eq!(alone(), None);
        symlink(root.join("../inference_artifacts"), root.join("other")).expect("linked");
        assert_eq!(alone(), None, "it leads through the artifacts");
        fs_err::remove_file(root.join("other")).expect("removed");
        symlink(root.with_file_name("inference_artifacts"), root.join("other")).expect("linked");
        assert_eq!(alone(), Some(root.join("other")));
        fs_err::write(root.join("where"), root.as_str()).expect("written");
        assert_eq!(alone(), Some(root.join("where")));
        fs_err::create_dir_all(root.join(run.as_str())).expect("created");
        assert_eq!(alone(), Some(root.join(run.as_str())));
    }

    #[test]
    fn a_folder_is_known_by_its_files() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
        fs_err::create_dir_all(root.join("a/b")).expect("created");
        fs_err::write(root.join("a/b/c"), "x").expect("written");
        let known = digest_folder(root).expect("read");
        assert_eq!(known.keys().collect::<Vec<_>>(), ["a/b/c"]);
        assert_eq!(digest_folder(&root.join("absent")).expect("no error"), BTreeMap::new());
    }
}
