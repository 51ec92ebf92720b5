//! A close look at an environment: whether the files of its packages are still those that were installed.
//!
//! It looks at thousands of files, so it is only done where a step has failed in a way that damage could explain. What it finds is
//! noted in the environment, and the next set-up builds that again.

use std::collections::HashMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::contents::site_packages;
use super::record::Environment;
use crate::interpreter::PythonVersion;

/// Holds what was found, until the environment is built again.
const DAMAGED: &str = "alo-damaged";
/// Says that files differ from what the packages say of themselves even when they were just installed: no look tells anything.
const UNTOLD: &str = "alo-untold";

impl Environment {
    /// What has happened to the files of the packages since they were installed, in words; the next set-up then builds them again.
    /// Files are compared by their sizes.
    pub fn find_damage(&self) -> Option<String> {
        if self.folder.join(UNTOLD).exists() {
            return None;
        }
        let damage = audit(&self.folder, self.version)?;
        // If it cannot be noted, the next step that fails will find it.
        let _ = fs_err::write(self.folder.join(DAMAGED), &damage);
        Some(damage)
    }
}

/// The damage that was noted in the environment in `folder`.
pub(super) fn noted(folder: &Utf8Path) -> Option<String> {
    fs_err::read_to_string(folder.join(DAMAGED)).ok()
}

/// Notes that looks at this environment tell nothing.
pub(super) fn give_up(folder: &Utf8Path) -> io::Result<()> {
    fs_err::write(folder.join(UNTOLD), "")
}

/// The first file of a package that is gone or has another size.
pub(super) fn audit(folder: &Utf8Path, version: PythonVersion) -> Option<String> {
    let place = site_packages(folder, version);
    // Packages may share files: that of one of them is there.
    let mut sizes: HashMap<Utf8PathBuf, Vec<u64>> = HashMap::new();
    for entry in place.read_dir_utf8().ok()?.flatten() {
        let Ok(text) = fs_err::read_to_string(entry.path().join("RECORD")) else { continue };
        for (file, size) in text.lines().filter_map(line) {
            sizes.entry(file).or_default().extend(size);
        }
    }
    let mut damaged: Vec<_> = sizes
        .into_iter()
        .filter_map(|(file, sizes)| match place.join(&file).metadata() {
            Ok(meta) if sizes.is_empty() || sizes.contains(&meta.len()) => None,
            Ok(_) => Some(format!("`{file}` has changed")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(format!("`{file}` is gone")),
            Err(_) => None,
        })
        .collect();
    damaged.sort_unstable();
    damaged.into_iter().next()
}

/// A line of a `RECORD`: a file in the folder of packages, and its size if that is told. Byte-code comes and goes.
fn line(line: &str) -> Option<(Utf8PathBuf, Option<u64>)> {
    let mut fields = line.trim_end().rsplitn(3, ',');
    let (size, _hash, path) = (fields.next()?, fields.next()?, fields.next()?);
    let path = match path.strip_prefix('"').and_then(|path| path.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => path.to_owned(),
    };
    let path = Utf8PathBuf::from(path);
    let is_ours = path.is_relative() && !path.starts_with("..") && path.extension() != Some("pyc");
    is_ours.then(|| (path, size.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_gone_or_have_another_size_are_told() {
        let keep = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(keep.path()).unwrap();
        let version: PythonVersion = "3.10.1".parse().unwrap();
        let place = site_packages(folder, version);
        let record = "a/b.py,sha256=x,3\na/__pycache__/b.pyc,,\n../../../bin/a,sha256=x,9\n\"a/c,d.py\",sha256=x,1\na-1.dist-info/RECORD,,\n";
        for (file, text) in [
            ("a/b.py", "abc"),
            ("a/c,d.py", "d"),
            ("a-1.dist-info/RECORD", record),
            ("b-1.dist-info/RECORD", "a/b.py,sha256=y,5\n"),
        ] {
            fs_err::create_dir_all(place.join(file).parent().unwrap()).unwrap();
            fs_err::write(place.join(file), text).unwrap();
        }
        assert_eq!(audit(folder, version), None);
        fs_err::write(place.join("a/b.py"), "as b h".trim_end_matches('h')).unwrap();
        assert_eq!(audit(folder, version), None);
        fs_err::write(place.join("a/b.py"), "").unwrap();
        assert_eq!(audit(folder, version).unwrap(), "`a/b.py` has changed");
        fs_err::remove_file(place.join("a/c,d.py")).unwrap();
        fs_err::write(place.join("a/b.py"), "abc").unwrap();
        assert_eq!(audit(folder, version).unwrap(), "`a/c,d.py` is gone");
    }
}
