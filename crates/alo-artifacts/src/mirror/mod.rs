//! A source of data beside its copy: what has to be done so that the copy is the same.
//!
//! Sources in the file system and in S3 are compared in ways of their own; what their copies have in common is [`There`],
//! what lies at the place of a copy, and [`Room`], what is removed and made before files arrive.

mod local;
mod remote;
mod room;
mod there;

pub(crate) use local::{LocalMirror, Sides, unfinished};
pub(crate) use remote::RemoteMirror;
