//! Wheels written by hand: a zip with a module and its metadata.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use zip::write::SimpleFileOptions;

/// Writes `name-version-py3-none-any.whl` with a module that knows its version.
pub(crate) fn wheel(folder: &Utf8Path, name: &str, version: &str, requires: &[&str]) -> Utf8PathBuf {
    let module = format!("{}.py", name.replace('-', "_"));
    wheel_of(folder, name, version, requires, &[(&module, &format!("__version__ = '{version}'\n"))])
}

/// Writes `name-version-py3-none-any.whl` with these files.
pub(crate) fn wheel_of(
    folder: &Utf8Path,
    name: &str,
    version: &str,
    requires: &[&str],
    content: &[(&str, &str)],
) -> Utf8PathBuf {
    let module = name.replace('-', "_");
    let info = format!("{module}-{version}.dist-info");
    let requires: Vec<_> = requires.iter().map(|item| format!("Requires-Dist: {item}\n")).collect();
    let requires = requires.concat();
    let mut files: Vec<_> = content.iter().map(|&(file, text)| (file.to_owned(), text.to_owned())).collect();
    files.extend([
        (
            format!("{info}/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"),
        ),
        (
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned(),
        ),
    ]);
    let record: Vec<_> = files.iter().map(|(file, text)| format!("{file},,{}\n", text.len())).collect();
    let record = record.concat();
    let path = folder.join(format!("{module}-{version}-py3-none-any.whl"));
    let mut archive = zip::ZipWriter::new(fs_err::File::create(&path).unwrap());
    let record = (format!("{info}/RECORD"), format!("{record}{info}/RECORD,,\n"));
    for (file, text) in files.into_iter().chain([record]) {
        archive.start_file(file, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
    path
}
