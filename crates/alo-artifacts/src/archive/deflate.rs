//! Deflate streams (RFC 1951) that can be put one behind the other.
//!
//! libdeflate compresses a piece into a complete stream. Only its last block says that it is the last, in one bit; with
//! that bit cleared and the end brought to a whole byte, another stream can follow, and all are one. Where the last
//! block begins is only known by walking through all of them, which takes a twentieth of the time to compress them.

/// Codes up to this length are looked up at once; longer ones are rare.
const QUICK: u32 = 11;

/// Room behind a stream so that eight bytes can be read at any place of it.
pub(super) const SLACK: usize = 8;

/// The end of all streams: an empty last block.
pub(super) const LAST: [u8; 2] = [3, 0];

/// An empty stored block begins on any bit and ends on a whole byte: after its three bits (zeros) and the padding.
const EMPTY_STORED: [u8; 4] = [0, 0, 0xff, 0xff];

/// In which order the lengths of the codes of lengths are written.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Bytes of a stored block at most.
const STORED: usize = 0xffff;

/// A stream of `content` as it is, one that others may follow.
pub(super) fn store(content: &[u8]) -> Vec<u8> {
    let mut stream = Vec::with_capacity(content.len() + 5 * content.len().div_ceil(STORED));
    for block in content.chunks(STORED) {
        // `chunks` gives no more than fits.
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(0);
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream
}

/// Makes a complete stream of `length` bytes, with at least [`SLACK`] bytes behind it, one that others may follow.
/// `None` when it is no complete stream.
pub(super) fn leave_open(stream: &mut Vec<u8>, length: usize) -> Option<()> {
    let (last, end) = Walk { stream, bits: length * 8, at: 0 }.last_block()?;
    stream[last / 8] &= !(1 << (last % 8));
    // Bits behind the end are zero already: they are the padding of the last byte.
    stream.truncate((end + 3).div_ceil(8).min(length));
    stream.resize((end + 3).div_ceil(8), 0);
    stream.extend(EMPTY_STORED);
    Some(())
}

/// A place in a stream, in bits.
struct Walk<'a> {
    stream: &'a [u8],
    bits: usize,
    at: usize,
}

impl Walk<'_> {
    /// Where the last block begins, and where it ends.
    fn last_block(&mut self) -> Option<(usize, usize)> {
        loop {
            let begin = self.at;
            let is_last = self.take(1)? == 1;
            match self.take(2)? {
                0 => self.stored()?,
                1 => {
                    let mut lengths = [8; 288];
                    lengths[144..256].fill(9);
                    lengths[256..280].fill(7);
                    self.symbols(
                        &Codes::new(&lengths, literal)?.join_literals(),
                        &Codes::new(&[5; 30], distance)?,
                    )?;
                }
                2 => {
                    let (literals, distances) = self.codes()?;
                    self.symbols(&literals, &distances)?;
                }
                _ => return None,
            }
            if is_last {
                return Some((begin, self.at));
            }
        }
    }

    /// At least [`PEEKED`] bits from here on.
    fn peek(&self) -> u64 {
        let from = self.at / 8;
        let bytes = self.stream.get(from..from + SLACK).and_then(|bytes| bytes.try_into().ok());
        u64::from_le_bytes(bytes.unwrap_or_default()) >> (self.at % 8)
    }

    fn pass(&mut self, count: u32) -> Option<()> {
        self.at += count as usize;
        (self.at <= self.bits).then_some(())
    }

    fn take(&mut self, count: u32) -> Option<usize> {
        let bits = self.peek() & ((1 << count) - 1);
        self.pass(count)?;
        usize::try_from(bits).ok()
    }

    fn stored(&mut self) -> Option<()> {
        self.at = self.at.next_multiple_of(8);
        let length = self.take(16)?;
        self.pass(16)?;
        self.at += length * 8;
        (self.at <= self.bits).then_some(())
    }

    /// Reads the codes that a block brings with it.
    fn codes(&mut self) -> Option<(Codes, Codes)> {
        let literals = self.take(5)? + 257;
        let distances = self.take(5)? + 1;
        let count = self.take(4)? + 4;
        let mut lengths = [0; 19];
        for place in &ORDER[..count] {
            lengths[*place] = u8::try_from(self.take(3)?).ok()?;
        }
        let codes = Codes::new(&lengths, |symbol| Symbol {
            kind: u8::try_from(symbol).unwrap_or_default(),
            extra: 0,
        })?;
        let mut lengths = Vec::with_capacity(literals + distances);
        while lengths.len() < literals + distances {
            let symbol = codes.find(self.peek())?;
            self.pass(symbol.bits())?;
            let (value, times) = match symbol.kind {
                16 => (*lengths.last()?, 3 + self.take(2)?),
                17 => (0, 3 + self.take(3)?),
                18 => (0, 11 + self.take(7)?),
                length => (length, 1),
            };
            lengths.extend(std::iter::repeat_n(value, times));
        }
        let (first, second) = lengths.split_at_checked(literals)?;
        Some((Codes::new(first, literal)?.join_literals(), Codes::new(second, distance)?))
    }

    /// Walks through the content of a block.
    fn symbols(&mut self, literals: &Codes, distances: &Codes) -> Option<()> {
        loop {
            let bits = self.peek();
            let mut length = 0;
            let mut found = literals.find(bits)?;
            // Three steps over literals take 45 bits at most.
            for _ in 0..2 {
                if found.kind == LITERAL {
                    length += found.bits();
                    found = literals.find(bits >> length)?;
                }
            }
            match found.kind {
                LITERAL => self.pass(length + found.bits())?,
                MATCH if length + found.bits() + LONGEST_DISTANCE <= PEEKED => {
                    length += found.bits();
                    self.pass(length + distances.find(bits >> length)?.bits())?;
                }
                MATCH => self.pass(length)?,
                _ => return self.pass(length + found.bits()),
            }
        }
    }
}

