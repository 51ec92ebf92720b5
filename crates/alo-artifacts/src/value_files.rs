//! The files of a value on its way from step to step.

use camino::{Utf8Path, Utf8PathBuf};

/// The files of the value at `path`: that one, and `path-1`, `path-2`, … if it refers to any.
///
/// These are second names of files of earlier steps, with what no step has changed since. Without a file at `path` there are
/// none.
pub fn value_files(path: &Utf8Path) -> impl Iterator<Item = Utf8PathBuf> + use<> {
    let path = path.to_owned();
    let others = path.clone();
    std::iter::once(path)
        .chain((1..).map(move |number| format!("{others}-{number}").into()))
        .take_while(|path: &Utf8PathBuf| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_a_value_are_found() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
        let found = || value_files(&root.join("data")).collect::<Vec<_>>();
        fs_err::write(root.join("data-1"), "").expect("written");
        assert!(found().is_empty());
        for name in ["data", "data-2", "data-4", "data-x"] {
            fs_err::write(root.join(name), "").expect("written");
        }
        assert_eq!(found(), ["data", "data-1", "data-2"].map(|name| root.join(name)));
    }
}
