//! What `uv pip compile` answers: a requirements file with one exact package a line, and its hashes.

use std::io;

use camino::Utf8Path;

use super::package::{PackageSource, ResolvedPackage, of_path, wheel_name};
use crate::redact;
use crate::requirements::{normalize, percent_decoded};

/// Reads the packages. A line that makes no sense is an error of kind `InvalidData` with the line as text.
pub(crate) fn read_pinned(text: &str) -> io::Result<Vec<ResolvedPackage>> {
    let text = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(one).collect()
}

fn one(line: &str) -> io::Result<ResolvedPackage> {
    let mut parts = line.split(" --hash=");
    let head = parts.next().unwrap_or_default().trim();
    let hashes: Vec<_> = parts.map(|hash| hash.trim().to_owned()).collect();
    if let Some(path) = head.strip_prefix("-e ").or(head.strip_prefix("--editable ")) {
        return of_path(Utf8Path::new(&local(path.trim())), None, true);
    }
    let head = head.split(" ;").next().unwrap_or(head).trim();
    if let Some((name, url)) = head.split_once(" @ ") {
        let name = normalize(name.split('[').next().unwrap_or(name));
        return match url.strip_prefix("file://") {
            Some(_) => of_path(Utf8Path::new(&local(url)), Some(&name), false),
            None => Ok(of_url(Some(name), url, hashes)),
        };
    }
    if let Some((name, version)) = head.split_once("==") {
        let name = normalize(name.split('[').next().unwrap_or(name).trim());
        return Ok(ResolvedPackage {
            name,
            version: Some(version.trim_start_matches('=').trim().to_owned()),
            source: PackageSource::Index,
            hashes,
        });
    }
    if head.starts_with("file://") || head.starts_with('/') {
        return of_path(Utf8Path::new(&local(head)), None, false);
    }
    if head.contains("://") {
        return Ok(of_url(None, head, hashes));
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{}` names no exact package", redact(head))))
}

/// The path of a URL, or one that is written as it is.
fn local(text: &str) -> String {
    match text.strip_prefix("file://") {
        Some(url) => percent_decoded(url.split('#').next().unwrap_or(url)),
        None => text.to_owned(),
    }
}

/// A package of a URL; the name and version of a wheel stand in its file name.
pub(super) fn of_url(name: Option<String>, url: &str, hashes: Vec<String>) -> ResolvedPackage {
    let address = url.split(['#', '?']).next().unwrap_or(url);
    let file = address.rsplit('/').next().unwrap_or_default();
    let (in_name, version) = wheel_name(file).unzip();
    let name = name.or_else(|| in_name.map(normalize)).unwrap_or_else(|| normalize(file));
    ResolvedPackage {
        name,
        version: version.map(str::to_owned),
        source: PackageSource::Url(redact(url)),
        hashes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_line() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let wheel = folder.join("loc-3.0-py3-none-any.whl");
        fs_err::write(&wheel, "x").unwrap();
        fs_err::create_dir(folder.join("src")).unwrap();
        let text = format!(
            "# note\n-e {folder}/src\nA_b[x]==1.0 \\\n    --hash=sha256:22 \\\n    --hash=sha256:11\n\
             d @ git+https://u:secret@h/r@abc#subdirectory=s\n{wheel} \\\n --hash=sha256:00\n"
        );
        let packages = read_pinned(&text).unwrap();
        let said: Vec<_> =
            packages.iter().map(|package| package.to_string().replace(folder.as_str(), "F")).collect();
        assert_eq!(
            said,
            [
                "-e F/src",
                "a-b==1.0",
                "d @ git+https://***@h/r@abc#subdirectory=s",
                "F/loc-3.0-py3-none-any.whl"
            ]
        );
        assert_eq!(packages[1].hashes, ["sha256:22", "sha256:11"]);
        assert_eq!(packages[3].version.as_deref(), Some("3.0"));
        assert!(read_pinned("a>=1").unwrap_err().to_string().contains("`a>=1`"));
    }
}
