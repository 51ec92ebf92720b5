//! SHA-256 digests in hexadecimal.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// How much is read at a time.
pub(crate) const CHUNK: usize = 256 * 1024;

/// A digest being computed over fields, each of which is framed by its length so that no two lists of fields
/// give the same bytes.
#[derive(Default)]
pub(crate) struct Fields(Sha256);

impl Fields {
    pub(crate) fn add(&mut self, field: &[u8]) {
        self.0.update((field.len() as u64).to_le_bytes());
        self.0.update(field);
    }

    pub(crate) fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first 12 digits: how ids are written in `experimental_history.json`.
pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_sha256() {
        let digest = hex(&Sha256::digest("abc"));
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(short(&digest), "ba7816bf8f01");
    }

    #[test]
    fn fields_do_not_run_together() {
        let digest = |fields: &[&str]| {
            let mut all = Fields::default();
            for field in fields {
                all.add(field.as_bytes());
            }
            all.finish()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["a"]), digest(&["a", ""]));
    }
}
