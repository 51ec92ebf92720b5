//! A source of data beside its copy: what has to be done so that the copy is the same.
//!
//! Sources in the file system and in S3 are compared in ways of their own. What they have in common: [`There`], what lies at
//! the place of a copy, [`walk`](beside::walk), which goes through both sides in the order of the paths, [`Room`], what is
//! removed and made before files arrive, and [`KnownRows`], what is known of the files and what is written down of them.

mod beside;
mod known_rows;
mod local;
mod remote;
mod room;
mod side;
mod there;

pub(crate) use local::{LocalMirror, unfinished};
pub(crate) use remote::RemoteMirror;
