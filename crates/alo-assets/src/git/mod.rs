//! Git repositories, by libgit2: the only module that knows of it.

mod checkout;
mod config;
mod context;
mod credential;
mod daemon;
mod error;
mod http;
mod incoming;
mod listing;
mod mirror;
mod object_id;
mod reference;
mod ssh;
mod store;
mod submodule;
mod transport;
mod url;

pub(crate) use checkout::Checkout;
pub use context::TransportError;
pub use error::GitError;
pub use object_id::{CommitId, CommitIdError, TreeId, TreeIdError};
pub use reference::GitRef;
pub(crate) use store::GitStore;
pub use submodule::SubmoduleError;
pub use url::{GitUrl, GitUrlError};
