//! The git part of the cache: what callers use to turn a URL and a reference into a folder.

use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::checkout::{Checkout, Checkouts};
use super::context::{Context, STALL_TIMEOUT};
use super::error::GitError;
use super::mirror::Mirror;
use super::object_id::CommitId;
use super::reference::GitRef;
use super::url::{GitUrl, Kind};
use crate::Machine;
use crate::key_lock::KeyLock;

/// How often a waiting thread looks whether the run has been cancelled.
const POLL: Duration = Duration::from_millis(50);

/// The repositories and checkouts of the user's cache.
pub(crate) struct GitStore<'a> {
    machine: &'a Machine,
    is_offline: bool,
    cancelled: &'a dyn Fn() -> bool,
    stall: Duration,
}

impl<'a> GitStore<'a> {
    pub(crate) fn new(machine: &'a Machine, is_offline: bool, cancelled: &'a dyn Fn() -> bool) -> Self {
        Self { machine, is_offline, cancelled, stall: STALL_TIMEOUT }
    }

    /// The checkout of a commit, if it is in the cache. Costs no network, no lock and no process.
    pub(crate) fn find(&self, url: &GitUrl, commit: &CommitId) -> Result<Option<Checkout>, GitError> {
        Checkouts::new(&self.machine.cache, url).find(commit)
    }

    /// Asks the server what a reference is now, and fetches that commit.
    pub(crate) fn resolve(&self, url: &GitUrl, reference: Option<&GitRef>) -> Result<CommitId, GitError> {
        let _lock = self.lock(url)?;
        self.fetch(url, reference)
    }

    /// The checkout of a commit: from the cache, from the mirror, or else from the server.
    pub(crate) fn checkout(&self, url: &GitUrl, commit: &CommitId) -> Result<Checkout, GitError> {
        if let Some(found) = self.find(url, commit)? {
            return Ok(found);
        }
        let _lock = self.lock(url)?;
        let checkouts = Checkouts::new(&self.machine.cache, url);
        if let Some(found) = checkouts.find(commit)? {
            return Ok(found);
        }
        if !Mirror::open(&self.machine.cache, url)?.has(commit) {
            let reference = GitRef::new(commit.as_str());
            self.fetch(url, reference.as_ref()).map_err(|error| match error {
                GitError::NoReference { url, .. } => GitError::NoCommit { url, commit: commit.clone() },
                error => error,
            })?;
        }
        let mirror = Mirror::open(&self.machine.cache, url)?;
        checkouts.make(commit, |folder| mirror.write_files(commit, folder))?;
        checkouts
            .find(commit)?
            .ok_or_else(|| GitError::NoCommit { url: url.to_string(), commit: commit.clone() })
    }

    fn lock(&self, url: &GitUrl) -> Result<KeyLock, GitError> {
        let key = format!("git-{}", url.folder_name());
        Ok(KeyLock::acquire(&self.machine.cache, &key, self.cancelled)?)
    }

    /// Fetches on a thread of its own, so that a cancelled run does not wait for a slow server.
    fn fetch(&self, url: &GitUrl, reference: Option<&GitRef>) -> Result<CommitId, GitError> {
        // A repository on this machine needs no network.
        if self.is_offline && !matches!(url.kind(), Kind::Folder(_)) {
            return Err(GitError::Offline { url: url.to_string(), reference: reference.cloned() });
        }
        let variables = self.machine.child_variables();
        let ssh = variables.get(OsStr::new("GIT_SSH")).filter(|program| !program.is_empty()).cloned();
        let ssh = ssh.or_else(|| self.machine.program("ssh").map(Into::into));
        let context = Arc::new(Context::new(url.clone(), variables, ssh, self.stall));
        let (sender, receiver) = channel();
        let (cache, url, reference) = (self.machine.cache.clone(), url.clone(), reference.cloned());
        let theirs = Arc::clone(&context);
        let shown = url.to_string();
        let worker = std::thread::Builder::new().name("git-fetch".to_owned()).spawn(move || {
            let fetched =
                Mirror::open(&cache, &url).and_then(|mirror| mirror.fetch(reference.as_ref(), &theirs));
            // The receiver waits until it has the answer.
            let _ = sender.send(fetched);
        });
        let _worker = worker.map_err(|source| GitError::Cache { url: shown.clone(), source })?;
        loop {
            match receiver.recv_timeout(POLL) {
                Ok(fetched) => return fetched,
                Err(RecvTimeoutError::Timeout) => {
                    if (self.cancelled)() {
                        context.cancel();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let source = git2::Error::from_str("the thread that fetched has died");
                    return Err(GitError::Git { url: shown, source });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use camino::Utf8Path;

    use super::*;
    use crate::git::TransportError;

    #[test]
    fn a_server_that_accepts_and_says_nothing_is_given_up() {
        let cache = tempfile::tempdir().unwrap();
        let cache = Utf8Path::from_path(cache.path()).unwrap();
        let machine = Machine::new(cache, []);
        // The kernel accepts the connection; nobody ever answers it.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/a.git", listener.local_addr().unwrap());
        let url = GitUrl::parse(&url, cache).unwrap();
        let store =
            GitStore { stall: Duration::from_millis(100), ..GitStore::new(&machine, false, &|| false) };
        let error = store.resolve(&url, None).unwrap_err();
        assert!(
            matches!(&error, GitError::Transport { source: TransportError::Stalled(_), .. }),
            "{error:?}"
        );
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_host_that_does_not_exist_is_told_at_once() {
        let cache = tempfile::tempdir().unwrap();
        let cache = Utf8Path::from_path(cache.path()).unwrap();
        let machine = Machine::new(cache, []);
        let url = GitUrl::parse("https://me:s3cret@host.invalid/a.git", cache).unwrap();
        let error = GitStore::new(&machine, false, &|| false).resolve(&url, None).unwrap_err();
        assert_eq!(error.to_string(), "failed to fetch `https://***@host.invalid/a.git`");
        assert!(
            matches!(&error, GitError::Transport { source: TransportError::Connection(_), .. }),
            "{error:?}"
        );
    }
}