const LITERAL: u8 = 0;
const MATCH: u8 = 1;
const END: u8 = 2;

/// Bits that are known from any place on.
const PEEKED: u32 = 56;

/// Bits of a distance at most: its code, and those that follow it.
const LONGEST_DISTANCE: u32 = 15 + 13;

/// What a symbol means for who only walks through, and how many bits follow its code.
struct Symbol {
    kind: u8,
    extra: u8,
}

fn literal(symbol: u16) -> Symbol {
    let extra = match symbol {
        0..=255 => return Symbol { kind: LITERAL, extra: 0 },
        256 => return Symbol { kind: END, extra: 0 },
        265..=284 => (symbol - 261) / 4,
        _ => 0,
    };
    Symbol { kind: MATCH, extra: u8::try_from(extra).unwrap_or_default() }
}

fn distance(symbol: u16) -> Symbol {
    Symbol { kind: MATCH, extra: u8::try_from((symbol / 2).saturating_sub(1)).unwrap_or_default() }
}

/// A code that was found: how many bits it takes with those that follow it.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    length: u8,
    kind: u8,
}

impl Found {
    fn bits(self) -> u32 {
        u32::from(self.length)
    }
}

/// A prefix code.
struct Codes {
    /// By the next [`QUICK`] bits; nothing where the code is longer. Literals whose codes all lie in them are one step.
    quick: Box<[Found; 1 << QUICK]>,
    /// The longer ones: the code, its own length, and what it stands for.
    long: Vec<(u64, u32, Found)>,
}

