//! Files that survive a crash whole: written aside, flushed, renamed.

use std::io::{self, Write};

use camino::Utf8Path;

/// Writes `content` to `path` so that the file is, at any moment, the old one or the new one.
pub(crate) fn write(path: &Utf8Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Utf8Path::new("."));
    fs_err::create_dir_all(folder)?;
    let mut aside = tempfile::Builder::new()
        .prefix(".alo-writing-")
        .permissions(default_permissions())
        .tempfile_in(folder)?;
    aside.write_all(content)?;
    aside.as_file().sync_all()?;
    aside.persist(path).map_err(|error| error.error)?;
    // The rename itself lasts once the folder is flushed; file systems that cannot do that are not worth failing for.
    let _ = fs_err::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// What a plainly created file gets (the umask still applies), not the private mode of temporary files.
fn default_permissions() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().join("deep/record.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"two");
        assert_eq!(fs_err::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
