//! The git part of the cache: what callers use to turn a URL and a reference into a folder.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

use super::checkout::{Checkout, Checkouts, Written};
use super::config::UserConfig;
use super::contents::Contents;
use super::context::{Context, STALL_TIMEOUT};
use super::error::GitError;
use super::fallback::Fallback;
use super::mirror::{Found, Mirror};
use super::object_id::CommitId;
use super::program::GitProgram;
use super::reference::GitRef;
use super::submodule::{self, COUNT_LIMIT, DEPTH_LIMIT, Submodule, SubmoduleError};
use super::transport_error::TransportError;
use super::unsupported::Unsupported;
use super::url::{GitUrl, Kind};
use super::wide_mirror::WideMirror;
use crate::cache::CacheUse;
use crate::key_lock::KeyLock;
use crate::{Machine, SetupEvent};

/// How often a waiting thread looks whether the run has been cancelled.
const POLL: Duration = Duration::from_millis(50);
/// How often a fetch is tried whose fault may pass.
const ATTEMPTS: u32 = 3;
/// How long it waits before the second attempt; four times that before the third.
const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// The variable that says how many seconds a server may be silent.
const TIMEOUT: &str = "ALO_GIT_TIMEOUT";

/// The repositories and checkouts of the user's cache.
pub(crate) struct GitStore<'a> {
    machine: &'a Machine,
    is_offline: bool,
    cancelled: &'a dyn Fn() -> bool,
}

impl<'a> GitStore<'a> {
    pub(crate) fn new(machine: &'a Machine, is_offline: bool, cancelled: &'a dyn Fn() -> bool) -> Self {
        Self { machine, is_offline, cancelled }
    }

    /// The checkout of a commit, if it is in the cache. Costs no network and no process, and waits for nobody who fetches.
    pub(crate) fn find(&self, url: &GitUrl, commit: &CommitId) -> Result<Option<Checkout>, GitError> {
        Checkouts::new(&self.machine.cache, url).find(commit)
    }

