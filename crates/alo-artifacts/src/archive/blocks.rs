//! Content cut into blocks, each compressed on whatever processor is free into a deflate stream that others may follow.

use std::io;
use std::thread::Scope;

use libdeflater::{CompressionLvl, Compressor};

use super::deflate::{self, SLACK};
use super::in_order::{InOrder, threads};
use super::noise::is_noise;

/// Bytes of a block: large enough that starting anew costs nothing (0.2 % at 256 KiB, less than 0.1 % here).
pub(super) const BLOCK: usize = 1 << 20;

/// Of the levels of libdeflate the fastest whose archives of models and data are within 6 % of zlib's 9: they are 3 %
/// larger, and 5 % with blocks of noise stored. `benches/compare/export.py` measures it.
const LEVEL: i32 = 3;

/// A compressed block, and the buffer that holds what it was made from.
pub(super) struct Block {
    pub(super) compressed: Vec<u8>,
    pub(super) content: Vec<u8>,
}

/// Blocks under way, in their order. Dropped, the threads end after the block they are at.
pub(super) struct Blocks {
    under_way: InOrder<Vec<u8>, io::Result<Block>>,
    /// Buffers that can be filled again.
    spare: Vec<Vec<u8>>,
}

impl Blocks {
    /// Starts as many threads as this machine keeps busy.
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>) -> Self {
        Self::start_on(scope, threads())
    }

    pub(super) fn start_on<'scope>(scope: &'scope Scope<'scope, '_>, threads: usize) -> Self {
        let under_way = InOrder::start(scope, threads, || {
            let mut compressor = Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default());
            move |content| compress(&mut compressor, content)
        });
        Self { under_way, spare: Vec::new() }
    }

    /// Whether so many blocks are under way that one should be taken before another one is added.
    pub(super) fn is_full(&self) -> bool {
        self.under_way.is_full()
    }

    /// An empty buffer with room for a block.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_else(|| Vec::with_capacity(BLOCK))
    }

    /// Takes back the buffer of a block that has been written.
    pub(super) fn give_back(&mut self, mut content: Vec<u8>) {
        content.clear();
        self.spare.push(content);
    }

    /// Hands over at most [`BLOCK`] bytes.
    pub(super) fn add(&mut self, content: Vec<u8>) -> io::Result<()> {
        self.under_way.add(content)
    }

    /// Waits for the oldest block; none when none is under way. Gives up when `unwanted` says so.
    pub(super) fn next(&mut self, unwanted: &dyn Fn() -> bool) -> io::Result<Option<Block>> {
        self.under_way.next(unwanted)?.transpose()
    }
}

fn compress(compressor: &mut Compressor, content: Vec<u8>) -> io::Result<Block> {
    if is_noise(compressor, &content) {
        return Ok(Block { compressed: deflate::store(&content), content });
    }
    let mut compressed = vec![0; compressor.deflate_compress_bound(content.len()) + SLACK];
    let length = compressor.deflate_compress(&content, &mut compressed).map_err(io::Error::other)?;
    deflate::leave_open(&mut compressed, length)
        .ok_or_else(|| io::Error::other("the compressor made no whole stream"))?;
    Ok(Block { compressed, content })
}
