//! Tells by samples that compressing would gain next to nothing: noise in numbers, or what is compressed already.

use libdeflater::Compressor;

/// Bytes of a sample: long enough that the codes that come with a stream do not count.
const SAMPLE: usize = 16 << 10;

/// Samples of a block; the first that can be compressed decides.
const SAMPLES: usize = 3;

/// What is left of a sample at least, in percent, where compressing is not worth its time: it is what takes longest.
const LEAST_LEFT: usize = 95;

/// Whether no sample of `content` becomes smaller by a twentieth.
pub(super) fn is_noise(compressor: &mut Compressor, content: &[u8]) -> bool {
    if content.len() < (SAMPLES + 1) * SAMPLE {
        return false;
    }
    // No room for more: what does not fit into it is noise.
    let mut room = [0; SAMPLE * LEAST_LEFT / 100];
    (1..=SAMPLES).all(|number| {
        let middle = content.len() * number / (SAMPLES + 1);
        compressor.deflate_compress(&content[middle..middle + SAMPLE], &mut room).is_err()
    })
}

#[cfg(test)]
mod tests {
    use libdeflater::CompressionLvl;

    use super::*;

    const LENGTH: usize = 1 << 20;

    fn noise(length: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(3);
        (0..length).map(|_| random.u8(..)).collect()
    }

    fn is_noise_by(content: &[u8]) -> bool {
        is_noise(&mut Compressor::new(CompressionLvl::new(3).expect("a level")), content)
    }

    #[test]
    fn random_bytes_are_noise_and_what_has_a_pattern_is_not() {
        let mut random = fastrand::Rng::with_seed(5);
        assert!(is_noise_by(&noise(LENGTH)));
        assert!(!is_noise_by(&noise(4000).repeat(LENGTH / 4000)), "the same again and again");
        let digits: Vec<u8> = (0..LENGTH).map(|_| random.u8(b'0'..=b'9')).collect();
        assert!(!is_noise_by(&digits));
        let mut half = noise(LENGTH / 2);
        half.resize(LENGTH, b' ');
        assert!(!is_noise_by(&half), "its second half is worth it");
    }

    #[test]
    fn what_is_short_is_compressed_in_any_case() {
        assert!(!is_noise_by(&noise(SAMPLES * SAMPLE)));
        assert!(!is_noise_by(&[]));
    }
}
