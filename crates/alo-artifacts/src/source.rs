//! The sources of a pipeline's data, checked before anything is touched.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::load_error::LoadError;
use crate::location::Location;
use crate::s3::{Found, Purpose, Remote, S3Access, look};
use crate::storage_error::StorageError;
use crate::tree_error::TreeError;
use crate::walk::special;

/// A folder or file that is copied to `input/<kind>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataSource {
    /// As written in the plan.
    pub text: String,
    /// Where it lies; the URL, if that is in S3.
    pub path: Utf8PathBuf,
    /// Its last path part: the name it gets in `input/<kind>/`.
    pub name: String,
    /// Whether it is a single file.
    pub is_file: bool,
    pub(crate) remote: Option<Remote>,
}

/// Resolves and checks the data sources of a plan: each exists and can be opened, and no two have the same last part.
///
/// Relative paths start at the first of `bases` below which they exist: the project, then the plan's own folder. Places
/// in S3 are asked for their first objects.
///
/// ```no_run
/// # fn main() -> Result<(), alo_artifacts::LoadError> {
/// let project = camino::Utf8PathBuf::from("/work/titanic");
/// let s3 = alo_artifacts::S3Access::default();
/// let sources = alo_artifacts::check_sources(&[project], &["data/train".to_owned()], &s3, &|| false)?;
/// assert_eq!(sources[0].name, "train");
/// # Ok(())
/// # }
/// ```
pub fn check_sources(
    bases: &[Utf8PathBuf],
    sources: &[String],
    s3: &S3Access,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<DataSource>, LoadError> {
    let mut checked: Vec<DataSource> = Vec::with_capacity(sources.len());
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for text in sources {
        let location = Location::parse(text, bases)?;
        let path = location.to_path();
        let name = last_part(&path).ok_or_else(|| LoadError::NoName { text: text.clone() })?;
        if let Some(first) = names.insert(name.clone(), text.clone()) {
            return Err(LoadError::SameName { name, first, second: text.clone() });
        }
        let (is_file, remote) = match location {
            Location::Path(path) => (check(&path, text)?, None),
            Location::S3 { bucket, key } => {
                let remote = s3.open(&bucket, &key, Purpose::Read)?;
                let found = look(&remote, cancelled)?;
                (found == Found::Object, Some(remote))
            }
        };
        checked.push(DataSource { text: text.clone(), path, name, is_file, remote });
    }
    Ok(checked)
}

/// Checks that a source is there and can be opened; whether it is a single file.
fn check(path: &Utf8Path, text: &str) -> Result<bool, LoadError> {
    let meta = match fs_err::metadata(path) {
        Ok(meta) => meta,
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            return Err(LoadError::Missing { text: text.to_owned(), path: path.to_owned() });
        }
        Err(error) => return Err(StorageError::new("read", path, error).into()),
    };
    if meta.is_dir() {
        fs_err::read_dir(path).map_err(StorageError::of("list", path))?;
        Ok(false)
    } else if meta.is_file() {
        fs_err::File::open(path).map_err(StorageError::of("read", path))?;
        Ok(true)
    } else {
        let kind = rustix::fs::FileType::from_raw_mode(meta.mode());
        Err(TreeError::Special { path: path.to_owned(), what: special(kind) }.into())
    }
}

/// The last part of a path after `..` has been taken away as text.
fn last_part(path: &Utf8Path) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Utf8Component::ParentDir => {
                parts.pop();
            }
            Utf8Component::Normal(name) => parts.push(name),
            _ => {}
        }
    }
    parts.last().map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        fs_err::create_dir_all(root.join("a/train")).expect("created");
        fs_err::create_dir_all(root.join("b/train")).expect("created");
        fs_err::write(root.join("b/one.csv"), "x").expect("written");
        (dir, root)
    }

    fn check(base: &Utf8Path, texts: &[&str]) -> Result<Vec<DataSource>, LoadError> {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        check_sources(&[base.to_owned()], &texts, &S3Access::default(), &|| false)
    }

    #[test]
    fn folders_and_files_are_known_by_their_last_part() {
        let (_dir, root) = project();
        let absolute = format!("{root}/b/one.csv");
        let sources = check(&root, &["./a/train/", &absolute]).expect("fine");
        assert_eq!((sources[0].name.as_str(), sources[0].is_file), ("train", false));
        assert_eq!((sources[1].name.as_str(), sources[1].is_file), ("one.csv", true));
        let here = check(&root.join("a/train"), &["."]).expect("fine");
        assert_eq!(here[0].name, "train");
        let up = check(&root.join("a/train"), &[".."]).expect("fine");
        assert_eq!(up[0].name, "a");
    }

    #[test]
    fn equal_last_parts_and_missing_sources_are_errors() {
        let (_dir, root) = project();
        let same = check(&root, &["a/train", "b/train/"]).expect_err("equal last parts");
        assert!(matches!(&same, LoadError::SameName { name, .. } if name == "train"), "{same}");
        for missing in ["a/tran", "b/one.csv/deeper"] {
            let error = check(&root, &[missing]).expect_err("missing");
            assert!(
                matches!(&error, LoadError::Missing { path, .. } if *path == root.join(missing)),
                "{error}"
            );
        }
        assert!(matches!(check(&root, &["/"]), Err(LoadError::NoName { .. })));
    }
}
