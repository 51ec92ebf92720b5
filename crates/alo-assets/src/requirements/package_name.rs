//! Names of packages: as PEP 503 compares them, and as file names tell them.

use camino::Utf8Path;

/// A package's name as PEP 503 compares it.
pub(crate) fn normalize(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

/// The package that a wheel's or archive's file name tells.
pub(super) fn name_in_file(path: &Utf8Path) -> Option<String> {
    let name = path.file_name()?;
    if path.extension() == Some("whl") {
        return name.split('-').next().map(normalize);
    }
    let stem = name.strip_suffix(".tar.gz").or(name.strip_suffix(".zip"))?;
    stem.rsplit_once('-').map(|(name, _)| normalize(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_packages_tell_their_names() {
        for (file, name) in [
            ("/a/My_Pkg-1.0-py3-none-any.whl", Some("my-pkg")),
            ("https://h/my.pkg-1.0.tar.gz", Some("my-pkg")),
            ("my--pkg-1.0.zip", Some("my-pkg")),
            ("/a/folder", None),
        ] {
            assert_eq!(name_in_file(file.into()).as_deref(), name, "{file}");
        }
    }
}
