//! Programs and packages that are part of this binary, unpacked where an interpreter can read them.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use crate::digest::hexadecimal;

/// Why embedded files could not be unpacked.
#[derive(Debug, thiserror::Error)]
#[error("failed to unpack alo's own files into `{folder}`")]
pub struct UnpackError {
    folder: Utf8PathBuf,
    #[source]
    source: io::Error,
}

/// Unpacks `files` (relative path, content) into `cache/embedded/<name>-<digest>/` and returns that folder.
///
/// The folder is named by its content, so that versions do not mix, and appears whole or not at all.
pub fn unpack(cache: &Utf8Path, name: &str, files: &[(&str, &str)]) -> Result<Utf8PathBuf, UnpackError> {
    let mut digest = Sha256::new();
    for (path, content) in files {
        digest.update(path);
        digest.update([0]);
        digest.update(content);
        digest.update([0]);
    }
    let digest = hexadecimal(&digest.finalize());
    let parent = cache.join("embedded");
    let folder = parent.join(format!("{name}-{digest:.16}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    match write(&parent, &folder, files) {
        Ok(()) => Ok(folder),
        Err(source) => Err(UnpackError { folder, source }),
    }
}

fn write(parent: &Utf8Path, folder: &Utf8Path, files: &[(&str, &str)]) -> io::Result<()> {
    fs_err::create_dir_all(parent)?;
    let aside = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(parent)?;
    for (path, content) in files {
        let file = aside.path().join(path);
        if let Some(parent) = file.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::write(file, content)?;
    }
    match fs_err::rename(aside.path(), folder) {
        // Another process was faster; what it unpacked has the same content.
        Err(_) if folder.is_dir() => Ok(()),
        done => done,
    }
}
