//! Gzip (RFC 1952) by blocks, each compressed on whatever processor is free.
//!
//! The blocks are put together to one deflate stream in one gzip member. Members one behind the other would be simpler,
//! and most programs read them, but not Python's `tarfile` when it reads from a stream (`r|gz`). The blocks are cut by
//! their size alone.

use std::io::{self, Write};

use libdeflater::Crc;

use super::blocks::{BLOCK, Block, Blocks};
use super::deflate::LAST;

/// What a member begins with: no name, no time, an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Compresses what is written to it, onto another writer.
pub(super) struct BlockGzip<W: Write> {
    out: W,
    block: Vec<u8>,
    blocks: Blocks,
    checksum: Crc,
    /// Bytes so far; modulo 2^32, as the format has it.
    length: u32,
}

impl<W: Write> BlockGzip<W> {
    pub(super) fn new(mut blocks: Blocks, mut out: W) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        let block = blocks.buffer();
        Ok(Self { out, block, blocks, checksum: Crc::new(), length: 0 })
    }

    /// Compresses and writes what is left, and gives the writer back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() {
            self.hand_over()?;
        }
        while self.write_next()? {}
        self.out.write_all(&LAST)?;
        self.out.write_all(&self.checksum.sum().to_le_bytes())?;
        self.out.write_all(&self.length.to_le_bytes())?;
        Ok(self.out)
    }

    fn hand_over(&mut self) -> io::Result<()> {
        if self.blocks.is_full() {
            self.write_next()?;
        }
        let next = self.blocks.buffer();
        self.blocks.add(std::mem::replace(&mut self.block, next))
    }

    /// Writes the oldest block; whether there was one.
    fn write_next(&mut self) -> io::Result<bool> {
        let Some(Block { compressed, content }) = self.blocks.next(&|| false)? else { return Ok(false) };
        self.out.write_all(&compressed)?;
        self.checksum.update(&content);
        self.length = self.length.wrapping_add(u32::try_from(content.len()).unwrap_or_default());
        self.blocks.give_back(content);
        Ok(true)
    }
}

impl<W: Write> Write for BlockGzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        if self.block.len() == BLOCK {
            self.hand_over()?;
        }
        Ok(count)
    }

    /// Does nothing: a block is only written when it is full, or the stream at its end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::thread;

    use super::*;

    fn gzip(content: &[u8], piece: usize, threads: usize) -> Vec<u8> {
        thread::scope(|scope| {
            let mut gzip = BlockGzip::new(Blocks::start_on(scope, threads), Vec::new()).expect("begun");
            for piece in content.chunks(piece) {
                gzip.write_all(piece).expect("written");
            }
            gzip.finish().expect("finished")
        })
    }

    #[test]
    fn every_length_comes_back_and_does_not_depend_on_threads_or_writes() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 9 * BLOCK + 12_345] {
            let mut random = fastrand::Rng::with_seed(7);
            let mut content: Vec<u8> = (0..length).map(|_| random.u8(0..16)).collect();
            // Blocks of noise are stored.
            content.iter_mut().skip(3 * BLOCK).take(2 * BLOCK).for_each(|byte| *byte = random.u8(..));
            let compressed = gzip(&content, 8192, 1);
            let mut back = Vec::new();
            let mut decoder = flate2::bufread::GzDecoder::new(compressed.as_slice());
            decoder.read_to_end(&mut back).expect("one member");
            assert!(decoder.into_inner().is_empty());
            assert!(back == content, "{length} bytes");
            assert!(compressed == gzip(&content, 1_000_003, 7), "{length} bytes");
        }
    }
}
