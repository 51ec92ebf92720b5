//! What was copied to `input/<kind>`, and from which files: why an unchanged file is not copied again.
//!
//! The manifest is a cache: without it every file is compared by content, and nothing is lost. There may be millions of
//! files, so it is never in memory as a whole: a row of fixed length and a path for each file, sorted by path, then a
//! description of the sources. A [`Draft`] is written row by row while sources and copies are walked through, takes the
//! manifest's place before anything is touched, and its rows are filled in as the files arrive.

mod all_files;
mod contents;
mod draft;
mod row;
mod rows;

pub(crate) use contents::{Contents, LoadedFrom, Manifest, boot_id};
pub(crate) use draft::{Draft, Filling};
pub(crate) use row::{FileEntry, Row, Source, State, Work};
pub(crate) use rows::Rows;
