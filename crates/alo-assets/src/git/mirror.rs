//! The bare repository of the cache that holds what has been fetched from one URL.

use std::io::{self, Write};
use std::sync::Arc;

use camino::Utf8Path;
use git2::{AutotagOption, Direction, FetchOptions, Oid, RemoteCallbacks, Repository, RepositoryInitOptions};

use super::context::Context;
use super::error::GitError;
use super::listing::{Listed, Listing};
use super::object_id::{CommitId, TreeId};
use super::reference::GitRef;
use super::submodule::{self, Submodule};
use super::transport;
use super::transport_error::TransportError;
use super::unsupported::Unsupported;
use super::url::{GitUrl, Kind};
use crate::cache::Place;
use crate::digest;

/// The depth of a commit without its history.
const TIP: i32 = 1;

/// A bare repository, one for each URL, shared by all projects of the user.
pub(super) struct Mirror {
    repository: Repository,
    url: GitUrl,
}

/// What a reference was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The commit.
    pub(crate) commit: CommitId,
    /// Whether a branch was taken although there is a tag of its name that is another commit.
    pub(crate) has_tag_too: bool,
}

impl Mirror {
    /// Opens the mirror of `url` below `cache`, making an empty one if there is none (or a broken one).
    pub(super) fn open(cache: &Utf8Path, url: &GitUrl) -> Result<Self, GitError> {
        let failed = |source| GitError::Git { url: url.to_string(), source };
        transport::register_all().map_err(failed)?;
        let path = Self::place(url).folder(cache);
        if let Ok(repository) = Repository::open_bare(&path) {
            return Ok(Self { repository, url: url.clone() });
        }
        // What is left of a damaged one would make libgit2 believe that objects are there.
        if path.exists() {
            fs_err::remove_dir_all(&path)
                .map_err(|source| GitError::Cache { url: url.to_string(), source })?;
        }
        let mut options = RepositoryInitOptions::new();
        options.bare(true).mkpath(true).external_template(false);
        let repository = Repository::init_opts(&path, &options).map_err(failed)?;
        Ok(Self { repository, url: url.clone() })
    }

    /// Where the mirror of that URL lies.
    pub(super) fn place(url: &GitUrl) -> Place {
        Place::Mirror { repository: url.folder_name(), is_wide: false }
    }

    /// Whether the commit has been fetched.
    pub(super) fn has(&self, commit: &CommitId) -> bool {
        Oid::from_str(commit.as_str()).is_ok_and(|id| self.repository.find_commit(id).is_ok())
    }

    /// Asks the server what `reference` is now and fetches that commit if it is not here.
    ///
    /// A branch goes before a tag of the same name, as for `git clone --branch`. Only the files of the one commit are
    /// fetched where the server can do that, not its history.
    pub(super) fn fetch(
        &self,
        reference: Option<&GitRef>,
        context: &Arc<Context>,
    ) -> Result<Found, GitError> {
        let fetched = context.enter(|| match context.url.kind() {
            Kind::Folder(path) => self.fetch_from_folder(path, reference),
            Kind::Helper(helper) => {
                Err(self.unsupported(Unsupported::Helper(helper.program_part().to_owned())))
            }
            _ => self.fetch_from_server(reference, context),
        });
        fetched.map_err(|error| match (context.take_failure(), error) {
            (Some(source), _) => GitError::Transport { url: self.url.to_string(), source },
            (None, _) if context.is_cancelled() => GitError::Cancelled,
            // What a git daemon says of a repository that it does not have, or does not show.
            (None, GitError::Git { url, source }) if is_unknown_repository(&source) => {
                GitError::Transport { url, source: TransportError::NotFound(source.message().to_owned()) }
            }
            (None, GitError::Git { url, source }) if is_early_end(&source) => {
                GitError::Transport { url, source: TransportError::Truncated }
            }
            (None, error) => error,
        })
    }

