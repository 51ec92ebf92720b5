//! What one conversation with a server needs to know, and how it ended: the way past libgit2, whose callbacks carry neither.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;

use super::config::UserConfig;
use super::transport_error::TransportError;
use super::url::{Credentials, GitUrl, Kind};
use crate::Machine;

/// How long a server may take to accept a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a server may be silent, unless `ALO_GIT_TIMEOUT` says another number of seconds.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Shared by the thread that talks to the server and the one that waits for it.
pub(super) struct Context {
    /// The address that is asked: the plan's, or what the user's configuration puts in its place.
    pub(super) url: GitUrl,
    pub(super) config: UserConfig,
    pub(super) variables: BTreeMap<OsString, OsString>,
    pub(super) home: Option<Utf8PathBuf>,
    /// The git program, if there is one.
    pub(super) git: Option<Utf8PathBuf>,
    /// The program that takes the place of `ssh`, and its first arguments.
    pub(super) ssh: Vec<OsString>,
    pub(super) stall: Duration,
    /// What has opened the door: asked for once, used for every request of the conversation.
    credentials: Mutex<Option<Credentials>>,
    cancelled: AtomicBool,
    failure: Mutex<Option<TransportError>>,
}

thread_local! {
    /// libgit2 makes transports on the thread that connects; this is how they learn whom they work for.
    static CURRENT: RefCell<Option<Arc<Context>>> = const { RefCell::new(None) };
}

impl Context {
    pub(super) fn new(url: GitUrl, config: UserConfig, machine: &Machine, stall: Duration) -> Self {
        let credentials = match url.kind() {
            Kind::Http { credentials, .. } => credentials.clone(),
            _ => None,
        };
        Self {
            url,
            config,
            variables: machine.child_variables(),
            home: machine.home.clone(),
            git: machine.program("git"),
            ssh: machine.program("ssh").map(Into::into).into_iter().collect(),
            stall,
            credentials: Mutex::new(credentials),
            cancelled: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn keep_credentials(&self, found: Option<Credentials>) {
        *self.credentials.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// Runs `work` with this context as the one of this thread.
    pub(super) fn enter<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        CURRENT.with_borrow_mut(|current| *current = Some(Arc::clone(self)));
        let done = work();
        CURRENT.with_borrow_mut(|current| *current = None);
        done
    }

    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Keeps the reason of a failure; the first one counts.
    pub(super) fn fail(&self, error: TransportError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }

    pub(super) fn take_failure(&self) -> Option<TransportError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(std::ffi::OsStr::new(name)).and_then(|value| value.to_str());
        value.filter(|value| !value.is_empty())
    }
}
