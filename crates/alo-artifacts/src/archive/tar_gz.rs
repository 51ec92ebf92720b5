//! A `.tar.gz` of a listed folder.

use std::io::{self, BufReader, Write};
use std::thread;

use super::blocks::Blocks;
use super::gzip::BlockGzip;
use super::listing::Listing;
use super::member::Member;
use super::pack::{ArchiveError, Pack};

/// Bytes that are read at once.
const READ: usize = 1 << 17;

impl Pack<'_> {
    pub(super) fn tar_gz(&self, listing: &mut Listing, out: impl Write) -> Result<(), ArchiveError> {
        thread::scope(|scope| {
            let mut tar =
                tar::Builder::new(BlockGzip::new(Blocks::start(scope), out).map_err(self.writing())?);
            for folder in listing.empty_folders.paths()? {
                let folder = folder?;
                let mut header = header(tar::EntryType::Directory, 0, self.time.seconds(0), true);
                tar.append_data(&mut header, format!("{folder}/"), io::empty()).map_err(self.writing())?;
            }
            for file in listing.files.values()? {
                let file = file?;
                let mut member = Member::open(self.folder.join(&file.relative), self.cancelled)?;
                let seconds = self.time.seconds(file.stamp.modified);
                let mut header = header(tar::EntryType::Regular, member.size(), seconds, file.executable);
                // `tar` itself asks for a few kilobytes at a time.
                let content = BufReader::with_capacity(READ, &mut member);
                let result = tar.append_data(&mut header, &file.relative, content);
                member.outcome(result, self.archive)?;
            }
            let gzip = tar.into_inner().map_err(self.writing())?;
            gzip.finish().map_err(self.writing())?.flush().map_err(self.writing())?;
            Ok(())
        })
    }
}

/// A tar member's header: nobody's, and the same on every machine.
fn header(kind: tar::EntryType, size: u64, seconds: i64, executable: bool) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(u64::try_from(seconds).unwrap_or_default());
    header
}
