//! Wheels made by a test: what pip and uv install without an index.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Makes a wheel of one module and returns its path (the binary distribution format of the Python packaging guide).
pub fn wheel(folder: &Utf8Path, name: &str, version: &str, code: &str) -> Utf8PathBuf {
    fs_err::create_dir_all(folder).expect("a folder");
    let path = folder.join(format!("{name}-{version}-py3-none-any.whl"));
    let mut archive = ZipWriter::new(fs_err::File::create(&path).expect("a file"));
    let info = format!("{name}-{version}.dist-info");
    let record = format!("{name}.py,,{}\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n", code.len());
    for (file, content) in [
        (format!("{name}.py"), code.to_owned()),
        (format!("{info}/METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")),
        (
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: alo\nRoot-Is-Purelib: true\nTag: py3-none-any\n".into(),
        ),
        (format!("{info}/RECORD"), record),
    ] {
        archive.start_file(file, SimpleFileOptions::default()).expect("a member");
        archive.write_all(content.as_bytes()).expect("its content");
    }
    archive.finish().expect("the archive");
    path
}
