//! Why a conversation with a git server failed.

use std::io;
use std::time::Duration;

use super::complaint::{self, Complaint};
use super::unsupported::Unsupported;

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

    /// The failure that the words of a program tell of; `otherwise` makes one of those that tell nothing more.
    pub(super) fn told_by(complaint: &str, otherwise: fn(String) -> Self) -> Self {
        let told = match complaint::classify(complaint) {
            Complaint::Refused => Self::Refused,
            Complaint::Forbidden => Self::Forbidden,
            Complaint::NotFound => Self::NotFound,
            Complaint::Other => otherwise,
        };
        told(complaint.to_owned())
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
