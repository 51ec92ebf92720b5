//! S3 and servers that speak its language: credentials, data and models in, archives out.
//!
//! [`S3Access`] is what the rest of the crate sees: it opens buckets with the plan's credentials. Everything here blocks
//! outside and is asynchronous inside, on a runtime of one thread that is started with the first bucket; a plan without
//! `s3://` pays nothing.

mod access;
mod bucket;
mod credentials;
mod download;
mod environment;
mod error;
mod key_file;
mod keys;
mod listing;
mod objects;
mod pending_upload;
mod profile;
mod remote;
mod remote_object;
mod upload;

pub use access::S3Access;
pub use credentials::CredentialsError;
pub use environment::S3Environment;
pub use error::{S3Error, S3Fault};

pub(crate) use bucket::Purpose;
pub(crate) use download::{Fetch, Fetched, Present, fetch};
pub(crate) use listing::{Found, list, look};
pub(crate) use pending_upload::{Aborted, abort_left};
pub(crate) use remote::Remote;
pub(crate) use remote_object::RemoteObject;
pub(crate) use upload::upload;
