//! What a step has read outside of its folders: looked at again before its result is used.

use std::io::ErrorKind;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::content;
use super::look::Look;
use crate::digest::Fields;
use crate::stamp::Stamp;

/// A file or folder that a step has read outside of its folders, and what was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    path: Utf8PathBuf,
    state: State,
}

/// A place outside of its folders that a step has read, and what was there when it did.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Read {
    /// The file or folder.
    pub path: Utf8PathBuf,
    /// What was there.
    pub then: Then,
}

/// What was at a place when a step read it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Nothing.
    Absent,
    /// A file. Times are nanoseconds since 1970.
    File {
        /// In bytes.
        size: u64,
        /// When it was written last.
        modified: i64,
        /// When its status changed last.
        changed: i64,
        /// Its inode.
        inode: u64,
    },
    /// Something that is known to be the same at the end of the step.
    Any,
    /// Something that has changed since.
    Changed,
}

impl Then {
    /// Whether it is what is there now.
    pub(super) fn is(&self, now: Option<Stamp>) -> bool {
        match *self {
            Self::Absent => now.is_none(),
            Self::File { size, modified, changed, inode } => {
                now == Some(Stamp { size, modified, changed, inode })
            }
            Self::Any => true,
            Self::Changed => false,
        }
    }
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
    /// What was found there without opening it.
    Looked(Look),
}

impl Dependency {
    /// Looks at what is there now.
    pub fn now(path: Utf8PathBuf) -> Self {
        let state = State::of(&path);
        Self { path, state }
    }

    /// A place that was only looked at.
    pub(super) fn looked(path: Utf8PathBuf, look: Look) -> Self {
        Self { path, state: State::Looked(look) }
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
        match &self.state {
            State::Other => false,
            State::Looked(look) => look.holds(&self.path),
            state => State::of(&self.path) == *state,
        }
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

/// A digest of the names in a folder, with what they are. Byte-code, which Python writes by itself, does not count.
fn names(folder: &Utf8Path) -> Option<String> {
    let mut names = Vec::new();
    for entry in fs_err::read_dir(folder).ok()? {
        let entry = entry.ok()?;
        if entry.file_name() != "__pycache__" {
            names.push((entry.file_name(), entry.file_type().ok()?));
        }
    }
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut fields = Fields::<blake3::Hasher>::default();
    for (name, kind) in names {
        fields.add(name.as_encoded_bytes());
        fields.add(&[u8::from(kind.is_file()), u8::from(kind.is_dir()), u8::from(kind.is_symlink())]);
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
        let folder = place("");
        fs_err::create_dir(root.join("__pycache__")).expect("created");
        assert!(folder.holds(), "byte-code does not count");
        fs_err::remove_file(root.join("file")).expect("removed");
        fs_err::create_dir(root.join("file")).expect("created");
        assert!(!folder.holds(), "a name that is a folder now");
        assert!(!place("absent/below").holds() || !root.join("absent/below").exists());
    }

    #[test]
    fn what_cannot_be_read_is_never_the_same() {
        assert!(!Dependency::now("/dev/null".into()).holds());
    }
}
