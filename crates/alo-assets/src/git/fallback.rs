//! Fetches by the git program what libgit2 cannot: aside first, then the one commit goes to the mirror, whole or not at all.

use std::sync::Arc;

use camino::Utf8Path;

use super::context::Context;
use super::error::GitError;
use super::listing::{Listed, Listing};
use super::mirror::{Found, Mirror};
use super::object_id::{CommitId, SHA256_LENGTH};
use super::program::GitProgram;
use super::reference::GitRef;
use super::transport_error::TransportError;
use super::unsupported::Unsupported;
use super::url::{GitUrl, Kind};
use super::wide_mirror::WideMirror;
use crate::cache::MIRRORS;

/// What is wanted has this name in the repository aside.
const WANTED: &str = "refs/alo/wanted";

/// One fetch by the git program.
pub(super) struct Fallback<'a> {
    git: GitProgram<'a>,
    /// The folder of the user's cache.
    cache: &'a Utf8Path,
    /// The plan's address: git itself replaces its start as the user's configuration says.
    url: &'a GitUrl,
    context: &'a Arc<Context>,
    why: Unsupported,
}

impl<'a> Fallback<'a> {
    pub(super) fn new(
        mut git: GitProgram<'a>,
        cache: &'a Utf8Path,
        url: &'a GitUrl,
        context: &'a Arc<Context>,
        why: Unsupported,
    ) -> Self {
        git.talk_to(context);
        Self { git, cache, url, context, why }
    }

    /// Asks the server what `reference` is now and fetches that commit, as [`Mirror::fetch`] does. The caller holds the
    /// lock of the URL.
    pub(super) fn fetch(self, reference: Option<&GitRef>) -> Result<Found, GitError> {
        if let Unsupported::Helper(name) = &self.why
            && !self.git.has_helper(name).map_err(|source| self.failed(source))?
        {
            return Err(GitError::NoHelper { url: self.url.to_string(), helper: name.clone() });
        }
        let listing = self.list().map_err(|source| self.failed(source))?;
        let chosen = listing.choose(reference, self.url)?;
        let is_wide = listing.0.iter().any(|listed| listed.id.len() == SHA256_LENGTH);
        let aside = self.aside(is_wide)?;
        let folder = Utf8Path::from_path(aside.path()).ok_or_else(|| self.no_folder())?;
        let commit = match (chosen, reference) {
            (Some(chosen), _) => {
                self.download(folder, &[wanted(&chosen.name)], true).map_err(|source| self.failed(source))?;
                self.commit_of(folder, WANTED)
            }
            (None, Some(reference)) => self.nameless(folder, reference, &listing)?,
            (None, None) => return Err(GitError::Empty { url: self.url.to_string() }),
        };
        let commit = match (commit, reference) {
            (Ok(commit), _) => commit,
            (Err(TransportError::Program(_)), Some(reference)) => {
                return Err(listing.no_reference(reference, self.url));
            }
            (Err(source), _) => return Err(self.failed(source)),
        };
        let has_tag_too = listing.has_tag_of(chosen);
        if commit.is_sha256() {
            WideMirror::new(self.git, self.cache, self.url).take(folder, &commit)?;
        } else {
            Mirror::open(self.cache, self.url)?.take(folder, &commit)?;
        }
        Ok(Found { commit, has_tag_too })
    }

    fn list(&self) -> Result<Listing, TransportError> {
        let arguments = ["ls-remote", "--symref", "--", &self.address()].map(str::to_owned);
        let answer = self.git.run(&arguments, &[], None)?;
        let mut heads: Vec<Listed> = Vec::new();
        let mut targets = Vec::new();
        for line in String::from_utf8_lossy(&answer).lines() {
            let Some((id, name)) = line.split_once('\t') else { continue };
            // Where a symbolic name leads is told before what it is.
            if let Some(target) = id.strip_prefix("ref: ") {
                targets.push((name.to_owned(), target.to_owned()));
                continue;
            }
            let target = targets.iter().find(|(known, _)| known == name);
            let symbolic = target.map(|(_, target)| target.clone());
            heads.push(Listed { name: name.to_owned(), id: id.to_owned(), symbolic });
        }
        Ok(Listing(heads))
    }

