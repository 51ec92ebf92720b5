//! The bare repository of the cache that holds what has been fetched from one URL.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use git2::{AutotagOption, Direction, FetchOptions, Oid, RemoteCallbacks, Repository, RepositoryInitOptions};

use super::checkout::Written;
use super::context::Context;
use super::error::GitError;
use super::object_id::CommitId;
use super::reference::GitRef;
use super::transport;
use super::url::{GitUrl, Kind};
use crate::digest;

/// At most this many similar names are suggested.
const SUGGESTIONS: usize = 2;
/// Names less similar than this (Jaro-Winkler, 0 to 1) are no suggestion.
const SIMILARITY: f64 = 0.8;

/// A bare repository, one for each URL, shared by all projects of the user.
pub(super) struct Mirror {
    repository: Repository,
    url: GitUrl,
}

/// A name that the server lists, with what it points at.
struct Listed {
    name: String,
    id: Oid,
    symbolic: Option<String>,
}

impl Mirror {
    /// Opens the mirror of `url` below `cache`, making an empty one if there is none (or a broken one).
    pub(super) fn open(cache: &Utf8Path, url: &GitUrl) -> Result<Self, GitError> {
        let failed = |source| GitError::Git { url: url.to_string(), source };
        transport::register_all().map_err(failed)?;
        let path = Self::path(cache, url);
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

    fn path(cache: &Utf8Path, url: &GitUrl) -> Utf8PathBuf {
        cache.join("git").join("mirrors").join(url.folder_name())
    }

    /// Whether the commit has been fetched.
    pub(super) fn has(&self, commit: &CommitId) -> bool {
        Oid::from_str(commit.as_str()).is_ok_and(|id| self.repository.find_commit(id).is_ok())
    }

    /// Asks the server what `reference` is now and fetches that commit if it is not here.
    ///
    /// A branch goes before a tag of the same name, as for `git clone --branch`.
    pub(super) fn fetch(
        &self,
        reference: Option<&GitRef>,
        context: &Arc<Context>,
    ) -> Result<CommitId, GitError> {
        let fetched = context.enter(|| self.fetch_here(reference, context));
        fetched.map_err(|error| match (context.take_failure(), error) {
            (Some(source), _) => GitError::Transport { url: self.url.to_string(), source },
            (None, _) if context.is_cancelled() => GitError::Cancelled,
            (None, error) => error,
        })
    }

    fn fetch_here(&self, reference: Option<&GitRef>, context: &Arc<Context>) -> Result<CommitId, GitError> {
        if let Kind::Folder(path) = self.url.kind()
            && Repository::open(path).is_err_and(|error| error.code() == git2::ErrorCode::NotFound)
        {
            return Err(GitError::NoRepository { path: path.clone() });
        }
        let failed = |source| self.failed(source);
        let mut remote = self.repository.remote_anonymous(&self.url.remote()).map_err(failed)?;
        let mut connection =
            remote.connect_auth(Direction::Fetch, Some(callbacks(context)), None).map_err(failed)?;
        let listed: Vec<_> = connection
            .list()
            .map_err(failed)?
            .iter()
            .map(|head| Listed {
                name: head.name().to_owned(),
                id: head.oid(),
                symbolic: head.symref_target().map(str::to_owned),
            })
            .collect();
        let wanted = self.choose(reference, &listed)?;
        let refspecs = match &wanted {
            Some(wanted) if self.repository.odb().is_ok_and(|odb| odb.exists(wanted.id)) => None,
            Some(wanted) => Some(vec![refspec(&wanted.name)]),
            // A commit: it can be anywhere in the history.
            None if reference.is_some_and(|reference| self.find(reference).is_some()) => None,
            None => Some(
                listed
                    .iter()
                    .filter(|head| is_branch_or_tag(&head.name))
                    .map(|head| refspec(&head.name))
                    .collect(),
            ),
        };
        if let Some(refspecs) = refspecs {
            let mut options = FetchOptions::new();
            options
                .remote_callbacks(callbacks(context))
                .download_tags(AutotagOption::None)
                .update_fetchhead(false);
            connection.remote().fetch(&refspecs, Some(&mut options), None).map_err(failed)?;
        }
        match (&wanted, reference) {
            (Some(wanted), _) => {
                let object = self.repository.find_object(wanted.id, None).map_err(failed)?;
                Ok(object.peel_to_commit().map_err(failed)?.id().into())
            }
            (None, Some(reference)) => {
                self.find(reference).ok_or_else(|| self.no_reference(reference, &listed))
            }
            (None, None) => Err(GitError::Empty { url: self.url.to_string() }),
        }
    }

    /// The listed name that is meant; `None` if it can only be a commit.
    fn choose<'a>(
        &self,
        reference: Option<&GitRef>,
        listed: &'a [Listed],
    ) -> Result<Option<&'a Listed>, GitError> {
        let named = |name: &str| listed.iter().find(|head| head.name == name);
        let Some(reference) = reference else {
            let head = named("HEAD").ok_or_else(|| GitError::Empty { url: self.url.to_string() })?;
            return Ok(head.symbolic.as_deref().and_then(named).or(Some(head)));
        };
        let text = reference.as_str();
        let found = named(&format!("refs/heads/{text}"))
            .or_else(|| named(&format!("refs/tags/{text}")))
            .or_else(|| named(text).filter(|head| is_branch_or_tag(&head.name)));
        match found {
            Some(found) => Ok(Some(found)),
            None if reference.may_be_commit() => Ok(None),
            None => Err(self.no_reference(reference, listed)),
        }
    }

    /// The commit of the mirror that a full or abbreviated hash names.
    fn find(&self, reference: &GitRef) -> Option<CommitId> {
        if !reference.may_be_commit() {
            return None;
        }
        let object = self.repository.revparse_single(reference.as_str()).ok()?;
        Some(object.peel_to_commit().ok()?.id().into())
    }

    fn no_reference(&self, reference: &GitRef, listed: &[Listed]) -> GitError {
        let mut near: Vec<_> = listed
            .iter()
            .filter_map(|head| {
                let name = head.name.strip_prefix("refs/heads/").or(head.name.strip_prefix("refs/tags/"))?;
                let score = strsim::jaro_winkler(name, reference.as_str());
                (!name.ends_with("^{}") && score >= SIMILARITY).then(|| (score, name.to_owned()))
            })
            .collect();
        near.sort_by(|(one, a), (other, b)| other.total_cmp(one).then_with(|| a.cmp(b)));
        near.dedup();
        let near = near.into_iter().take(SUGGESTIONS).map(|(_, name)| name).collect();
        GitError::NoReference { url: self.url.to_string(), reference: reference.clone(), near }
    }

    /// Writes the files of a commit to `folder`, which is empty. Answers what it was.
    pub(super) fn write_files(&self, commit: &CommitId, folder: &Utf8Path) -> Result<Written, GitError> {
        let failed = |source| self.failed(source);
        let id = Oid::from_str(commit.as_str()).map_err(failed)?;
        let tree = self.repository.find_commit(id).and_then(|commit| commit.tree()).map_err(failed)?;
        let mut checkout = git2::build::CheckoutBuilder::new();
        // The files of the commit and nothing else: no filter of the user's configuration, no index.
        checkout.target_dir(folder.as_std_path()).force().update_index(false).disable_filters(true);
        self.repository.checkout_tree(tree.as_object(), Some(&mut checkout)).map_err(failed)?;
        Ok(Written { tree: tree.id().into(), has_submodules: tree.get_name(".gitmodules").is_some() })
    }

    fn failed(&self, source: git2::Error) -> GitError {
        GitError::Git { url: self.url.to_string(), source }
    }
}

fn callbacks(context: &Arc<Context>) -> RemoteCallbacks<'static> {
    let context = Arc::clone(context);
    let mut callbacks = RemoteCallbacks::new();
    callbacks.transfer_progress(move |_| !context.is_cancelled());
    callbacks
}

fn is_branch_or_tag(name: &str) -> bool {
    (name.starts_with("refs/heads/") || name.starts_with("refs/tags/")) && !name.ends_with("^{}")
}

/// Keeps a name of the server under a digest, so that `a` and a later `a/b` do not get into each other's way.
fn refspec(name: &str) -> String {
    format!("+{name}:refs/alo/{:.32}", digest::of_text(name))
}
