//! What a process prints, cut into lines.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};

use crate::event::Stream;

/// Longer lines are cut, so that output without line ends does not fill the memory.
const LONGEST_LINE: usize = 64 * 1024;

/// One of a process's two output pipes.
#[derive(Debug)]
pub(super) struct OutputPipe<R> {
    pub(super) stream: Stream,
    pipe: R,
    begun: Vec<u8>,
    pub(super) ended: bool,
}

impl<R: Read + AsFd> OutputPipe<R> {
    /// Takes a pipe; reading it will not block.
    pub(super) fn new(stream: Stream, pipe: R) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self { stream, pipe, begun: Vec::new(), ended: false })
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Reads all that is there now and hands on the lines that are whole; at the end of the pipe the last one, too.
    pub(super) fn drain(&mut self, line: &mut dyn FnMut(Stream, String)) {
        let mut chunk = [0; 16 * 1024];
        while !self.ended {
            match self.pipe.read(&mut chunk) {
                Ok(0) => self.ended = true,
                Ok(count) => self.take(&chunk[..count], line),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Nothing more can come from a pipe that cannot be read.
                Err(_) => self.ended = true,
            }
        }
        self.finish_line(line);
    }

    fn take(&mut self, mut bytes: &[u8], line: &mut dyn FnMut(Stream, String)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(&bytes[..end]);
            line(self.stream, text(&self.begun));
            self.begun.clear();
            bytes = &bytes[end + 1..];
        }
        self.begun.extend_from_slice(bytes);
        if self.begun.len() >= LONGEST_LINE {
            self.finish_line(line);
        }
    }

    fn finish_line(&mut self, line: &mut dyn FnMut(Stream, String)) {
        if !self.begun.is_empty() {
            line(self.stream, text(&self.begun));
            self.begun.clear();
        }
    }
}

/// What a terminal would show of a line: after a carriage return it is written anew (progress bars).
fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let shown = line.rsplit(|byte| *byte == b'\r').find(|part| !part.is_empty()).unwrap_or(line);
    String::from_utf8_lossy(shown).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(written: &[u8]) -> Vec<String> {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut pipe = OutputPipe::new(Stream::Stdout, reader).unwrap();
        let mut lines = Vec::new();
        for part in written.chunks(4096) {
            writer.write_all(part).unwrap();
            pipe.drain(&mut |_, line| lines.push(line));
        }
        drop(writer);
        pipe.drain(&mut |_, line| lines.push(line));
        assert!(pipe.ended);
        lines
    }

    #[test]
    fn lines_are_whole_whatever_the_writes() {
        assert_eq!(lines(b"a\nb\r\n\nlast"), ["a", "b", "", "last"]);
    }

    #[test]
    fn a_progress_bar_shows_its_last_state() {
        assert_eq!(lines(b"\r 10%\r 20%\r100%\n"), ["100%"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(lines(b"ok \xff\xfe\n"), ["ok \u{fffd}\u{fffd}"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let lines = lines(&vec![b'x'; 3 * LONGEST_LINE]);
        assert!(lines.len() >= 3 && lines.iter().all(|line| line.len() <= LONGEST_LINE + 4096));
    }
}
