//! Puts back what a step left, after all of it was compared with its digests.

use camino::{Utf8Path, Utf8PathBuf};

use super::content::{self, Content};
use super::entry::StepEntry;
use super::kept_files::{self, FILES, KeptFile};
use crate::copy::{CopyError, Meter, copy_file};
use crate::durable;
use crate::layout::ArtifactLayout;
use crate::permissions;
use crate::storage_error::StorageError;

/// Where files wait beside the artifacts until all of them are there.
const WAITING: &str = "put-back";

/// A kept result that could not be put back; the artifacts are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutBackError {
    /// A file is not what it was.
    #[error("`{path}` is damaged")]
    Damaged {
        /// The file of the cache.
        path: Utf8PathBuf,
    },
    /// A file could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// Something could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl StepEntry {
    /// Makes the artifacts what they were after the step, and gives the bytes copied.
    ///
    /// Every file is compared with its digest first, `data` and `config` too; what later steps do to the copies does not
    /// reach the cache.
    pub fn put_back(&self, artifacts: &ArtifactLayout) -> Result<u64, PutBackError> {
        let waiting = durable::parent(artifacts.root()).join(WAITING);
        let result = self.put_back_by(artifacts.root(), &waiting);
        // What stays goes with the staging folder.
        durable::remove(&waiting).ok();
        result
    }

    fn put_back_by(&self, root: &Utf8Path, waiting: &Utf8Path) -> Result<u64, PutBackError> {
        let left = &self.left;
        let list = left.files.as_ref().map(|files| files.list.clone());
        let own =
            [("data", &left.data), ("config", &left.config), ("process", &left.process), (FILES, &list)];
        let own = own.into_iter().filter_map(|(name, kept)| Some((name, kept.as_ref()?)));
        for (name, kept) in own.chain(left.referred.iter().map(|(name, kept)| (name.as_str(), kept))) {
            let path = self.folder.join(name);
            let found = content::digest(&path)?;
            check(&found, kept, path)?;
        }
        if left.files.is_some() {
            durable::remove(waiting)?;
            durable::create_dir_all(waiting)?;
        }
        for (number, file) in self.files()?.enumerate() {
            let file = file?;
            let from = self.folder.join(&file.content.digest);
            let to = waiting.join(number.to_string());
            let copied = copy_file::<blake3::Hasher>(&from, &to, &Meter::default())?;
            check(&copied.digest.to_string(), &file.content, from)?;
            permissions::set_mode(&to, file.mode)?;
        }
        for gone in &left.removed {
            durable::remove(&root.join(gone))?;
        }
        for (folder, _) in &left.folders {
            durable::create_dir_all(&root.join(folder))?;
        }
        for (number, file) in self.files()?.enumerate() {
            let file = file?;
            let to = root.join(&file.path);
            durable::create_dir_all(durable::parent(&to))?;
            durable::rename(&waiting.join(number.to_string()), &to)?;
        }
        // What lies in a folder that nobody may write to is there by now.
        for (folder, mode) in left.folders.iter().rev() {
            permissions::set_mode(&root.join(folder), *mode)?;
        }
        Ok(left.files.as_ref().map_or(0, |files| files.bytes))
    }

    /// Its files of the artifacts, by their list, which must have been compared with its digest.
    fn files(&self) -> Result<impl Iterator<Item = Result<KeptFile, StorageError>>, StorageError> {
        let list =
            self.left.files.as_ref().map(|_| kept_files::read(&self.folder.join(FILES))).transpose()?;
        Ok(list.into_iter().flatten())
    }
}

fn check(found: &str, kept: &Content, path: Utf8PathBuf) -> Result<(), PutBackError> {
    if found == kept.digest { Ok(()) } else { Err(PutBackError::Damaged { path }) }
}
