//! A place named in a plan: a path on this machine or the network, or an S3 URL.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

/// Where external data, models or archives lie.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// A file or folder that the operating system can open: a local disk or a mounted network disk.
    Path(Utf8PathBuf),
    /// An object or prefix in S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key or prefix, without a slash in front.
        key: String,
    },
}

/// A place that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// A URL of some other scheme.
    #[error("`{url}` is no path")]
    Scheme {
        /// The URL as written.
        url: String,
    },
    /// An empty text.
    #[error("the path is empty")]
    Empty,
}

impl LocationError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Scheme { .. } => Some("mount or download it, and write the path".into()),
            Self::Empty => Some("write a path, or null for none".into()),
        }
    }
}

impl Location {
    /// Understands a text of a plan. A relative path starts at the first of `bases` below which it exists, or at
    /// the first base if it exists nowhere.
    ///
    /// ```
    /// use alo_artifacts::Location;
    ///
    /// let s3 = Location::parse("s3://bucket/data/train/", &[]).unwrap();
    /// assert_eq!(s3, Location::S3 { bucket: "bucket".into(), key: "data/train/".into() });
    /// let path = Location::parse("./data/train/", &["/work/project".into()]).unwrap();
    /// assert_eq!(path, Location::Path("/work/project/data/train".into()));
    /// ```
    pub fn parse(text: &str, bases: &[Utf8PathBuf]) -> Result<Self, LocationError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        // The original took everything with `s3:/` in it for S3, and `s3:/bucket` is seen in plans.
        if let Some(rest) = text.strip_prefix("s3:/") {
            let rest = rest.trim_start_matches('/');
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            return Ok(Self::S3 { bucket: bucket.to_owned(), key: key.to_owned() });
        }
        if let Some(path) = text.strip_prefix("file://") {
            return Ok(Self::Path(normalised(Utf8Path::new(path))));
        }
        if text.split_once("://").is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric()))
        {
            return Err(LocationError::Scheme { url: text.to_owned() });
        }
        let candidates: Vec<_> = bases.iter().map(|base| base.join(text)).collect();
        // Existence is asked of the path as the operating system sees it: `a/../b` depends on links.
        let found = candidates.iter().find(|path| path.symlink_metadata().is_ok());
        let path = found.or(candidates.first()).map_or(Utf8Path::new(text), Utf8PathBuf::as_path);
        Ok(Self::Path(normalised(path)))
    }

    /// The path; for S3 the URL, without slashes at its end.
    pub(crate) fn to_path(&self) -> Utf8PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::S3 { bucket, key } => format!("s3://{bucket}/{key}").trim_end_matches('/').into(),
        }
    }
}

/// Drops `.`, doubled and trailing slashes; `..` stays, for it depends on links.
fn normalised(path: &Utf8Path) -> Utf8PathBuf {
    path.components().filter(|part| *part != Utf8Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_start_at_the_first_base_that_has_them() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
        fs_err::create_dir_all(root.join("config/here")).expect("created");
        let bases = [root.to_owned(), root.join("config")];
        assert_eq!(
            Location::parse("here/", &bases).expect("a path"),
            Location::Path(root.join("config/here"))
        );
        assert_eq!(Location::parse("nowhere", &bases).expect("a path"), Location::Path(root.join("nowhere")));
        let up = Location::parse("../config//./here", &bases[1..]).expect("a path");
        assert_eq!(up, Location::Path(root.join("config/../config/here")));
    }

    #[test]
    fn urls_are_told_from_paths() {
        assert!(matches!(Location::parse("s3:/b/k", &[]), Ok(Location::S3 { bucket, .. }) if bucket == "b"));
        assert!(matches!(Location::parse("gs://b/k", &[]), Err(LocationError::Scheme { .. })));
        assert!(matches!(Location::parse("file:///a/b/", &[]), Ok(Location::Path(path)) if path == "/a/b"));
        assert!(matches!(Location::parse(" ", &[]), Err(LocationError::Empty)));
        let s3 = Location::parse("s3://b/k/", &[]).expect("S3");
        assert_eq!(s3.to_path(), "s3://b/k");
    }
}
