//! The bare repository of the cache for a URL whose objects are named by SHA-256: read and written by the git program.

use std::collections::HashSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::GitError;
use super::object_id::{CommitId, TreeId};
use super::program::GitProgram;
use super::submodule::{self, Submodule, SubmoduleError};
use super::transport_error::TransportError;
use super::url::GitUrl;
use crate::cache::Place;

/// Files as the commit has them: no conversion of ends of lines, no filter, whatever its attributes say.
const ATTRIBUTES: &str = "* -text -filter -ident -working-tree-encoding\n";
/// What a tree says of a link and of a commit of another repository.
const LINK: &str = "120000";
const COMMIT: &str = "160000";

/// A bare repository, one for each URL, beside the one of libgit2.
pub(super) struct WideMirror<'a> {
    git: GitProgram<'a>,
    folder: Utf8PathBuf,
    url: &'a GitUrl,
}

/// An entry of a tree, at any depth.
struct Entry {
    mode: String,
    id: String,
    path: Utf8PathBuf,
}

impl<'a> WideMirror<'a> {
    pub(super) fn new(git: GitProgram<'a>, cache: &Utf8Path, url: &'a GitUrl) -> Self {
        Self { git, folder: Self::path(cache, url), url }
    }

    fn path(cache: &Utf8Path, url: &GitUrl) -> Utf8PathBuf {
        Place::Mirror { repository: url.folder_name(), is_wide: true }.folder(cache)
    }

    /// Whether there is a mirror of that URL. Starts nothing.
    pub(super) fn exists(cache: &Utf8Path, url: &GitUrl) -> bool {
        Self::path(cache, url).join("HEAD").is_file()
    }

    /// Whether the commit has been fetched.
    pub(super) fn has(&self, commit: &CommitId) -> Result<bool, GitError> {
        match self.run(&["cat-file", "-e", &format!("{commit}^{{tree}}")], &[]) {
            Ok(_) => Ok(true),
            Err(TransportError::Program(_)) => Ok(false),
            Err(source) => Err(self.failed(source)),
        }
    }

    /// Takes over one commit, without its history, from a bare repository of the cache, as one pack.
    pub(super) fn take(&self, from: &Utf8Path, commit: &CommitId) -> Result<(), GitError> {
        let failed = |source| self.failed(source);
        if !self.folder.join("HEAD").is_file() {
            self.make()?;
        }
        if self.has(commit)? {
            return Ok(());
        }
        let name = format!("refs/alo/{commit}");
        let named = [format!("--git-dir={from}"), "update-ref".into(), name.clone(), commit.to_string()];
        self.git.run(&named, &[], None).map_err(failed)?;
        let refspec = format!("+{name}:{name}");
        self.run(
            &["fetch", "--quiet", "--no-tags", "--depth=1", "--", from.as_str(), &refspec],
            // What is fetched here lies in the cache.
            &[("GIT_ALLOW_PROTOCOL", "file")],
        )
        .map(drop)
        .map_err(failed)
    }

    /// Makes the empty mirror, aside first: it is there whole or not at all.
    fn make(&self) -> Result<(), GitError> {
        let cannot = |source| GitError::Cache { url: self.url.to_string(), source };
        let aside = Utf8PathBuf::from(format!("{}.making", self.folder));
        for leftover in [&aside, &self.folder] {
            if leftover.exists() {
                fs_err::remove_dir_all(leftover).map_err(cannot)?;
            }
        }
        self.git.init_bare(&aside, true).map_err(|source| self.failed(source))?;
        fs_err::create_dir_all(aside.join("info")).map_err(cannot)?;
        fs_err::write(aside.join("info/attributes"), ATTRIBUTES).map_err(cannot)?;
        fs_err::rename(&aside, &self.folder).map_err(cannot)
    }

    /// Writes the files of a commit to `folder`, which is empty. Answers its tree.
    pub(super) fn write_files(&self, commit: &CommitId, folder: &Utf8Path) -> Result<TreeId, GitError> {
        let cannot = |source| GitError::Cache { url: self.url.to_string(), source };
        self.entries(commit)?;
        let index = tempfile::Builder::new().prefix("alo-index-").tempdir().map_err(cannot)?;
        let index = index.path().join("index");
        let index = [("GIT_INDEX_FILE", index.to_str().unwrap_or_default())];
        let tree = self.run(&["rev-parse", "--verify", &format!("{commit}^{{tree}}")], &[]);
        let tree = tree.map_err(|source| self.failed(source))?;
        let tree = String::from_utf8_lossy(&tree).trim().to_owned();
        self.run(&["read-tree", &tree], &index).map_err(|source| self.failed(source))?;
        let place = format!("--work-tree={folder}");
        self.run(&[&place, "checkout-index", "--all", "--force"], &index)
            .map_err(|source| self.failed(source))?;
        TreeId::try_from(tree).map_err(|error| self.failed(TransportError::Program(error.to_string())))
    }

    /// The submodules of a commit, not those that lie in them.
    pub(super) fn submodules(&self, commit: &CommitId) -> Result<Vec<Submodule>, GitError> {
        let wrong = |source| GitError::Submodules { url: self.url.to_string(), source };
        let entries = self.entries(commit)?;
        let mut links = Vec::new();
        for entry in entries.iter().filter(|entry| entry.mode == COMMIT) {
            let commit = CommitId::try_from(entry.id.clone())
                .map_err(|error| self.failed(TransportError::Program(error.to_string())))?;
            links.push((entry.path.clone(), commit));
        }
        let file = entries.iter().find(|entry| entry.path == submodule::FILE && entry.mode != LINK);
        let text = match file {
            Some(file) if !links.is_empty() => {
                self.run(&["cat-file", "blob", &file.id], &[]).map_err(|source| self.failed(source))?
            }
            _ => Vec::new(),
        };
        submodule::stated_by(links, &text, self.url).map_err(wrong)
    }

    /// All entries of a commit's tree. One whose name would lead elsewhere, or that is there twice, is an error.
    fn entries(&self, commit: &CommitId) -> Result<Vec<Entry>, GitError> {
        let listed = self.run(&["ls-tree", "-r", "-z", "--full-tree", commit.as_str()], &[]);
        let listed = listed.map_err(|source| self.failed(source))?;
        let (mut entries, mut seen) = (Vec::new(), HashSet::new());
        for line in String::from_utf8_lossy(&listed).split_terminator('\0') {
            let Some((about, path)) = line.split_once('\t') else { continue };
            let mut about = about.split(' ');
            let (Some(mode), Some(_), Some(id)) = (about.next(), about.next(), about.next()) else {
                continue;
            };
            let is_unsafe = mode == COMMIT && !path.split('/').all(submodule::is_safe);
            if is_unsafe || !seen.insert(path.to_owned()) {
                let source = SubmoduleError::UnsafePath { path: path.to_owned() };
                return Err(GitError::Submodules { url: self.url.to_string(), source });
            }
            entries.push(Entry { mode: mode.to_owned(), id: id.to_owned(), path: path.into() });
        }
        Ok(entries)
    }

    fn run(&self, arguments: &[&str], more: &[(&str, &str)]) -> Result<Vec<u8>, TransportError> {
        let mut all = vec![format!("--git-dir={}", self.folder)];
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self.git.run(&all, more, None)
    }

    fn failed(&self, source: TransportError) -> GitError {
        match source {
            TransportError::Cancelled => GitError::Cancelled,
            source => GitError::Transport { url: self.url.to_string(), source },
        }
    }
}
