//! Digests that a requirement's files are to have (`--hash`, `#sha256=`).

use camino::Utf8PathBuf;

use super::error::RequirementError;
use super::place::percent_decoded;
use super::requirement::Requirement;
use crate::digest;

/// Looks whether a file of this machine is the one whose digest is asked for: not every installer does.
pub(super) fn check_digest(found: &Requirement, requirement: &str) -> Result<(), RequirementError> {
    let (path, in_url) = match (&found.path, requirement.split_once("file://")) {
        (Some(path), _) => (path.clone(), None),
        (None, Some((_, url))) => {
            let url = url.split_whitespace().next().unwrap_or_default();
            let (path, fragment) = url.split_once('#').unwrap_or((url, ""));
            (Utf8PathBuf::from(percent_decoded(path)), hash_in(fragment))
        }
        (None, None) => return Ok(()),
    };
    let asked: Vec<_> = found.hashes.iter().chain(&in_url).collect();
    if asked.is_empty() || !asked.iter().all(|hash| hash.starts_with("sha256:")) || !path.is_file() {
        return Ok(());
    }
    let read = digest::of_file(&path);
    let digest = read.map_err(|source| RequirementError::Read { path: path.clone(), source })?;
    // A file that is named with digests of both kinds is to have each.
    let is_one = |hashes: &[String]| {
        hashes.is_empty()
            || hashes.iter().any(|hash| {
                hash.strip_prefix("sha256:").is_some_and(|hash| hash.eq_ignore_ascii_case(&digest))
            })
    };
    if is_one(&found.hashes) && is_one(in_url.as_slice()) {
        Ok(())
    } else {
        Err(RequirementError::Digest { path, found: digest, origin: found.origin.clone() })
    }
}

/// The digest that the fragment of a URL gives: `sha256:…`.
pub(super) fn hash_in(fragment: &str) -> Option<String> {
    fragment.split('&').find_map(|part| Some(format!("sha256:{}", part.strip_prefix("sha256=")?)))
}

/// Whether it is a hash that both installers know.
pub(super) fn is_hash(text: &str) -> bool {
    let Some((kind, digits)) = text.split_once(':') else { return false };
    let length = match kind {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    digits.len() == length && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_its_kind_and_all_its_digits() {
        let zeros = "0".repeat(64);
        assert_eq!(hash_in(&format!("egg=x&sha256={zeros}")), Some(format!("sha256:{zeros}")));
        assert!(is_hash(&format!("sha256:{zeros}")));
        for text in [format!("sha512:{zeros}"), format!("md5:{zeros}"), zeros, "sha256:zz".to_owned()] {
            assert!(!is_hash(&text), "{text}");
        }
    }
}
