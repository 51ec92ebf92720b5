//! Packing a folder into a `.tar.gz` or `.zip`, reproducibly, on all processors, and never half.
//!
//! Members are sorted and relative to the folder; owner and group are 0, modes 644 or 755. Links are replaced by what
//! they lead to, folders are only stored when nothing lies in them: so the archive reads the same everywhere.
//!
//! Compression is cut into blocks (of the whole stream of a `.tar.gz`, of each member of a `.zip`) that do not depend on
//! the number of threads, so neither do the bytes. Memory is bounded by a few blocks for each thread.

mod blocks;
mod deflate;
mod early_flush;
mod empty_folders;
mod gzip;
mod in_order;
mod listing;
mod member;
mod noise;
mod pack;
mod tar_gz;
mod zip_file;

pub(crate) use pack::pack_by;
pub use pack::{ArchiveError, MemberTime, Packed, pack};
