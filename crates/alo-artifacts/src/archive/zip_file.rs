//! A `.zip` of a listed folder. Members are compressed by blocks, on whatever processor is free, so that a single large
//! one keeps all of them busy; small ones are read ahead.

use std::collections::VecDeque;
use std::io::{self, Read, Seek, Write};
use std::thread;

use jiff::Timestamp;
use libdeflater::Crc;
use tempfile::SpooledTempFile;
use zip::ZipWriter;
use zip::read::read_zipfile_from_stream;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use super::blocks::{BLOCK, Blocks};
use super::deflate::LAST;
use super::listing::Listing;
use super::member::Member;
use super::pack::{ArchiveError, Pack};
use crate::durable;
use crate::storage_error::StorageError;
use crate::walk::TreeFile;

/// A compressed member is kept in memory up to this size, and beyond it in a nameless file beside the archive: its header
/// tells its size and comes first.
const IN_MEMORY: usize = 4 << 20;

impl Pack<'_> {
    pub(super) fn zip(&self, listing: &mut Listing, out: impl Write + Seek) -> Result<(), ArchiveError> {
        let mut zip = ZipWriter::new(out);
        for folder in listing.empty_folders.paths()? {
            let folder = folder?;
            let options = SimpleFileOptions::default()
                .last_modified_time(zip_time(self.time.seconds(0)))
                .unix_permissions(0o755);
            zip.add_directory(format!("{folder}/"), options).map_err(self.zipping())?;
        }
        thread::scope(|scope| {
            let files = listing.files.values()?;
            let blocks = Blocks::start(scope);
            let mut ahead = Ahead { pack: self, files, open: None, opened: VecDeque::new(), blocks };
            while let Some((file, member)) = ahead.member()? {
                self.add(&file, member, &mut zip)?;
            }
            Ok::<_, ArchiveError>(())
        })?;
        zip.finish().map_err(self.zipping())?.flush().map_err(self.writing())?;
        Ok(())
    }

    /// Adds what is compressed already.
    fn add(
        &self,
        file: &TreeFile,
        member: Compressed,
        zip: &mut ZipWriter<impl Write + Seek>,
    ) -> Result<(), ArchiveError> {
        let too_long = || self.writing()(io::Error::other("a name is too long for a zip"));
        let header = local_header(file.relative.as_str(), &member).ok_or_else(too_long)?;
        let mut source = header.as_slice().chain(member.content);
        let time = zip_time(self.time.seconds(file.stamp.modified));
        let mode = if file.executable { 0o755 } else { 0o644 };
        read_zipfile_from_stream(&mut source)
            .and_then(|raw| raw.ok_or(ZipError::FileNotFound))
            .and_then(|raw| zip.raw_copy_file_touch(raw, time, Some(mode)))
            .map_err(self.zipping())?;
        Ok(())
    }

    fn zipping(&self) -> impl FnOnce(ZipError) -> StorageError {
        |error| StorageError::new("write", self.archive, error.into())
    }
}

/// A member on its way into the archive.
struct Compressed {
    content: SpooledTempFile,
    /// Bytes of it.
    length: u64,
    /// Bytes of the file.
    size: u64,
    /// CRC-32 of the file.
    checksum: u32,
}

/// Reads the files ahead of the writer, and hands their blocks over.
struct Ahead<'a, Files> {
    pack: &'a Pack<'a>,
    /// Those that have not been opened.
    files: Files,
    /// The one that is being read.
    open: Option<Member<'a>>,
    /// The files that have been opened and not been taken, with their sizes.
    opened: VecDeque<(TreeFile, u64)>,
    blocks: Blocks,
}

