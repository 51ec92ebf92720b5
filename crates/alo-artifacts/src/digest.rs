//! Digests: SHA-256 of code and artifacts, BLAKE3 of data, of which there may be much. Both have 32 bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How much is read at a time.
pub(crate) const CHUNK: usize = 256 * 1024;

/// A digest being computed.
pub(crate) trait Hasher: Default {
    fn add(&mut self, bytes: &[u8]);

    fn digest(self) -> ContentDigest;

    /// The digest in lower-case hexadecimal digits.
    fn finish(self) -> String {
        self.digest().to_string()
    }
}

/// The digest of a content, half as large as its hexadecimal digits; printed, it is these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ContentDigest(pub(crate) [u8; 32]);

impl ContentDigest {
    /// Whether those are its digits.
    pub(crate) fn is(&self, digits: &str) -> bool {
        self.to_string() == digits
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl FromStr for ContentDigest {
    type Err = ();

    /// Reads its digits.
    fn from_str(digits: &str) -> Result<Self, ()> {
        let mut digest = Self::default();
        if digits.len() != 2 * digest.0.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(());
        }
        for (at, byte) in digest.0.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| ())?;
        }
        Ok(digest)
    }
}

impl Hasher for Sha256 {
    fn add(&mut self, bytes: &[u8]) {
        Digest::update(self, bytes);
    }

    fn digest(self) -> ContentDigest {
        ContentDigest(self.finalize().into())
    }
}

impl Hasher for blake3::Hasher {
    fn add(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn digest(self) -> ContentDigest {
        ContentDigest(*self.finalize().as_bytes())
    }
}

/// A digest being computed over fields, each of which is framed by its length so that no two lists of fields
/// give the same bytes.
#[derive(Default)]
pub(crate) struct Fields<H = Sha256>(H);

impl<H: Hasher> Fields<H> {
    pub(crate) fn add(&mut self, field: &[u8]) {
        self.0.add(&(field.len() as u64).to_le_bytes());
        self.0.add(field);
    }

    pub(crate) fn finish(self) -> String {
        self.0.finish()
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

/// The first 12 digits: how ids are written in `experimental_history.json`.
pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        fn of<H: Hasher>() -> String {
            let mut hasher = H::default();
            hasher.add(b"a");
            hasher.add(b"bc");
            hasher.finish()
        }
        assert_eq!(
            of::<blake3::Hasher>(),
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
        let digest = of::<Sha256>();
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(short(&digest), "ba7816bf8f01");
    }

    #[test]
    fn fields_do_not_run_together() {
        let digest = |fields: &[&str]| {
            let mut all = Fields::<Sha256>::default();
            for field in fields {
                all.add(field.as_bytes());
            }
            all.finish()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["a"]), digest(&["a", ""]));
    }
}