impl Codes {
    /// The codes of these lengths (RFC 1951, section 3.2.2).
    fn new(lengths: &[u8], meaning: impl Fn(u16) -> Symbol) -> Option<Self> {
        let mut counts = [0_u32; 16];
        for length in lengths.iter().filter(|length| **length != 0) {
            *counts.get_mut(usize::from(*length))? += 1;
        }
        let mut next = [0_u32; 16];
        for length in 1..next.len() {
            next[length] = (next[length - 1] + counts[length - 1]) << 1;
        }
        let mut codes = Self { quick: Box::new([Found::default(); 1 << QUICK]), long: Vec::new() };
        for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length != 0) {
            let code = next[usize::from(*length)];
            next[usize::from(*length)] += 1;
            let Symbol { kind, extra } = meaning(u16::try_from(symbol).ok()?);
            let found = Found { length: length + extra, kind };
            let length = u32::from(*length);
            let reversed = code.reverse_bits() >> (32 - length);
            if length <= QUICK {
                for at in (reversed as usize..1 << QUICK).step_by(1 << length) {
                    codes.quick[at] = found;
                }
            } else {
                codes.long.push((u64::from(reversed), length, found));
            }
        }
        Some(codes)
    }

    /// Makes one step of literals that follow each other within [`QUICK`] bits.
    fn join_literals(mut self) -> Self {
        let single = self.quick.clone();
        for (at, found) in self.quick.iter_mut().enumerate() {
            while found.kind == LITERAL && found.length > 0 {
                // The bits behind are zeros here: what is found counts only if it ends before them.
                let next = single[at >> found.length];
                let ends = found.bits() + next.bits();
                if next.kind != LITERAL || next.length == 0 || ends > QUICK {
                    break;
                }
                found.length += next.length;
            }
        }
        self
    }

    fn find(&self, bits: u64) -> Option<Found> {
        let found = self.quick[(bits & ((1 << QUICK) - 1)) as usize];
        if found.length > 0 {
            return Some(found);
        }
        let is = |(code, length, _): &&(u64, u32, Found)| bits & ((1 << length) - 1) == *code;
        self.long.iter().find(is).map(|(_, _, found)| *found)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Contents that make blocks of all kinds: stored, with the fixed codes, with codes of their own.
    fn contents() -> Vec<Vec<u8>> {
        let mut random = fastrand::Rng::with_seed(11);
        let mut contents = vec![Vec::new(), vec![7], b"alo alo alo".to_vec(), vec![0; 1 << 20]];
        for length in [10, 60, 500, 5_000, 70_000, 1 << 20] {
            contents.push((0..length).map(|_| random.u8(..)).collect());
            contents.push((0..length).map(|_| random.u8(b'0'..=b'9')).collect());
            // Skewed, so that there are codes longer than those looked up at once.
            contents.push((0..length).map(|_| random.u8(..) & random.u8(..) & random.u8(..)).collect());
            let words = (0..length / 4).flat_map(|_| format!("{},", random.u32(..5000)).into_bytes());
            contents.push(words.collect());
            let mixed = (0..length).map(|at| if at % 50_000 < 25_000 { random.u8(..) } else { 0 });
            contents.push(mixed.collect());
        }
        contents
    }

    fn compressed(content: &[u8], level: i32) -> (Vec<u8>, usize) {
        let level = libdeflater::CompressionLvl::new(level).expect("a level");
        let mut compressor = libdeflater::Compressor::new(level);
        let mut stream = vec![0; compressor.deflate_compress_bound(content.len()) + SLACK];
        let length = compressor.deflate_compress(content, &mut stream).expect("room");
        (stream, length)
    }

    #[test]
    fn streams_one_behind_the_other_are_one() {
        for level in [0, 1, 4, 9] {
            let mut all = Vec::new();
            let mut streams = Vec::new();
            for content in contents() {
                let (mut stream, length) = compressed(&content, level);
                leave_open(&mut stream, length).expect("a stream");
                streams.extend(stream);
                streams.extend(store(&content[..content.len() / 3]));
                all.extend_from_slice(&content);
                all.extend_from_slice(&content[..content.len() / 3]);
            }
            streams.extend(LAST);
            let mut back = Vec::new();
            let mut decoder = flate2::bufread::DeflateDecoder::new(streams.as_slice());
            decoder.read_to_end(&mut back).expect("one stream");
            assert!(back == all, "level {level}");
            assert_eq!(decoder.total_in(), streams.len() as u64, "level {level}");
        }
    }

    #[test]
    fn what_is_no_whole_stream_is_noticed() {
        let content: Vec<u8> = contents().concat();
        let (stream, length) = compressed(&content, 4);
        for cut in (0..length).step_by(length / 50) {
            assert!(leave_open(&mut stream.clone(), cut).is_none(), "cut at {cut}");
        }
    }
}
