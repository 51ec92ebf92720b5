//! The errors of the disk: what was being done, to which file or folder, and what the operating system says.

use std::io::{self, ErrorKind};

use camino::{Utf8Path, Utf8PathBuf};

/// Something on the disk that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{doing} `{path}`")]
pub struct StorageError {
    doing: &'static str,
    path: Utf8PathBuf,
    source: io::Error,
}

impl StorageError {
    pub(crate) fn new(doing: &'static str, path: impl Into<Utf8PathBuf>, source: io::Error) -> Self {
        Self { doing, path: path.into(), source: plain(source) }
    }

    /// For `map_err`: the error of doing that with that path.
    pub(crate) fn of(doing: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::new(doing, path, source)
    }

    /// The file or folder.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// What the operating system says, in its classes.
    pub fn kind(&self) -> ErrorKind {
        self.source.kind()
    }

    /// Whether that is so of what the operating system says.
    pub(crate) fn says(&self, so: impl FnOnce(&io::Error) -> bool) -> bool {
        so(&self.source)
    }

    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        let path = &self.path;
        match self.kind() {
            ErrorKind::StorageFull => Some(format!(
                "free some space on the disk of `{path}`; `backup_size` in the plan limits what the history may take"
            )),
            ErrorKind::QuotaExceeded => Some(format!("your quota on the disk of `{path}` is used up")),
            ErrorKind::ReadOnlyFilesystem => Some(format!("`{path}` lies on a read-only disk")),
            ErrorKind::PermissionDenied => {
                Some(format!("check the owner and the permissions: `ls -ld '{path}'`"))
            }
            ErrorKind::CrossesDevices | ErrorKind::ResourceBusy => Some(format!(
                "`{path}` seems to be a mount point; mount the project folder as a whole, not a folder inside it"
            )),
            _ => None,
        }
    }
}

/// The operating system's error without the path that `fs_err` puts before it: ours already names it.
///
/// `fs_err` gives the original error away only with a feature that would change its texts for every crate, so its
/// number is taken from the end of the text, where the standard library writes it.
fn plain(error: io::Error) -> io::Error {
    let text = error.to_string();
    let code = text.strip_suffix(')').and_then(|text| text.rsplit_once("(os error ")?.1.parse().ok());
    code.map_or(error, io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file_once_and_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let absent = Utf8Path::from_path(dir.path()).unwrap().join("absent");
        let error = fs_err::read(&absent).map_err(StorageError::of("read", &absent)).unwrap_err();
        assert_eq!(error.to_string(), format!("read `{absent}`"));
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "No such file or directory (os error 2)");
        let full = StorageError::new("write", "/x", io::Error::from_raw_os_error(28));
        assert!(full.hint().unwrap().contains("free some space"));
    }
}