impl<Files: Iterator<Item = Result<TreeFile, StorageError>>> Ahead<'_, Files> {
    /// The next file; none when all have been taken.
    fn member(&mut self) -> Result<Option<(TreeFile, Compressed)>, ArchiveError> {
        let pack = self.pack;
        self.read_on()?;
        let early = || pack.writing()(io::Error::other("the files have ended early"));
        let Some((file, size)) = self.opened.pop_front() else { return Ok(None) };
        let mut content = tempfile::spooled_tempfile_in(IN_MEMORY, durable::parent(pack.archive));
        let mut length = LAST.len() as u64;
        let mut checksum = Crc::new();
        for _ in 0..size.div_ceil(BLOCK as u64) {
            self.read_on()?;
            let block = self.blocks.next(pack.cancelled).map_err(|error| {
                if (pack.cancelled)() { ArchiveError::Cancelled } else { pack.writing()(error).into() }
            })?;
            let block = block.ok_or_else(early)?;
            content.write_all(&block.compressed).map_err(pack.writing())?;
            length += block.compressed.len() as u64;
            checksum.update(&block.content);
            self.blocks.give_back(block.content);
        }
        content.write_all(&LAST).and_then(|()| content.rewind()).map_err(pack.writing())?;
        Ok(Some((file, Compressed { content, length, size, checksum: checksum.sum() })))
    }

    /// Hands over blocks until all threads are busy.
    fn read_on(&mut self) -> Result<(), ArchiveError> {
        while !self.blocks.is_full() {
            let Some(member) = &mut self.open else {
                let Some(file) = self.files.next().transpose()? else { return Ok(()) };
                let member = Member::open(self.pack.folder.join(&file.relative), self.pack.cancelled)?;
                self.opened.push_back((file, member.size()));
                self.open = Some(member);
                continue;
            };
            let mut content = self.blocks.buffer();
            match member.take(BLOCK as u64).read_to_end(&mut content) {
                Ok(count) if count > 0 => self.blocks.add(content).map_err(self.pack.writing())?,
                ended => {
                    self.blocks.give_back(content);
                    if let Some(member) = self.open.take() {
                        member.outcome(ended.map(drop), self.pack.archive)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What stands before a member (APPNOTE.TXT, 4.3.7 and 4.5.3), but for its time. None if the name is too long.
fn local_header(name: &str, member: &Compressed) -> Option<Vec<u8>> {
    // 2.0, by Unix: modes are told as Unix has them.
    let version = u16::from_be_bytes([3, 20]);
    let (names_are_utf8, deflated) = (1_u16 << 11, 8_u16);
    let (time, date) = (0_u16, 0_u16);
    let mut sizes = [member.length, member.size].map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
    let mut extra = Vec::new();
    if sizes.contains(&u32::MAX) {
        sizes = [u32::MAX; 2];
        extra.extend([1_u16, 16].map(u16::to_le_bytes).concat());
        extra.extend([member.size, member.length].map(u64::to_le_bytes).concat());
    }
    let lengths = [u16::try_from(name.len()).ok()?, u16::try_from(extra.len()).ok()?];
    let header = [
        b"PK\x03\x04".to_vec(),
        [version, names_are_utf8, deflated, time, date].map(u16::to_le_bytes).concat(),
        member.checksum.to_le_bytes().to_vec(),
        sizes.map(u32::to_le_bytes).concat(),
        lengths.map(u16::to_le_bytes).concat(),
        name.as_bytes().to_vec(),
        extra,
    ];
    Some(header.concat())
}

/// A zip's time, which begins with 1980 and has no zone: UTC, so that the bytes do not depend on the machine.
fn zip_time(seconds: i64) -> zip::DateTime {
    let time = Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(time.year()).unwrap_or_default();
    let (month, day) = (part(time.month()), part(time.day()));
    let (hour, minute, second) = (part(time.hour()), part(time.minute()), part(time.second()));
    zip::DateTime::from_date_and_time(year, month, day, hour, minute, second).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_name_checksum_and_sizes_of_any_length() {
        for (length, size) in [(2, 0), (u64::from(u32::MAX) - 1, 7), (7 << 30, 9 << 30), (3, 9 << 30)] {
            let member = Compressed { content: SpooledTempFile::new(0), length, size, checksum: 77 };
            let header = local_header("모델/m.bin", &member).unwrap();
            let mut source = header.as_slice();
            let read = read_zipfile_from_stream(&mut source).unwrap().unwrap();
            assert_eq!((read.compressed_size(), read.size(), read.crc32()), (length, size, 77));
            assert_eq!(read.name_raw(), "모델/m.bin".as_bytes());
        }
        assert!(
            local_header(
                &"x".repeat(70_000),
                &Compressed { content: SpooledTempFile::new(0), length: 2, size: 0, checksum: 0 }
            )
            .is_none()
        );
    }
}
