//! What a step has changed in the staged artifacts: two listings compared.
//!
//! A listing lies on the disk when it is long, in the order of a walk, and two are compared in one pass.

use std::cmp::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};

use super::content;
use super::recording_error::RecordingError;
use crate::layout::ArtifactLayout;
use crate::permissions;
use crate::storage_error::StorageError;
use crate::value_list::ValueList;
use crate::walk::{Entry, Links, TreeFile, Walk};

/// A file that was written so shortly before may be written again without its times showing it.
const UNSETTLED: Duration = Duration::from_millis(100);

/// The artifacts of a pipeline at one moment, but for the engine's own logs.
#[derive(Debug)]
pub struct Snapshot {
    files: ValueList<TreeFile>,
    /// Of files that were written just before: their places among the files, from 0, and their digests.
    digests: ValueList<(u64, String)>,
    /// With their permissions.
    folders: ValueList<(Utf8PathBuf, u32)>,
    /// Something that is neither a file nor a folder, in words.
    pub(super) special: Option<String>,
    /// When the newest file changed that may be written again without its times or a digest showing it, if there is one.
    /// In nanoseconds since 1970.
    pub(super) unsettled: Option<i64>,
}

/// How much of what was written just before may be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// What is there now and was not there before, or otherwise.
#[derive(Debug)]
pub(super) struct Changes {
    /// Files that are new or have changed.
    pub(super) files: ValueList<TreeFile>,
    /// How many these are.
    pub(super) count: u64,
    /// Files and folders that are gone, what lies in a folder before it.
    pub(super) removed: Vec<Utf8PathBuf>,
    /// New folders, and those with new permissions, each before what lies in it.
    pub(super) folders: Vec<(Utf8PathBuf, u32)>,
}

impl Snapshot {
    /// Lists them; a long list is kept in the folder `beside`. Files that were written just before are digested if they
    /// fit the budget, all or none.
    pub(super) fn take(
        artifacts: &ArtifactLayout,
        budget: Budget,
        beside: &Utf8Path,
    ) -> Result<Self, RecordingError> {
        let root = artifacts.root();
        let own = [artifacts.process_log(), artifacts.pipeline_log()];
        let (mut files, mut folders) = (ValueList::new(beside), ValueList::new(beside));
        // Other things come in no order.
        let mut special = None;
        let walk = Walk::open(root, Links::AsIs)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = i64::try_from(now.saturating_sub(UNSETTLED).as_nanos()).unwrap_or(i64::MAX);
        let mut fresh = Fresh::default();
        for entry in walk {
            match entry? {
                Entry::File(file) if own.contains(&root.join(&file.relative)) => {}
                Entry::File(file) => {
                    if written(&file) >= settled {
                        fresh.add(&file);
                    }
                    files.push(&file)?;
                }
                Entry::Folder(folder) => {
                    let mode = permissions::mode(&root.join(&folder))?;
                    folders.push(&(folder, mode))?;
                }
                Entry::Other(other) => {
                    if special.as_ref().is_none_or(|(first, _)| other.relative < *first) {
                        special = Some((other.relative, other.what));
                    }
                }
            }
        }
        let fits = fresh.files <= budget.files && fresh.bytes <= budget.bytes;
        let mut digests = ValueList::new(beside);
        if fits && fresh.files > 0 {
            for (place, file) in (0..).zip(files.values()?) {
                let file: TreeFile = file?;
                if written(&file) >= settled {
                    digests.push(&(place, content::digest(&root.join(&file.relative))?))?;
                }
            }
        }
        let special = special.map(|(path, what)| format!("`{}` is {what}", path.display()));
        let unsettled = if fits { None } else { fresh.newest };
        Ok(Self { files, digests, folders, special, unsettled })
    }

    /// What has changed since an earlier moment.
    pub(super) fn since(
        &mut self,
        earlier: &mut Self,
        root: &Utf8Path,
        beside: &Utf8Path,
    ) -> Result<Changes, RecordingError> {
        let (mut files, mut count) = (ValueList::new(beside), 0);
        let (mut removed, mut gone_folders, mut folders) = (Vec::new(), Vec::new(), Vec::new());
        let mut digests = earlier.digests.values()?.peekable();
        let known = (0..).zip(earlier.files.values()?).map(|(place, file)| {
            let digest = match digests.peek() {
                Some(Ok((of, _))) if *of != place => None,
                _ => digests.next().transpose()?.map(|(_, digest)| digest),
            };
            Ok((file?, digest))
        });
        let order = |(known, _): &(TreeFile, Option<String>), file: &TreeFile| {
            known.relative.as_str().cmp(file.relative.as_str())
        };
        for pair in pairs(known, self.files.values()?, order) {
            let (known, file) = pair?;
            let Some(file) = file else {
                removed.extend(known.map(|(known, _)| known.relative));
                continue;
            };
            let same = match known {
                None => false,
                Some((known, _)) if known.mode != file.mode => false,
                Some((_, Some(digest))) => content::digest(&root.join(&file.relative))? == digest,
                Some((known, None)) => known.stamp == file.stamp,
            };
            if !same {
                files.push(&file)?;
                count += 1;
            }
        }
        let order = |(one, _): &(Utf8PathBuf, u32), (other, _): &(Utf8PathBuf, u32)| in_walk(one, other);
        for pair in pairs(earlier.folders.values()?, self.folders.values()?, order) {
            match pair? {
                (Some((gone, _)), None) => gone_folders.push(gone),
                (known, Some(folder)) if known.as_ref() != Some(&folder) => folders.push(folder),
                _ => {}
            }
        }
        removed.extend(gone_folders.into_iter().rev());
        Ok(Changes { files, count, removed, folders })
    }
}

