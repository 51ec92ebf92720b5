//! The git program of the machine that the tests run on, for those that need a real one.

use camino::Utf8PathBuf;

/// The git program, if this machine has one. Where it is missing the test has to end, and this says so on stderr.
pub(crate) fn git_program() -> Option<Utf8PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join("git"));
    let found = found.find(|file| file.is_file()).and_then(|file| Utf8PathBuf::from_path_buf(file).ok());
    if found.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        eprintln!("SKIPPED: `{test}` needs a git program, and there is none on the search path");
    }
    found
}
