//! The files that a manifest names, borrowed from its text: for a list of all of them, of which nothing else is needed.
//!
//! [`Manifest`](crate::manifest::Manifest) holds each path and digest as a text of its own, which takes four times the memory.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::manifest::FORMAT;

/// A file of the data: its path relative to `input/<kind>`, its size and its BLAKE3 digest.
pub(crate) struct ManifestFile<'a> {
    pub(crate) path: Cow<'a, str>,
    pub(crate) bytes: u64,
    pub(crate) digest: &'a str,
}

#[derive(Deserialize)]
struct Text<'a> {
    format: u32,
    #[serde(borrow)]
    sources: Vec<Source<'a>>,
}

#[derive(Deserialize)]
struct Source<'a> {
    #[serde(borrow)]
    files: Files<'a>,
}

struct Files<'a>(Vec<ManifestFile<'a>>);

#[derive(Deserialize)]
struct Path<'a>(#[serde(borrow)] Cow<'a, str>);

/// Size, stamp of the source, time and inode of the copy, digest: as [`Manifest`](crate::manifest::Manifest) writes them.
#[derive(Deserialize)]
struct Row<'a>(u64, IgnoredAny, IgnoredAny, IgnoredAny, #[serde(borrow)] &'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Files<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> Visitor<'de> for Rows {
            type Value = Files<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("files by their paths")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut files = Vec::new();
                while let Some((Path(path), Row(bytes, _, _, _, digest))) = map.next_entry()? {
                    files.push(ManifestFile { path, bytes, digest });
                }
                Ok(Files(files))
            }
        }

        deserializer.deserialize_map(Rows)
    }
}

/// The files of all sources, sorted by path; none if it is not the text of a manifest of this version.
pub(crate) fn files_of(text: &[u8]) -> Option<Vec<ManifestFile<'_>>> {
    let manifest: Text<'_> = serde_json::from_slice(text).ok()?;
    if manifest.format != FORMAT {
        return None;
    }
    let mut sources = manifest.sources.into_iter().map(|source| source.files.0);
    let mut files = sources.next().unwrap_or_default();
    files.extend(sources.flatten());
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_all_sources_are_in_order() {
        let text = r#"{"format":2,"boot":"b","sources":[
            {"text":"./b","path":"/p/b","name":"b","is_file":false,"files":{"b/\n1":[3,[5,6,8],7,9,"aa"]}},
            {"text":"./a","path":"/p/a","name":"a","is_file":true,"files":{"a":[0,null,7,9,"bb"]},"tags":{"a":"t"}}]}"#;
        let files = files_of(text.as_bytes()).expect("understood");
        let rows: Vec<_> = files.iter().map(|file| (&*file.path, file.bytes, file.digest)).collect();
        assert_eq!(rows, [("a", 0, "bb"), ("b/\n1", 3, "aa")]);
        assert!(files_of(text.replace("\"format\":2", "\"format\":3").as_bytes()).is_none());
        assert!(files_of(b"{").is_none());
    }
}