/// Files that were written just before.
#[derive(Default)]
struct Fresh {
    files: u64,
    bytes: u64,
    newest: Option<i64>,
}

impl Fresh {
    fn add(&mut self, file: &TreeFile) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(file.stamp.size);
        self.newest = self.newest.max(Some(written(file)));
    }
}

fn written(file: &TreeFile) -> i64 {
    file.stamp.changed.max(file.stamp.modified)
}

/// Folders are sorted by their paths with a `/` at the end.
fn in_walk(one: &Utf8Path, other: &Utf8Path) -> Ordering {
    let [one, other] = [one, other].map(|path| path.as_str().bytes().chain([b'/']));
    one.cmp(other)
}

/// Goes through two sorted lists at once: what is equal comes together.
fn pairs<A, B>(
    one: impl Iterator<Item = Result<A, StorageError>>,
    other: impl Iterator<Item = Result<B, StorageError>>,
    order: impl Fn(&A, &B) -> Ordering,
) -> impl Iterator<Item = Result<(Option<A>, Option<B>), StorageError>> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || {
        let next = match (one.peek(), other.peek()) {
            (None, None) => return None,
            (Some(Ok(a)), Some(Ok(b))) => order(a, b),
            (None, _) | (Some(Ok(_)), Some(Err(_))) => Ordering::Greater,
            (Some(_), _) => Ordering::Less,
        };
        let mut take = || {
            let a = if next.is_le() { one.next().transpose()? } else { None };
            let b = if next.is_ge() { other.next().transpose()? } else { None };
            Ok((a, b))
        };
        Some(take())
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const ALL: Budget = Budget { files: u64::MAX, bytes: u64::MAX };

    struct Artifacts {
        _dir: tempfile::TempDir,
        layout: ArtifactLayout,
        beside: Utf8PathBuf,
    }

    impl Artifacts {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let root = Utf8Path::from_path(dir.path()).expect("UTF-8");
            let layout = ArtifactLayout::new(root.join("artifacts"));
            fs_err::create_dir_all(layout.root()).expect("created");
            Self { layout, beside: root.join("lists"), _dir: dir }
        }

        fn write(&self, file: &str, content: &str) {
            let path = self.layout.root().join(file);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
            fs_err::write(path, content).expect("written");
        }

        fn take(&self) -> Snapshot {
            Snapshot::take(&self.layout, ALL, &self.beside).expect("listed")
        }

        /// Changed files, what was removed, and changed folders, since then.
        fn since(&self, before: &mut Snapshot) -> [Vec<String>; 3] {
            let changes = self.take().since(before, self.layout.root(), &self.beside);
            let mut changes = changes.expect("compared");
            let files: Vec<_> =
                changes.files.values().expect("read").map(|file| file.expect("read").relative).collect();
            assert_eq!(changes.count, files.len() as u64);
            let folders = changes.folders.into_iter().map(|(path, _)| path).collect();
            [files, changes.removed, folders]
                .map(|paths: Vec<Utf8PathBuf>| paths.into_iter().map(Utf8PathBuf::into_string).collect())
        }
    }

    #[test]
    fn what_is_new_changed_or_gone_is_found_in_any_order_of_names() {
        let artifacts = Artifacts::new();
        for file in ["a/1", "a/2", "a-b/1", "a.c", "gone/in/1", "gone-2", "log/process.log"] {
            artifacts.write(file, "old");
        }
        let mut before = artifacts.take();
        let none: [Vec<String>; 3] = Default::default();
        assert_eq!(artifacts.since(&mut before), none);
        for (file, content) in [("a/2", "new"), ("a/0", "x"), ("a-/1", "x"), ("z/y/1", "x"), ("a.c", "old")] {
            artifacts.write(file, content);
        }
        let root = artifacts.layout.root();
        fs_err::remove_dir_all(root.join("gone")).expect("removed");
        fs_err::remove_file(root.join("gone-2")).expect("removed");
        fs_err::set_permissions(root.join("a-b/1"), std::fs::Permissions::from_mode(0o600)).expect("set");
        fs_err::set_permissions(root.join("a"), std::fs::Permissions::from_mode(0o700)).expect("set");
        let [files, removed, folders] = artifacts.since(&mut before);
        assert_eq!(files, ["a-/1", "a-b/1", "a/0", "a/2", "z/y/1"]);
        assert_eq!(removed, ["gone-2", "gone/in/1", "gone/in", "gone"]);
        assert_eq!(folders, ["a-", "a", "z", "z/y"]);
    }

    #[test]
    fn a_file_becomes_a_folder_and_back() {
        let artifacts = Artifacts::new();
        artifacts.write("a", "x");
        artifacts.write("b/c", "x");
        let mut before = artifacts.take();
        let root = artifacts.layout.root();
        fs_err::remove_file(root.join("a")).expect("removed");
        fs_err::remove_dir_all(root.join("b")).expect("removed");
        artifacts.write("a/c", "x");
        artifacts.write("b", "x");
        let [files, removed, folders] = artifacts.since(&mut before);
        assert_eq!(
            (files, removed, folders),
            (
                vec!["a/c".to_owned(), "b".to_owned()],
                vec!["a".to_owned(), "b/c".to_owned(), "b".to_owned()],
                vec!["a".to_owned()],
            )
        );
    }

    #[test]
    fn as_many_files_as_there_are() {
        let artifacts = Artifacts::new();
        (0..3000).for_each(|number| artifacts.write(&format!("{}/{number}", number % 7), "x"));
        let mut before = artifacts.take();
        (0..3000).step_by(2).for_each(|number| artifacts.write(&format!("{}/{number}", number % 7), "y"));
        let [files, removed, folders] = artifacts.since(&mut before);
        assert_eq!((files.len(), removed.len(), folders.len()), (1500, 0, 0));
    }
}