    /// Asks the server what a reference is now, and fetches that commit.
    pub(crate) fn resolve(
        &self,
        url: &GitUrl,
        reference: Option<&GitRef>,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<CommitId, GitError> {
        let _lock = self.lock(url)?;
        let found = self.fetch(url, reference, observer)?;
        if let (true, Some(name)) = (found.has_tag_too, reference) {
            let message = format!(
                "`{url}` has a branch and a tag `{name}`, which differ: the branch is taken; write `refs/tags/{name}` for the tag"
            );
            observer(SetupEvent::Warning { message });
        }
        Ok(found.commit)
    }

    /// The checkout of a commit: from the cache, from the mirror, or else from the server.
    pub(crate) fn checkout(
        &self,
        url: &GitUrl,
        commit: &CommitId,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Checkout, GitError> {
        if let Some(found) = self.find(url, commit)? {
            return Ok(found);
        }
        self.ensure(url, commit, observer)?;
        // One lock at a time, or two repositories that have each other for submodules would wait for each other.
        let submodules = self.submodules(url, commit, observer)?;
        let _lock = self.lock(url)?;
        let checkouts = Checkouts::new(&self.machine.cache, url);
        if let Some(found) = checkouts.find(commit)? {
            return Ok(found);
        }
        checkouts.make(commit, |folder| self.write(url, commit, &submodules, folder))?;
        checkouts
            .find(commit)?
            .ok_or_else(|| GitError::NoCommit { url: url.to_string(), commit: commit.clone() })
    }

    /// Fetches a commit unless its mirror has it.
    fn ensure(
        &self,
        url: &GitUrl,
        commit: &CommitId,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<(), GitError> {
        let _lock = self.lock(url)?;
        if let Some(contents) = self.contents(url, commit)?
            && contents.has(commit)?
        {
            return Ok(());
        }
        let reference = GitRef::new(commit.as_str());
        self.fetch(url, reference.as_ref(), observer).map(drop).map_err(|error| match error {
            GitError::NoReference { url, .. } => GitError::NoCommit { url, commit: commit.clone() },
            error => error,
        })
    }

    /// Fetches the submodules of a commit, and theirs. Those that hold others come first.
    fn submodules(
        &self,
        url: &GitUrl,
        commit: &CommitId,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Vec<Submodule>, GitError> {
        let mut found: Vec<Submodule> = Vec::new();
        let mut waiting = vec![(url.clone(), commit.clone(), Utf8PathBuf::new(), 0)];
        while let Some((parent, commit, below, depth)) = waiting.pop() {
            for submodule in self.fetched(&parent, &commit)?.submodules(&commit)? {
                let path = below.join(&submodule.path);
                if depth == DEPTH_LIMIT || found.len() == COUNT_LIMIT {
                    let (url, source) = (url.to_string(), SubmoduleError::TooMany);
                    return Err(GitError::Submodules { url, source });
                }
                if let Some(url) = &submodule.url {
                    observer(SetupEvent::FetchingSubmodule { path: path.clone(), url: url.to_string() });
                    self.ensure(url, &submodule.commit, observer).map_err(|source| GitError::Submodule {
                        path: path.clone(),
                        parent: parent.to_string(),
                        source: Box::new(source),
                    })?;
                    waiting.push((url.clone(), submodule.commit.clone(), path.clone(), depth + 1));
                }
                found.push(Submodule { path, ..submodule });
            }
        }
        Ok(found)
    }

    /// Writes the files of a commit and of its submodules.
    fn write(
        &self,
        url: &GitUrl,
        commit: &CommitId,
        submodules: &[Submodule],
        folder: &Utf8Path,
    ) -> Result<Written, GitError> {
        let tree = self.fetched(url, commit)?.write_files(commit, folder)?;
        let mut empty_folders = Vec::new();
        for Submodule { path, commit, url: source } in submodules {
            let failed = |source| GitError::Cache { url: url.to_string(), source };
            let place = submodule::prepare_folder(folder, path).map_err(failed)?;
            match source {
                Some(source) => drop(self.fetched(source, commit)?.write_files(commit, &place)?),
                None => empty_folders.push(path.clone()),
            }
        }
        Ok(Written { tree, empty_folders })
    }

    /// The mirror that would hold the commit; `None` if none does.
    fn contents<'b>(&'b self, url: &'b GitUrl, commit: &CommitId) -> Result<Option<Contents<'b>>, GitError> {
        let cache = &self.machine.cache;
        if !commit.is_sha256() {
            return Ok(Some(Contents::Library(Mirror::open(cache, url)?)));
        }
        if !WideMirror::exists(cache, url) {
            return Ok(None);
        }
        let git = GitProgram::find(self.machine, url, &Unsupported::Sha256, self.stall()?, self.cancelled)?;
        Ok(Some(Contents::Program(WideMirror::new(git, cache, url))))
    }

    /// The mirror of a commit that has been fetched.
    fn fetched<'b>(&'b self, url: &'b GitUrl, commit: &CommitId) -> Result<Contents<'b>, GitError> {
        let contents = self.contents(url, commit)?;
        contents.ok_or_else(|| GitError::NoCommit { url: url.to_string(), commit: commit.clone() })
    }

    /// The right to change the mirror of a URL and its checkouts, which counts as a use of the mirror.
    fn lock(&self, url: &GitUrl) -> Result<(CacheUse, KeyLock), GitError> {
        let (cache, mirror) = (&self.machine.cache, Mirror::place(url));
        let in_use = CacheUse::begin(cache, &mirror)?;
        Ok((in_use, KeyLock::acquire(cache, &mirror.maker_lock(), self.cancelled)?))
    }

    /// Fetches, and tries again where the fault will pass.
    fn fetch(
        &self,
        url: &GitUrl,
        reference: Option<&GitRef>,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Found, GitError> {
        let config = UserConfig::read(self.machine)?;
        let asked = config.rewritten(url)?;
        // A repository on this machine needs no network.
        if self.is_offline && !matches!(asked.kind(), Kind::Folder(_)) {
            return Err(GitError::Offline { url: url.to_string(), reference: reference.cloned() });
        }
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let context = Context::new(asked.clone(), config.clone(), self.machine, self.stall()?);
            match self.fetch_once(url, &Arc::new(context), reference) {
                Err(error) if error.is_transient() && attempt < ATTEMPTS => {
                    attempt += 1;
                    let because = error.reason();
                    observer(SetupEvent::Retrying { url: url.to_string(), attempt, of: ATTEMPTS, because });
                    self.wait(pause)?;
                    pause *= 4;
                }
                done => return done,
            }
        }
    }

    fn wait(&self, pause: Duration) -> Result<(), GitError> {
        let started = Instant::now();
        while started.elapsed() < pause {
            if (self.cancelled)() {
                return Err(GitError::Cancelled);
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// The limit of a server's silence, as the user wants it.
    fn stall(&self) -> Result<Duration, GitError> {
        let Some(value) = self.machine.variable(TIMEOUT) else { return Ok(STALL_TIMEOUT) };
        let seconds = value.parse().ok().and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
        seconds
            .filter(|limit| !limit.is_zero())
            .ok_or_else(|| GitError::Timeout { name: TIMEOUT, value: value.to_owned() })
    }

    /// Fetches by libgit2, and only what that cannot do by the git program.
    fn fetch_once(
        &self,
        url: &GitUrl,
        context: &Arc<Context>,
        reference: Option<&GitRef>,
    ) -> Result<Found, GitError> {
        match self.fetch_by_library(url, context, reference) {
            Err(GitError::Transport { source: TransportError::Unsupported(why), .. }) => {
                let git = GitProgram::find(self.machine, url, &why, context.stall, self.cancelled)?;
                Fallback::new(git, &self.machine.cache, url, context, why).fetch(reference)
            }
            done => done,
        }
    }

    /// Fetches on a thread of its own, so that a cancelled run does not wait for a slow server.
    fn fetch_by_library(
        &self,
        url: &GitUrl,
        context: &Arc<Context>,
        reference: Option<&GitRef>,
    ) -> Result<Found, GitError> {
        let (sender, receiver) = channel();
        let (cache, url, reference) = (self.machine.cache.clone(), url.clone(), reference.cloned());
        let theirs = Arc::clone(context);
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

    #[test]
    fn a_server_that_accepts_and_says_nothing_is_given_up() {
        let cache = tempfile::tempdir().unwrap();
        let cache = Utf8Path::from_path(cache.path()).unwrap();
        let machine = Machine::new(cache, [("ALO_GIT_TIMEOUT".into(), "0.1".into())]);
        // The kernel accepts the connection; nobody ever answers it.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/a.git", listener.local_addr().unwrap());
        let url = GitUrl::parse(&url, cache).unwrap();
        let store = GitStore::new(&machine, false, &|| false);
        let error = store.resolve(&url, None, &mut |_| {}).unwrap_err();
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
        let error = GitStore::new(&machine, false, &|| false)
            .resolve(&url, None, &mut |event| panic!("{event:?}"))
            .unwrap_err();
        assert_eq!(error.to_string(), "failed to fetch `https://***@host.invalid/a.git`");
        assert!(
            matches!(&error, GitError::Transport { source: TransportError::Connection(_), .. }),
            "{error:?}"
        );
    }
}
