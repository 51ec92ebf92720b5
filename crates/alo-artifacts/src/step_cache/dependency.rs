//! What a step has read outside of its folders: looked at again before its result is used.

use std::io::ErrorKind;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::content;
use crate::digest::Fields;

/// A file or folder that a step has read outside of its folders, and what was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    path: Utf8PathBuf,
    state: State,
}

/// What was at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Nothing.
    Absent,
    /// A file of that content.
    File(String),
    /// A folder with these names in it.
    Folder(String),
    /// A device, or what cannot be read.
    Other,
}

impl Dependency {
    /// Looks at what is there now.
    pub fn now(path: Utf8PathBuf) -> Self {
        let state = State::of(&path);
        Self { path, state }
    }

    /// A place of which it is not known what was there.
    pub(super) fn unknown(path: Utf8PathBuf) -> Self {
        Self { path, state: State::Other }
    }

    /// The file or folder.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Whether there is now what was there then.
    pub fn holds(&self) -> bool {
        self.state != State::Other && State::of(&self.path) == self.state
    }
}

impl State {
    fn of(path: &Utf8Path) -> Self {
        match fs_err::metadata(path) {
            Ok(meta) if meta.is_file() => content::digest(path).map_or(Self::Other, Self::File),
            Ok(meta) if meta.is_dir() => names(path).map_or(Self::Other, Self::Folder),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Self::Absent
            }
            _ => Self::Other,
        }
    }
}

/// A digest of the names in a folder.
fn names(folder: &Utf8Path) -> Option<String> {
    let mut names = Vec::new();
    for entry in fs_err::read_dir(folder).ok()? {
        names.push(entry.ok()?.file_name());
    }
    names.sort();
    let mut fields = Fields::<blake3::Hasher>::default();
    for name in names {
        fields.add(name.as_encoded_bytes());
    }
    Some(fields.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_a_place_is_seen() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
        fs_err::write(root.join("file"), "one").expect("written");
        let place = |name: &str| Dependency::now(root.join(name));
        let (file, folder, absent) = (place("file"), place(""), place("absent"));
        assert!(file.holds() && folder.holds() && absent.holds());
        fs_err::write(root.join("file"), "two").expect("written");
        assert!(!file.holds() && folder.holds(), "a folder is known by its names");
        fs_err::write(root.join("absent"), "").expect("written");
        assert!(!absent.holds() && !folder.holds());
        fs_err::write(root.join("file"), "one").expect("written");
        assert!(file.holds(), "a content that came back is the same");
        assert!(!place("absent/below").holds() || !root.join("absent/below").exists());
    }

    #[test]
    fn what_cannot_be_read_is_never_the_same() {
        assert!(!Dependency::now("/dev/null".into()).holds());
    }
}
