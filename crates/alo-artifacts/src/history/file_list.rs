//! `files.json`: what a run has kept, file by file with its digest, so that damage is seen before anything is restored.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::objects::{Key, SMALL};
use crate::copy::{CopyError, Meter, digest_file};
use crate::durable::{self, Lasting};
use crate::storage_error::StorageError;

/// The version of the list that is written. A newer one is read as far as it is understood.
const FORMAT: u32 = 1;

/// The list's file in a run's folder.
pub(super) const FILES: &str = "files.json";

/// What a run has kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct FileList {
    format: u32,
    /// By the path relative to the run's folder.
    pub(super) files: BTreeMap<Utf8PathBuf, KeptFile>,
}

/// A file as it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptFile {
    pub(super) bytes: u64,
    pub(super) sha256: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) executable: bool,
}

impl KeptFile {
    /// What the file is shared by, if it is large enough to be shared.
    pub(super) fn key(&self) -> Option<Key> {
        let digest = self.sha256.parse().ok().filter(|_| self.bytes >= SMALL)?;
        Some(Key { digest, executable: self.executable })
    }
}

/// A kept file that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Damage {
    /// The file, relative to the run's folder.
    pub file: Utf8PathBuf,
    /// What is wrong with it.
    pub kind: DamageKind,
}

/// What is wrong with a kept file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DamageKind {
    /// It is gone.
    Missing,
    /// Its content is another one.
    Changed,
    /// It cannot be read.
    Unreadable,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.kind {
            DamageKind::Missing => "is missing",
            DamageKind::Changed => "was changed",
            DamageKind::Unreadable => "cannot be read",
        };
        write!(f, "`{}` {what}", self.file)
    }
}

impl FileList {
    /// Reads the list of a run; none for a run that kept nothing, or whose list is damaged beyond reading.
    pub(super) fn read(folder: &Utf8Path) -> Result<Option<Self>, StorageError> {
        let path = folder.join(FILES);
        let Some(bytes) = durable::read_if_present(&path)? else { return Ok(None) };
        let list: Self = serde_json::from_slice(&bytes)
            .map_err(|error| StorageError::new("understand", &path, error.into()))?;
        // A path that leads out of the folder was not written by us.
        let is_inside =
            |path: &Utf8Path| path.components().all(|part| matches!(part, Utf8Component::Normal(_)));
        match list.files.keys().find(|path| !is_inside(path)) {
            Some(out) => {
                let error =
                    std::io::Error::new(ErrorKind::InvalidData, format!("`{out}` leads out of the folder"));
                Err(StorageError::new("understand", &path, error))
            }
            None => Ok(Some(list)),
        }
    }

    /// Writes the list of these files in a run's folder, one after the other; it is flushed with the files. Gives its size.
    pub(super) fn write(
        folder: &Utf8Path,
        files: impl Iterator<Item = Result<(Utf8PathBuf, KeptFile), StorageError>>,
    ) -> Result<u64, StorageError> {
        let path = folder.join(FILES);
        durable::write_by(&path, Lasting::Kill, |out| {
            write!(out, "{{\"format\":{FORMAT},\"files\":{{")?;
            for (number, file) in files.enumerate() {
                let (file, kept) = file.map_err(std::io::Error::other)?;
                if number > 0 {
                    out.write_all(b",")?;
                }
                serde_json::to_writer(&mut *out, &file)?;
                out.write_all(b":")?;
                serde_json::to_writer(&mut *out, &kept)?;
            }
            out.write_all(b"}}")
        })?;
        Ok(fs_err::metadata(&path).map_err(StorageError::of("read", &path))?.len())
    }

    /// Compares all files with their digests.
    pub(super) fn verify(&self, folder: &Utf8Path) -> Vec<Damage> {
        let mut damages = Vec::new();
        for (file, kept) in &self.files {
            let kind = match digest_file::<Sha256>(&folder.join(file), &Meter::default()) {
                Ok((digest, _)) if digest.is(&kept.sha256) => continue,
                Ok(_) | Err(CopyError::Changing { .. }) => DamageKind::Changed,
                Err(CopyError::Storage(error)) if error.kind() == ErrorKind::NotFound => DamageKind::Missing,
                Err(_) => DamageKind::Unreadable,
            };
            damages.push(Damage { file: file.clone(), kind });
        }
        damages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back_and_never_leads_out() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(dir.path()).expect("UTF-8");
        assert_eq!(FileList::read(folder).expect("read"), None);
        let kept = KeptFile { bytes: 3, sha256: "ab".into(), executable: true };
        for count in 0..3 {
            let files =
                (0..count).map(|number| (Utf8PathBuf::from(format!("models/가\n\"{number}")), kept.clone()));
            let size = FileList::write(folder, files.clone().map(Ok)).expect("written");
            assert_eq!(size, fs_err::metadata(folder.join(FILES)).expect("there").len());
            let list = FileList { format: FORMAT, files: files.collect() };
            assert_eq!(FileList::read(folder).expect("read"), Some(list));
        }
        for bad in [
            "",
            "{}",
            r#"{"format":1,"files":{"../x":{"bytes":1,"sha256":""}}}"#,
            r#"{"format":1,"files":{"/x":{"bytes":1,"sha256":""}}}"#,
        ] {
            fs_err::write(folder.join(FILES), bad).expect("written");
            let error = FileList::read(folder).expect_err("refused");
            assert!(error.to_string().contains("files.json"), "{error}");
        }
    }

    #[test]
    fn every_kind_of_damage_is_told() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let files = ["a", "b", "c"].map(|name| {
            fs_err::write(folder.join(name), name).expect("written");
            let (sha256, _) = digest_file::<Sha256>(&folder.join(name), &Meter::default()).expect("digested");
            (Utf8PathBuf::from(name), KeptFile { bytes: 1, sha256: sha256.to_string(), executable: false })
        });
        let list = FileList { format: FORMAT, files: files.into() };
        assert_eq!(list.verify(folder), []);
        fs_err::write(folder.join("a"), "x").expect("written");
        fs_err::remove_file(folder.join("b")).expect("removed");
        let told: Vec<_> = list.verify(folder).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["`a` was changed", "`b` is missing"]);
    }
}
