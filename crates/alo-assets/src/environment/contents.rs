//! What lies in an environment: its packages by their metadata, and whether all of it is still there.

use std::collections::BTreeSet;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::interpreter::PythonVersion;

/// The packages of an environment, and the names at the top of its folder of packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contents {
    /// `name==version`, sorted by name.
    pub(super) packages: Vec<String>,
    /// Files and folders of `site-packages`, without byte-code.
    pub(super) entries: BTreeSet<String>,
}

impl Contents {
    /// Reads the metadata of every package.
    pub(super) fn read(folder: &Utf8Path, version: PythonVersion) -> io::Result<Self> {
        let place = site_packages(folder, version);
        let entries = names(&place)?;
        let mut packages = BTreeSet::new();
        for name in entries.iter().filter(|name| is_metadata(name)) {
            let file = if name.ends_with(".dist-info") { "METADATA" } else { "PKG-INFO" };
            let path = place.join(name).join(file);
            // An `.egg-info` may be the file itself.
            let text = fs_err::read(&path).or_else(|_| fs_err::read(place.join(name)))?;
            let text = String::from_utf8_lossy(&text);
            let field = |key: &str| {
                let mut head = text.lines().take_while(|line| !line.trim().is_empty());
                head.find_map(|line| line.strip_prefix(key)).map(|value| value.trim().to_owned())
            };
            if let (Some(name), Some(version)) = (field("Name:"), field("Version:")) {
                packages.insert((name.to_lowercase(), format!("{name}=={version}")));
            }
        }
        Ok(Self { packages: packages.into_iter().map(|(_, text)| text).collect(), entries })
    }

    /// What is wrong with the environment, in words; `None` if nothing is. Costs one look at a few folders.
    pub(super) fn damage(&self, folder: &Utf8Path, version: PythonVersion) -> Option<String> {
        if !folder.join("bin/python").exists() {
            return Some("its interpreter is gone".to_owned());
        }
        if !folder.join("pyvenv.cfg").is_file() {
            return Some("its `pyvenv.cfg` is gone".to_owned());
        }
        let Ok(found) = names(&site_packages(folder, version)) else {
            return Some("its packages cannot be read".to_owned());
        };
        if let Some(missing) = self.entries.difference(&found).next() {
            return Some(format!("`{missing}` is gone"));
        }
        let added = found.difference(&self.entries).find(|name| is_metadata(name))?;
        Some(format!("`{added}` was put there by another program"))
    }
}

fn is_metadata(name: &str) -> bool {
    name.ends_with(".dist-info") || name.ends_with(".egg-info")
}

pub(super) fn site_packages(folder: &Utf8Path, version: PythonVersion) -> Utf8PathBuf {
    folder.join(format!("lib/python{}.{}/site-packages", version.major, version.minor))
}

fn names(folder: &Utf8Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs_err::read_dir(folder)? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str()
            && name != "__pycache__"
        {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> (tempfile::TempDir, Utf8PathBuf, PythonVersion) {
        let keep = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::try_from(keep.path().to_owned()).unwrap();
        let version: PythonVersion = "3.10.1".parse().unwrap();
        let place = site_packages(&folder, version);
        for (file, text) in [
            ("b.py", ""),
            ("B_x-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: B-x\nVersion: 1\n\nName: no\n"),
            ("a/__init__.py", ""),
            ("a-2.egg-info/PKG-INFO", "Name: a\r\nVersion: 2\r\n"),
            ("c-3.egg-info", "Name: c\nVersion: 3\n"),
            ("../../../bin/python", ""),
            ("../../../pyvenv.cfg", ""),
        ] {
            fs_err::create_dir_all(place.join(file).parent().unwrap()).unwrap();
            fs_err::write(place.join(file), text).unwrap();
        }
        (keep, folder, version)
    }

    #[test]
    fn packages_are_listed_by_the_names_they_give_themselves() {
        let (_keep, folder, version) = environment();
        assert_eq!(Contents::read(&folder, version).unwrap().packages, ["a==2", "B-x==1", "c==3"]);
    }

    #[test]
    fn what_is_gone_or_added_is_named_and_byte_code_is_not_minded() {
        let (_keep, folder, version) = environment();
        let known = Contents::read(&folder, version).unwrap();
        let place = site_packages(&folder, version);
        fs_err::create_dir(place.join("__pycache__")).unwrap();
        assert_eq!(known.damage(&folder, version), None);
        fs_err::create_dir(place.join("d-1.dist-info")).unwrap();
        assert!(known.damage(&folder, version).unwrap().contains("`d-1.dist-info` was put there"));
        for gone in ["a", "../../../pyvenv.cfg", "../../../bin/python"] {
            let gone = place.join(gone);
            if gone.is_dir() {
                fs_err::remove_dir_all(gone).unwrap();
            } else {
                fs_err::remove_file(gone).unwrap();
            }
            assert!(known.damage(&folder, version).unwrap().contains("gone"));
        }
    }
}
