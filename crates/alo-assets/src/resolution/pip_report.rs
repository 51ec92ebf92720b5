//! What `pip install --dry-run --report` answers: a JSON text with every package that would be installed.

use std::collections::BTreeMap;
use std::io;

use camino::Utf8Path;
use serde::Deserialize;

use super::package::{PackageSource, ResolvedPackage, of_path};
use super::pinned_lines::of_url;
use crate::requirements::{normalize, percent_decoded};

#[derive(Debug, Deserialize)]
struct Report {
    install: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    download_info: Download,
    is_direct: bool,
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

#[derive(Debug, Deserialize)]
struct Download {
    url: String,
    #[serde(default)]
    archive_info: Option<Archive>,
    #[serde(default)]
    dir_info: Option<Folder>,
    #[serde(default)]
    vcs_info: Option<Commit>,
    #[serde(default)]
    subdirectory: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Archive {
    /// Of pip before 23.1: `sha256=…`.
    #[serde(default)]
    hash: Option<String>,
    #[serde(default)]
    hashes: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
struct Folder {
    #[serde(default)]
    editable: bool,
}

#[derive(Debug, Deserialize)]
struct Commit {
    vcs: String,
    commit_id: String,
}

impl Archive {
    fn hashes(self) -> Vec<String> {
        let known = self.hashes.filter(|known| !known.is_empty());
        match known {
            Some(known) => known.into_iter().map(|(kind, value)| format!("{kind}:{value}")).collect(),
            None => self.hash.map(|hash| hash.replacen('=', ":", 1)).into_iter().collect(),
        }
    }
}

/// Reads the packages of a report.
pub(crate) fn read_report(text: &[u8]) -> io::Result<Vec<ResolvedPackage>> {
    let report: Report = serde_json::from_slice(text)?;
    report.install.into_iter().map(one).collect()
}

fn one(item: Item) -> io::Result<ResolvedPackage> {
    let Item { download_info, is_direct, metadata } = item;
    let Download { url, archive_info, dir_info, vcs_info, subdirectory } = download_info;
    let name = normalize(&metadata.name);
    let hashes = archive_info.unwrap_or_default().hashes();
    let mut package = match (is_direct, url.strip_prefix("file://"), vcs_info) {
        (false, ..) => ResolvedPackage { name, version: None, source: PackageSource::Index, hashes },
        (true, _, Some(commit)) => {
            let folder = subdirectory.map(|folder| format!("#subdirectory={folder}")).unwrap_or_default();
            let url = format!("{}+{url}@{}{folder}", commit.vcs, commit.commit_id);
            of_url(Some(name), &url, Vec::new())
        }
        (true, Some(path), None) => {
            // pip writes `%20` for a blank.
            let path = percent_decoded(path);
            let editable = dir_info.is_some_and(|folder| folder.editable);
            of_path(Utf8Path::new(&path), Some(&name), editable)?
        }
        (true, None, None) => of_url(Some(name), &url, hashes),
    };
    package.version = Some(metadata.version);
    Ok(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_old_and_new_reports() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir(folder.join("a b")).unwrap();
        let text = format!(
            r#"{{"version": "1", "install": [
            {{"download_info": {{"url": "https://h/A-1.whl", "archive_info": {{"hash": "sha256=11"}}}},
              "is_direct": false, "metadata": {{"name": "A", "version": "1"}}}},
            {{"download_info": {{"url": "https://h/b.zip", "archive_info": {{"hash": "sha256=2", "hashes": {{"sha256": "22"}}}}}},
              "is_direct": true, "metadata": {{"name": "b", "version": "2"}}}},
            {{"download_info": {{"url": "https://h/r", "vcs_info": {{"vcs": "git", "commit_id": "abc"}}, "subdirectory": "s"}},
              "is_direct": true, "metadata": {{"name": "c", "version": "3"}}}},
            {{"download_info": {{"url": "file://{folder}/a%20b", "dir_info": {{"editable": true}}}},
              "is_direct": true, "metadata": {{"name": "d", "version": "4"}}}}]}}"#
        );
        let packages = read_report(text.as_bytes()).unwrap();
        let said: Vec<_> =
            packages.iter().map(|package| package.to_string().replace(folder.as_str(), "F")).collect();
        assert_eq!(
            said,
            ["a==1", "b @ https://h/b.zip", "c @ git+https://h/r@abc#subdirectory=s", "-e F/a b"]
        );
        assert_eq!((&packages[0].hashes[0][..], &packages[1].hashes[0][..]), ("sha256:11", "sha256:22"));
        assert_eq!(packages[3].version.as_deref(), Some("4"));
    }
}