    /// Copies one commit, without its history, from a repository on this machine.
    fn fetch_from_folder(&self, path: &Utf8Path, reference: Option<&GitRef>) -> Result<Found, GitError> {
        let failed = |source| self.failed(source);
        let source = Repository::open(path).map_err(|error| match error.code() {
            git2::ErrorCode::NotFound if path.is_file() => self.unsupported(Unsupported::Bundle),
            git2::ErrorCode::NotFound => GitError::NoRepository { path: path.to_owned() },
            // The format's version, one of its extensions, or the kind of its objects' names.
            git2::ErrorCode::GenericError | git2::ErrorCode::Invalid
                if error.class() == git2::ErrorClass::Repository =>
            {
                self.unsupported(Unsupported::Format(error.message().to_owned()))
            }
            _ => failed(error),
        })?;
        let listing = Listing::of_repository(&source).map_err(failed)?;
        let chosen = listing.choose(reference, &self.url)?;
        let object = match (chosen, reference) {
            (Some(chosen), _) => chosen.oid().and_then(|id| source.find_object(id, None)),
            (None, Some(text)) => source.revparse_single(text.as_str()),
            (None, None) => return Err(GitError::Empty { url: self.url.to_string() }),
        };
        let commit = match (object.and_then(|object| object.peel_to_commit()), reference) {
            (Ok(commit), _) => commit,
            (Err(_), Some(reference)) if chosen.is_none() => {
                return Err(listing.no_reference(reference, &self.url));
            }
            (Err(error), _) => return Err(failed(error)),
        };
        let found = Found { commit: commit.id().into(), has_tag_too: listing.has_tag_of(chosen) };
        self.copy(&source, commit.id())?;
        Ok(found)
    }

    /// Takes over one commit, without its history, from a bare repository of the cache.
    pub(super) fn take(&self, folder: &Utf8Path, commit: &CommitId) -> Result<(), GitError> {
        let source = Repository::open_bare(folder).map_err(|source| self.failed(source))?;
        let id = Oid::from_str(commit.as_str()).map_err(|source| self.failed(source))?;
        self.copy(&source, id)
    }

    fn copy(&self, source: &Repository, commit: Oid) -> Result<(), GitError> {
        if self.has(&commit.into()) {
            return Ok(());
        }
        let odb = self.repository.odb().map_err(|source| self.failed(source))?;
        copy_commit(source, commit, &odb)
            .map_err(|source| GitError::Cache { url: self.url.to_string(), source })
    }

    fn fetch_from_server(
        &self,
        reference: Option<&GitRef>,
        context: &Arc<Context>,
    ) -> Result<Found, GitError> {
        let failed = |source| self.failed(source);
        let listing = self.list(context).map_err(failed)?;
        let chosen = listing.choose(reference, &self.url)?;
        let missing = |id: Oid| !self.repository.odb().is_ok_and(|odb| odb.exists(id));
        if let Some(chosen) = chosen {
            let id = chosen.oid().map_err(failed)?;
            if missing(id) {
                self.download_tip(&[refspec(&chosen.name)], context).map_err(failed)?;
            }
            let object = self.repository.find_object(id, None).map_err(failed)?;
            let commit = object.peel_to_commit().map_err(failed)?.id().into();
            return Ok(Found { commit, has_tag_too: listing.has_tag_of(Some(chosen)) });
        }
        let Some(reference) = reference else {
            return Err(GitError::Empty { url: self.url.to_string() });
        };
        if self.find(reference).is_none() {
            self.download_commit(reference, &listing, context).map_err(failed)?;
        }
        match self.find(reference) {
            Some(commit) => Ok(Found { commit, has_tag_too: false }),
            None => Err(listing.no_reference(reference, &self.url)),
        }
    }

    /// Fetches a commit that has no name: alone if a name points at it or the server gives out single commits, else with
    /// all there is.
    fn download_commit(
        &self,
        reference: &GitRef,
        listing: &Listing,
        context: &Arc<Context>,
    ) -> Result<(), git2::Error> {
        let text = reference.as_str().to_ascii_lowercase();
        if let Some(head) = listing.branches_and_tags().find(|head| head.id.starts_with(&text)) {
            return self.download_tip(&[refspec(&head.name)], context);
        }
        if let Ok(id) = CommitId::try_from(text) {
            let single = format!("+{id}:refs/alo/{id}");
            match self.download(&[single], TIP, context) {
                // Servers say beforehand whether they do this, and whether they know of depth.
                Err(error) if is_unsupported(&error) => {}
                done => return done,
            }
        }
        let all: Vec<_> = listing.branches_and_tags().map(|head| refspec(&head.name)).collect();
        self.download(&all, self.whole_history(), context)
    }

    fn download_tip(&self, refspecs: &[String], context: &Arc<Context>) -> Result<(), git2::Error> {
        match self.download(refspecs, TIP, context) {
            Err(error) if is_unsupported(&error) => self.download(refspecs, self.whole_history(), context),
            done => done,
        }
    }

    /// The depth that fetches what a shallow repository lacks; a whole one lacks nothing.
    fn whole_history(&self) -> i32 {
        if self.repository.is_shallow() { i32::MAX } else { 0 }
    }

    fn list(&self, context: &Arc<Context>) -> Result<Listing, git2::Error> {
        let mut remote = self.repository.remote_anonymous(&context.url.remote())?;
        let connection = remote.connect_auth(Direction::Fetch, Some(callbacks(context)), None)?;
        let heads = connection.list()?.iter().map(|head| Listed {
            name: head.name().to_owned(),
            id: head.oid().to_string(),
            symbolic: head.symref_target().map(str::to_owned),
        });
        Ok(Listing(heads.collect()))
    }