    /// An empty repository for what is fetched. What killed processes have left there goes.
    fn aside(&self, is_wide: bool) -> Result<tempfile::TempDir, GitError> {
        let failed = |source| GitError::Cache { url: self.url.to_string(), source };
        let parent = self.cache.join(MIRRORS);
        let prefix = format!(".fetching-{}-", self.url.folder_name());
        fs_err::create_dir_all(&parent).map_err(failed)?;
        for entry in fs_err::read_dir(&parent).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs_err::remove_dir_all(entry.path()).map_err(failed)?;
            }
        }
        let aside = tempfile::Builder::new().prefix(&prefix).tempdir_in(&parent).map_err(failed)?;
        let folder = Utf8Path::from_path(aside.path()).ok_or_else(|| self.no_folder())?;
        self.git.init_bare(folder, is_wide).map_err(|source| self.failed(source))?;
        Ok(aside)
    }

    /// Fetches a commit that has no name: alone where a name points at it or the server gives out single commits, else with
    /// all there is. Answers its full hash.
    fn nameless(
        &self,
        folder: &Utf8Path,
        reference: &GitRef,
        listing: &Listing,
    ) -> Result<Result<CommitId, TransportError>, GitError> {
        let text = reference.as_str().to_ascii_lowercase();
        if let Some(head) = listing.branches_and_tags().find(|head| head.id.starts_with(&text)) {
            self.download(folder, &[wanted(&head.name)], true).map_err(|source| self.failed(source))?;
            return Ok(self.commit_of(folder, WANTED));
        }
        let is_alone = CommitId::try_from(text.clone())
            .is_ok_and(|commit| self.download(folder, &[wanted(commit.as_str())], true).is_ok());
        if is_alone {
            return Ok(self.commit_of(folder, WANTED));
        }
        let all = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"].map(str::to_owned);
        self.download(folder, &all, false).map_err(|source| self.failed(source))?;
        Ok(self.commit_of(folder, &text))
    }

    /// Fetches into the repository aside; only the tip where the server can do that.
    fn download(&self, folder: &Utf8Path, refspecs: &[String], is_tip: bool) -> Result<(), TransportError> {
        // Plain files cannot be asked for a part of the history.
        if is_tip && self.why != Unsupported::PlainFiles {
            match self.download_to(folder, refspecs, &["--depth=1"]) {
                Err(TransportError::Program(_)) => {}
                done => return done,
            }
        }
        self.download_to(folder, refspecs, &[])
    }

    fn download_to(
        &self,
        folder: &Utf8Path,
        refspecs: &[String],
        more: &[&str],
    ) -> Result<(), TransportError> {
        let mut arguments = vec![format!("--git-dir={folder}")];
        arguments.extend(["fetch", "--progress", "--no-tags", "--force"].map(str::to_owned));
        arguments.extend(more.iter().map(|&option| option.to_owned()));
        arguments.extend(["--".to_owned(), self.address()]);
        arguments.extend(refspecs.iter().cloned());
        self.git.run(&arguments, &[], Some(folder)).map(drop)
    }

    fn commit_of(&self, folder: &Utf8Path, name: &str) -> Result<CommitId, TransportError> {
        let commit = format!("{name}^{{commit}}");
        let arguments =
            [&format!("--git-dir={folder}"), "rev-parse", "--verify", "--end-of-options", &commit];
        let answer = self.git.run(&arguments.map(str::to_owned), &[], None)?;
        let text = String::from_utf8_lossy(&answer).trim().to_owned();
        CommitId::try_from(text).map_err(|error| TransportError::Program(error.to_string()))
    }

    /// What git is told. A folder needs no scheme, whose `%` git would decode.
    fn address(&self) -> String {
        match (self.context.url.kind(), self.url.kind()) {
            (Kind::Folder(path), _) => path.to_string(),
            (_, Kind::Helper(helper)) => helper.text.clone(),
            _ => self.url.identity().to_owned(),
        }
    }

    fn failed(&self, source: TransportError) -> GitError {
        match source {
            TransportError::Cancelled => GitError::Cancelled,
            source => GitError::Transport { url: self.url.to_string(), source },
        }
    }

    fn no_folder(&self) -> GitError {
        let source = std::io::ErrorKind::InvalidData.into();
        GitError::Cache { url: self.url.to_string(), source }
    }
}

fn wanted(name: &str) -> String {
    format!("+{name}:{WANTED}")
}
