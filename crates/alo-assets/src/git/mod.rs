//! Git repositories, by libgit2, and by the git program where libgit2 cannot: the only module that knows of them.

mod authorization;
mod checkout;
mod complaint;
mod config;
mod connected;
mod contents;
mod context;
mod credential;
mod daemon;
mod error;
mod fallback;
mod http;
mod incoming;
mod listing;
mod mirror;
mod object_id;
mod program;
mod reference;
mod ssh;
mod store;
mod submodule;
mod transport;
mod transport_error;
mod unsupported;
mod url;
mod wide_mirror;

pub(crate) use checkout::{Checkout, CheckoutRecord};
pub use error::GitError;
pub use object_id::{CommitId, CommitIdError, TreeId, TreeIdError};
pub use reference::GitRef;
pub(crate) use store::GitStore;
pub use submodule::SubmoduleError;
pub use transport_error::TransportError;
pub use unsupported::Unsupported;
pub use url::{GitUrl, GitUrlError};
