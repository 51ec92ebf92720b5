//! The files of all sources of a manifest, one after the other.

use std::cmp::Ordering;

use super::contents::{LoadedFrom, Manifest};
use super::row::FileEntry;
use super::rows::Rows;

/// Files by their paths relative to `input/<kind>`, sorted.
pub(crate) struct AllFiles<'a> {
    manifest: &'a Manifest,
    /// What has not been begun.
    left: std::vec::IntoIter<&'a LoadedFrom>,
    begun: Option<(&'a LoadedFrom, Rows<'a>)>,
}

impl Manifest {
    /// The files of all sources.
    pub(crate) fn files(&self) -> AllFiles<'_> {
        let mut sources: Vec<_> = self.contents.sources.iter().collect();
        // What lies in a folder has a `/` behind the folder's name.
        let key = |source: &LoadedFrom| if source.is_file { source.name.clone() } else { source.key("/") };
        sources.sort_by_cached_key(|source| key(source));
        AllFiles { manifest: self, left: sources.into_iter(), begun: None }
    }

    /// The first file that is not in both, or not the same.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<String> {
        let (mut one, mut other) = (self.files(), other.files());
        loop {
            match (one.next(), other.next()) {
                (None, None) => return None,
                (Some((path, _)), None) | (None, Some((path, _))) => return Some(path),
                (Some((path, entry)), Some((other_path, other_entry))) => match path.cmp(&other_path) {
                    Ordering::Less => return Some(path),
                    Ordering::Greater => return Some(other_path),
                    Ordering::Equal if entry.digest != other_entry.digest => return Some(path),
                    Ordering::Equal => {}
                },
            }
        }
    }
}

impl Iterator for AllFiles<'_> {
    type Item = (String, FileEntry);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((source, rows)) = &mut self.begun
                && let Some((path, entry)) = rows.current()
            {
                let file = (source.key(path), entry);
                rows.advance();
                return Some(file);
            }
            let source = self.left.next()?;
            self.begun = Some((source, self.manifest.rows(source)));
        }
    }
}

#[cfg(test)]
mod tests {
    use alo_plan::PipelineKind::Train;
    use camino::Utf8Path;

    use super::super::{Contents, Draft, Row, Source};
    use super::*;
    use crate::digest::ContentDigest;
    use crate::layout::ProjectLayout;
    use crate::stamp::CopyStamp;

    /// A manifest of a folder `a`, a file `a-b` and a folder `a.c`, each file with a digest of that byte.
    fn manifest(layout: &ProjectLayout, sources: &[(&str, &[(&str, u8)])]) -> Manifest {
        let (mut draft, mut loaded) = (Draft::new(layout, Train), Vec::new());
        for (name, files) in sources {
            let start = draft.end();
            for (path, digest) in *files {
                let copy = CopyStamp { size: 1, modified: 2, inode: 3 };
                let digest = ContentDigest([*digest; 32]);
                let row = Row::done(FileEntry { source: Source::Unsettled, copy, digest });
                draft.push(path, &row).expect("added");
                draft.push("left", &Row::to_fetch()).expect("added");
            }
            loaded.push(LoadedFrom {
                text: (*name).to_owned(),
                path: (*name).into(),
                name: (*name).to_owned(),
                is_file: files.iter().all(|(path, _)| path.is_empty()),
                files: 0,
                bytes: 0,
                digest: String::new(),
                rows: start..draft.end(),
            });
        }
        let filling = draft.take_place(loaded.clone()).expect("written");
        assert!(Manifest::open(layout, Train).expect("there").contents.partial);
        filling.complete(&Contents::new(None, loaded)).expect("written");
        Manifest::open(layout, Train).expect("complete")
    }

    #[test]
    fn files_of_all_sources_are_in_order_and_compared() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let layout = ProjectLayout::new(Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned());
        let one =
            manifest(&layout, &[("a.c", &[("x", 1)]), ("a", &[("x", 2), ("x/y", 3)]), ("a-b", &[("", 4)])]);
        let paths: Vec<_> = one.files().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a-b", "a.c/x", "a/x", "a/x/y"]);
        assert_eq!(one.first_difference(&one), None);
        let other =
            manifest(&layout, &[("a", &[("x", 2), ("x/y", 5)]), ("a-b", &[("", 4)]), ("a.c", &[("x", 1)])]);
        assert_eq!(one.first_difference(&other).as_deref(), Some("a/x/y"));
        let fewer = manifest(&layout, &[("a", &[("x", 2)]), ("a-b", &[("", 4)])]);
        assert_eq!(one.first_difference(&fewer).as_deref(), Some("a.c/x"));
        assert_eq!(fewer.first_difference(&one).as_deref(), Some("a.c/x"));
    }
}