    fn download(&self, refspecs: &[String], depth: i32, context: &Arc<Context>) -> Result<(), git2::Error> {
        let mut options = FetchOptions::new();
        options
            .remote_callbacks(callbacks(context))
            .download_tags(AutotagOption::None)
            .update_fetchhead(false)
            .depth(depth);
        let mut remote = self.repository.remote_anonymous(&context.url.remote())?;
        remote.fetch(refspecs, Some(&mut options), None)
    }

    /// The commit of the mirror that a full or abbreviated hash names.
    fn find(&self, reference: &GitRef) -> Option<CommitId> {
        if !reference.may_be_commit() {
            return None;
        }
        let object = self.repository.revparse_single(reference.as_str()).ok()?;
        Some(object.peel_to_commit().ok()?.id().into())
    }

    /// Writes the files of a commit to `folder`, which is empty. Answers its tree.
    pub(super) fn write_files(&self, commit: &CommitId, folder: &Utf8Path) -> Result<TreeId, GitError> {
        let tree = self.tree(commit)?;
        let id = tree.id().into();
        let unsafe_tree = |source| GitError::Submodules { url: self.url.to_string(), source };
        let files = submodule::without_links(&self.repository, tree).map_err(unsafe_tree)?;
        let mut checkout = git2::build::CheckoutBuilder::new();
        // The files of the commit and nothing else: no filter of the user's configuration, no index.
        checkout.target_dir(folder.as_std_path()).force().update_index(false).disable_filters(true);
        let written = self.repository.checkout_tree(files.as_object(), Some(&mut checkout));
        written.map(|()| id).map_err(|source| self.failed(source))
    }

    /// The submodules of a commit, not those that lie in them.
    pub(super) fn submodules(&self, commit: &CommitId) -> Result<Vec<Submodule>, GitError> {
        let found = submodule::of_tree(&self.repository, &self.tree(commit)?, &self.url);
        found.map_err(|source| GitError::Submodules { url: self.url.to_string(), source })
    }

    fn tree(&self, commit: &CommitId) -> Result<git2::Tree<'_>, GitError> {
        let id = Oid::from_str(commit.as_str());
        let tree = id.and_then(|id| self.repository.find_commit(id)).and_then(|commit| commit.tree());
        tree.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: git2::Error) -> GitError {
        GitError::Git { url: self.url.to_string(), source }
    }

    fn unsupported(&self, why: Unsupported) -> GitError {
        GitError::Transport { url: self.url.to_string(), source: why.into() }
    }
}

fn callbacks(context: &Arc<Context>) -> RemoteCallbacks<'static> {
    let context = Arc::clone(context);
    let mut callbacks = RemoteCallbacks::new();
    callbacks.transfer_progress(move |_| !context.is_cancelled());
    callbacks
}

/// Copies a commit and its files, as one pack: it is there whole or not at all.
fn copy_commit(source: &Repository, commit: Oid, to: &git2::Odb<'_>) -> io::Result<()> {
    let mut builder = source.packbuilder().map_err(io::Error::other)?;
    builder.insert_commit(commit).map_err(io::Error::other)?;
    let mut writer = to.packwriter().map_err(io::Error::other)?;
    let mut outcome = Ok(());
    let built = builder.foreach(|chunk| {
        outcome = writer.write_all(chunk);
        outcome.is_ok()
    });
    outcome?;
    built.map_err(io::Error::other)?;
    writer.commit().map_err(io::Error::other)?;
    Ok(())
}

/// Whether libgit2 found that the server cannot do what is asked, before it asked.
fn is_unsupported(error: &git2::Error) -> bool {
    error.message().contains("server doesn't support")
        || error.message().contains("cannot fetch a specific object")
}

/// The two sentences of a git daemon: the second is what it says unless it is told to be informative.
fn is_unknown_repository(error: &git2::Error) -> bool {
    let says = |part: &str| error.message().contains(part);
    says("remote error") && (says("no such repository") || says("repository not exported"))
}

/// Whether an answer stopped in its middle: libgit2 has no code of its own for it.
fn is_early_end(error: &git2::Error) -> bool {
    error.code() == git2::ErrorCode::Eof
        || error.class() == git2::ErrorClass::Indexer
        || error.message().contains("could not read from remote repository")
        || error.message().contains("early EOF")
}

/// Keeps a name of the server under a digest, so that `a` and a later `a/b` do not get into each other's way.
fn refspec(name: &str) -> String {
    format!("+{name}:refs/alo/{:.32}", digest::of_text(name))
}
