//! Makes our transports known to libgit2: the one place of this crate that needs `unsafe`.

use std::sync::OnceLock;

use git2::transport::{Transport, register};

use super::connected::ConnectedTransport;
use super::context::Context;
use super::daemon::DaemonConnection;
use super::http::HttpTransport;
use super::ssh::SshConnection;

/// Registers the schemes `alo+https`, `alo+http`, `alo+ssh` and `alo+git`, once in a process.
///
/// # Errors
/// What libgit2 says, the same at every call.
pub(super) fn register_all() -> Result<(), git2::Error> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let done = DONE.get_or_init(|| register_once().map_err(|error| error.message().to_owned()));
    done.clone().map_err(|message| git2::Error::from_str(&message))
}

#[expect(unsafe_code, reason = "libgit2's list of transports has no lock; see the SAFETY comment")]
fn register_once() -> Result<(), git2::Error> {
    // SAFETY: `register` must not run at the same time as the creation of another transport. The `OnceLock` above runs it
    // once, and every use of libgit2's transports in this crate comes after it (`Mirror::open` calls `register_all`).
    // A program that embeds this crate and also uses git2 has to make its first set-up before its own threads connect;
    // our schemes (`alo+…`) replace none of its own.
    unsafe {
        for scheme in ["alo+https", "alo+http"] {
            register(scheme, |remote| Transport::smart(remote, true, HttpTransport::new(context()?)?))?;
        }
        register("alo+git", |remote| {
            Transport::smart(remote, false, ConnectedTransport::<DaemonConnection>::new(context()?))
        })?;
        register("alo+ssh", |remote| {
            Transport::smart(remote, false, ConnectedTransport::<SshConnection>::new(context()?))
        })
    }
}

fn context() -> Result<std::sync::Arc<Context>, git2::Error> {
    Context::current().ok_or_else(|| git2::Error::from_str("a transport of alo was used outside of it"))
}
