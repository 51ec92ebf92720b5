//! What one conversation with a server needs to know, and how it ended: the way past libgit2, whose callbacks carry neither.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;

use super::complaint;
use super::config::UserConfig;
use super::unsupported::Unsupported;
use super::url::{Credentials, GitUrl, Kind};
use crate::Machine;

/// How long a server may take to accept a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a server may be silent, unless `ALO_GIT_TIMEOUT` says another number of seconds.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a conversation with a server failed.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// There was no connection, or it broke.
    #[error("failed to talk to the server")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server accepted the connection and then said nothing.
    #[error("the server was silent for {} s", .0.as_secs_f64())]
    Stalled(Duration),
    /// The server is busy, or has a fault of its own.
    #[error("the server is not able to answer now: {0}")]
    Unavailable(String),
    /// The answer ended before it was whole.
    #[error("the answer of the server ended too early")]
    Truncated,
    /// The server redirects to another host, which wants a password.
    #[error("the server redirects to `{0}`, which wants a password")]
    RedirectedToLogin(String),
    /// The server knows who asks, and does not let him in.
    #[error("the server forbids access: {0}")]
    Forbidden(String),
    /// The proxy wants a password.
    #[error("the proxy refused access: {0}")]
    Proxy(String),
    /// The server wants other credentials, or any.
    #[error("the server refused access: {0}")]
    Refused(String),
    /// The server knows no such repository.
    #[error("the server knows no such repository: {0}")]
    NotFound(String),
    /// What answered is no git server.
    #[error("the server answered {0}, which is no git repository")]
    NotGit(String),
    /// `ssh` could not be started, or failed.
    #[error("{0}")]
    Ssh(String),
    /// The git program failed.
    #[error("{0}")]
    Program(String),
    /// Only the git program can do it.
    #[error("the git program is needed, since {0}")]
    Unsupported(#[from] Unsupported),
    /// The run has been cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl TransportError {
    /// Whether the same request may well succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Truncated => true,
            Self::Connection(source) => is_broken_connection(source.as_ref()),
            Self::Ssh(text) | Self::Program(text) => complaint::is_transient(text),
            _ => false,
        }
    }
}

/// A connection that was there and broke, or a name server that is out of order; not a host that is not there.
fn is_broken_connection(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = match error.downcast_ref::<ureq::Error>() {
            Some(ureq::Error::Io(error)) => Some(error),
            _ => error.downcast_ref::<io::Error>(),
        };
        if io.is_some_and(|error| BROKEN.contains(&error.kind())) {
            return true;
        }
        cause = error.source();
    }
    error.to_string().contains("Temporary failure in name resolution")
}

/// What a connection says that breaks.
const BROKEN: [io::ErrorKind; 4] = [
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::UnexpectedEof,
];

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
