//! A `.zip` of a listed folder. Each member is compressed into a small archive of its own, on whatever processor is
//! free; these are put together without compressing again.

use std::io::{self, Seek, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use camino::Utf8Path;
use jiff::Timestamp;
use tempfile::SpooledTempFile;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::in_order::{InOrder, threads};
use super::member::Member;
use super::pack::{ArchiveError, MemberTime, Pack};
use crate::durable;
use crate::storage_error::StorageError;
use crate::tree::TreeFile;

/// Level of deflate, 1 to 9: the fastest within 3 % of 9 on models and data.
const LEVEL: i64 = 4;

/// A zip member from this size on needs the large form.
const LARGE: u64 = 0xF000_0000;

/// A compressed member is kept in memory up to this size, and beyond it in a nameless file beside the archive.
const IN_MEMORY: usize = 4 << 20;

impl Pack<'_> {
    pub(super) fn zip(&self, out: impl Write + Seek) -> Result<(), ArchiveError> {
        let mut zip = ZipWriter::new(out);
        for folder in self.tree.empty_folders() {
            let options = SimpleFileOptions::default()
                .last_modified_time(zip_time(self.time.seconds(0)))
                .unix_permissions(0o755);
            zip.add_directory(format!("{folder}/"), options).map_err(self.zipping())?;
        }
        let stopped = AtomicBool::new(false);
        let compress =
            Compress { folder: self.folder, archive: self.archive, time: self.time, stopped: &stopped };
        thread::scope(|scope| {
            let members = InOrder::start(scope, threads(), || |file| compress.member(file));
            let result = self.put_together(members, &mut zip);
            // So that the threads do not finish what nobody wants.
            stopped.store(true, Ordering::Relaxed);
            result
        })?;
        zip.finish().map_err(self.zipping())?.flush().map_err(self.writing())?;
        Ok(())
    }

    fn put_together<'a>(
        &'a self,
        mut members: InOrder<&'a TreeFile, Result<SpooledTempFile, ArchiveError>>,
        zip: &mut ZipWriter<impl Write + Seek>,
    ) -> Result<(), ArchiveError> {
        let mut files = self.tree.files.iter();
        loop {
            if (self.cancelled)() {
                return Err(ArchiveError::Cancelled);
            }
            if !members.is_full()
                && let Some(file) = files.next()
            {
                members.add(file).map_err(self.writing())?;
                continue;
            }
            let member = members.next(self.cancelled).map_err(|error| {
                if (self.cancelled)() { ArchiveError::Cancelled } else { self.writing()(error).into() }
            })?;
            let Some(member) = member else { return Ok(()) };
            let mut member = ZipArchive::new(member?).map_err(self.zipping())?;
            member.by_index_raw(0).and_then(|member| zip.raw_copy_file(member)).map_err(self.zipping())?;
        }
    }

    fn zipping(&self) -> impl FnOnce(ZipError) -> StorageError {
        |error| StorageError::new("write", self.archive, error.into())
    }
}

/// What a thread needs to know to compress a member.
struct Compress<'a> {
    folder: &'a Utf8Path,
    archive: &'a Utf8Path,
    time: MemberTime,
    stopped: &'a AtomicBool,
}

impl Compress<'_> {
    /// Makes an archive of this one file.
    fn member(&self, file: &TreeFile) -> Result<SpooledTempFile, ArchiveError> {
        let stopped = || self.stopped.load(Ordering::Relaxed);
        let mut member = Member::open(self.folder.join(&file.relative), &stopped)?;
        let zipping = |error: ZipError| StorageError::new("write", self.archive, error.into());
        let out = tempfile::spooled_tempfile_in(IN_MEMORY, durable::parent(self.archive));
        let mut zip = ZipWriter::new(out);
        let options = SimpleFileOptions::default()
            .compression_level(Some(LEVEL))
            .last_modified_time(zip_time(self.time.seconds(file.stamp.modified)))
            .unix_permissions(if file.executable { 0o755 } else { 0o644 })
            .large_file(member.size() >= LARGE);
        zip.start_file(file.relative.as_str(), options).map_err(zipping)?;
        let result = io::copy(&mut member, &mut zip).map(|_| ());
        member.outcome(result, self.archive)?;
        Ok(zip.finish().map_err(zipping)?)
    }
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
