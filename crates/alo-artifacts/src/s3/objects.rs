//! The objects of a place in the order of their paths, however many.

use std::cmp::Ordering;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::S3Error;
use super::remote_object::RemoteObject;
use crate::storage_error::StorageError;
use crate::value_list::ValueList;

/// The objects of a place.
///
/// Servers list keys in their order, which is that of the paths, but for marks of folders: `a/` comes after `a-b`, and its
/// path is `a`. What comes in order may lie on the disk; only what does not is held in memory.
pub(crate) struct Objects {
    in_order: ValueList<RemoteObject>,
    last: Option<Utf8PathBuf>,
    late: Vec<RemoteObject>,
    /// Which of them are folders, by their places in the order.
    folders: Vec<u64>,
}

impl Objects {
    /// None yet; a long list is kept in `folder`.
    pub(super) fn new(folder: &Utf8Path) -> Self {
        Self { in_order: ValueList::new(folder), last: None, late: Vec::new(), folders: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub(super) fn add(&mut self, object: RemoteObject) -> Result<(), StorageError> {
        if self.last.as_ref().is_some_and(|last| last.as_str() >= object.relative.as_str()) {
            self.late.push(object);
            return Ok(());
        }
        self.in_order.push(&object)?;
        self.last = Some(object.relative);
        Ok(())
    }

    /// All are there: finds those that are folders, empty ones with others below. One with content cannot be both.
    pub(super) fn complete(mut self) -> Result<Self, S3Error> {
        self.late.sort_by(|a, b| a.relative.as_str().cmp(b.relative.as_str()).then(b.size.cmp(&a.size)));
        self.late.dedup_by(|second, first| second.relative == first.relative);
        let mut folders = Vec::new();
        // What the path of the next one may begin with.
        let mut above: Vec<(u64, RemoteObject)> = Vec::new();
        for (place, object) in (0..).zip(merged(&mut self.in_order, &self.late)?) {
            let object = object?;
            let path = object.relative.as_path();
            while above.pop_if(|(_, last)| !path.as_str().starts_with(last.relative.as_str())).is_some() {}
            for (place, folder) in above.extract_if(.., |(_, other)| path.starts_with(&other.relative)) {
                if folder.size > 0 {
                    let why = "there are keys below it, as if it were a folder";
                    return Err(S3Error::Key { key: folder.key, why });
                }
                folders.push(place);
            }
            above.push((place, object));
        }
        folders.sort_unstable();
        self.folders = folders;
        Ok(self)
    }

    /// All that are no folders.
    pub(crate) fn files(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<RemoteObject, StorageError>>, StorageError> {
        let mut folders = self.folders.iter().peekable();
        let objects = (0..).zip(merged(&mut self.in_order, &self.late)?);
        Ok(objects.filter_map(move |(place, object)| folders.next_if_eq(&&place).is_none().then_some(object)))
    }
}

/// Both in order. Of a file and the mark of a folder, which have the same path, the file counts.
fn merged<'a>(
    in_order: &'a mut ValueList<RemoteObject>,
    late: &'a [RemoteObject],
) -> Result<impl Iterator<Item = Result<RemoteObject, StorageError>> + use<'a>, StorageError> {
    let mut in_order = in_order.values()?.peekable();
    let mut late = late.iter().peekable();
    Ok(std::iter::from_fn(move || {
        let order = match (in_order.peek(), late.peek()) {
            (Some(Ok(next)), Some(late)) => next.relative.as_str().cmp(late.relative.as_str()),
            (None, _) => Ordering::Greater,
            _ => Ordering::Less,
        };
        match order {
            Ordering::Less => in_order.next(),
            Ordering::Greater => late.next().cloned().map(Ok),
            Ordering::Equal => {
                let (first, late) = (in_order.next()?, late.next()?);
                Some(first.map(|first| if first.size > 0 { first } else { late.clone() }))
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, size: u64) -> RemoteObject {
        RemoteObject { key: key.into(), relative: key.into(), size, etag: None, changed: 0 }
    }

    fn objects(of: &[(&str, u64)]) -> Result<Vec<(String, u64)>, S3Error> {
        let dir = tempfile::tempdir().unwrap();
        let mut objects = Objects::new(Utf8Path::from_path(dir.path()).unwrap());
        assert!(objects.is_empty());
        for (key, size) in of {
            objects.add(object(key, *size)).unwrap();
        }
        let mut objects = objects.complete()?;
        let read = |objects: &mut Objects| -> Vec<_> {
            objects.files().unwrap().map(|object| object.map(|o| (o.key, o.size)).unwrap()).collect()
        };
        let once = read(&mut objects);
        assert_eq!(once, read(&mut objects));
        Ok(once)
    }

    #[test]
    fn empty_objects_with_others_below_are_folders() {
        let listed = [("a", 0), ("a-c", 0), ("a", 0), ("a/b", 1), ("d/e", 0), ("d/e/f", 1), ("z", 0)];
        let kept = [("a-c", 0), ("a/b", 1), ("d/e/f", 1), ("z", 0)].map(|(key, size)| (key.to_owned(), size));
        assert_eq!(objects(&listed).unwrap(), kept);
    }

    #[test]
    fn what_has_content_cannot_be_a_folder() {
        for listed in [[("a", 5), ("a-c", 0), ("a/b", 1)], [("a/b", 1), ("a-c", 0), ("a", 5)]] {
            assert!(matches!(objects(&listed), Err(S3Error::Key { key, .. }) if key == "a"));
        }
    }

    #[test]
    fn a_file_counts_and_not_the_mark_of_a_folder_of_its_name() {
        let kept = [("a".to_owned(), 5), ("a-b".to_owned(), 1)];
        assert_eq!(objects(&[("a", 5), ("a-b", 1), ("a", 0)]).unwrap(), kept);
        assert_eq!(objects(&[("a", 0), ("a-b", 1), ("a", 5)]).unwrap(), kept);
        assert_eq!(objects(&[("b", 0), ("a", 0), ("a-b", 1), ("a", 5), ("b", 0)]).unwrap().len(), 3);
    }

    proptest::proptest! {
        /// In whatever order a server lists, and whether the list lies on the disk or not.
        #[test]
        fn the_order_of_a_listing_does_not_matter(
            keys in proptest::collection::btree_set("[ab-]{1,3}(/[ab][a.]?){0,2}", 0..40),
            seed: u64,
        ) {
            let has_below = |key: &String| {
                keys.iter().any(|other| other.starts_with(&format!("{key}/")))
            };
            let size = |key: &String| u64::from(!has_below(key) && key.len().is_multiple_of(2));
            let mut listed: Vec<_> = keys.iter().map(|key| (key.as_str(), size(key))).collect();
            let expected: Vec<_> =
                keys.iter().filter(|key| !has_below(key)).map(|key| (key.clone(), size(key))).collect();
            proptest::prop_assert_eq!(&objects(&listed).unwrap(), &expected);
            fastrand::Rng::with_seed(seed).shuffle(&mut listed);
            proptest::prop_assert_eq!(&objects(&listed).unwrap(), &expected);
        }
    }
}
