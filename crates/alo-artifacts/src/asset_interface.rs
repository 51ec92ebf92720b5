//! The folder of the values between a pipeline's steps in file mode: `.asset_interface/<pipeline>/`.

use alo_plan::PipelineKind;
use camino::{Utf8DirEntry, Utf8Path, Utf8PathBuf};

use crate::durable;
use crate::layout::ProjectLayout;
use crate::value_files::value_files;

/// Appended to a file's name: its space is for the file that comes to that name.
const OLD: &str = "old";
/// Files of the last run stay for their space while so many times their size is free.
const PLENTY: u64 = 4;

/// The files by which `data` and `config` pass in file mode, which stay until the next run for whoever wants to look.
///
/// ```
/// use alo_artifacts::{AssetInterface, ProjectLayout};
/// use alo_plan::PipelineKind;
///
/// let interface = AssetInterface::new(&ProjectLayout::new("/project".into()), PipelineKind::Train);
/// assert_eq!(interface.file("input", "data"), "/project/.asset_interface/train_pipeline/input_data.pkl");
/// ```
#[derive(Debug)]
pub struct AssetInterface {
    folder: Utf8PathBuf,
}

/// The files that the last run has left, while the next one writes its own. Dropped, it removes those that are left.
#[derive(Debug)]
#[must_use]
pub struct OldValues {
    folder: Utf8PathBuf,
}

impl AssetInterface {
    /// Describes that of a pipeline; nothing is touched.
    pub fn new(layout: &ProjectLayout, pipeline: PipelineKind) -> Self {
        Self { folder: layout.asset_interface(pipeline) }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// The file of what a step saves: its `data` or its `config`.
    pub fn file(&self, step: &str, what: &str) -> Utf8PathBuf {
        self.folder.join(format!("{step}_{what}.pkl"))
    }

    /// Takes the values of the last run away.
    ///
    /// Their files stay under other names, unless they take much of the space that is free: to write a file anew costs
    /// less than to make one, whose memory and place on the disk have to be found.
    pub fn begin(&self) -> OldValues {
        let left = OldValues { folder: self.folder.clone() };
        // What cannot be removed is written anew before it is read.
        if fs_err::symlink_metadata(&self.folder).is_ok_and(|found| !found.is_dir()) {
            durable::remove(&self.folder).ok();
        }
        left.remove();
        let is_tight = self.is_tight();
        for path in files(&self.folder) {
            let is_file = fs_err::symlink_metadata(&path).is_ok_and(|found| found.is_file());
            let stays = is_file && !is_tight && path.extension() == Some("pkl");
            if !stays || fs_err::rename(&path, old(&path)).is_err() {
                durable::remove(&path).ok();
            }
        }
        left
    }

    /// Gives whoever writes the file `to`, in place of that step's value, the old file of this value, as `to.old`.
    pub fn lend(&self, step: &str, what: &str, to: &Utf8Path) {
        // Without it, a new file is made.
        fs_err::rename(old(&self.file(step, what)), old(to)).ok();
    }

    /// Shows the files of values that lie elsewhere. No step reads them here, so that nothing is lost if it fails.
    pub fn show(&self, step: &str, data: Option<&Utf8Path>, config: Option<&Utf8Path>) {
        durable::create_dir_all(&self.folder).ok();
        for (what, value) in [("data", data), ("config", config)] {
            let Some(value) = value else { continue };
            let to = self.file(step, what);
            for from in value_files(value) {
                let rest = from.as_str().strip_prefix(value.as_str()).unwrap_or_default();
                share(&from, &Utf8PathBuf::from(format!("{to}{rest}")));
            }
        }
    }

    fn is_tight(&self) -> bool {
        let found = files(&self.folder).into_iter().filter_map(|path| path.metadata().ok());
        let needed = found.map(|file| file.len()).sum::<u64>().saturating_mul(PLENTY);
        durable::free_space(&self.folder).is_ok_and(|free| free < needed)
    }
}

impl OldValues {
    fn remove(&self) {
        for path in files(&self.folder).into_iter().filter(|path| path.extension() == Some(OLD)) {
            durable::remove(&path).ok();
        }
    }
}

impl Drop for OldValues {
    fn drop(&mut self) {
        self.remove();
    }
}

fn old(path: &Utf8Path) -> Utf8PathBuf {
    format!("{path}.{OLD}").into()
}

/// What lies in a folder now, whatever is renamed meanwhile; nothing if it is absent.
fn files(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    folder.read_dir_utf8().into_iter().flatten().flatten().map(Utf8DirEntry::into_path).collect()
}

/// Gives a file a second name, or where that cannot be a copy. What is done to it there is noticed before it is used.
fn share(from: &Utf8Path, to: &Utf8Path) {
    let _ = fs_err::remove_file(to);
    if fs_err::hard_link(from, to).is_err() {
        let _ = fs_err::copy(from, to);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Project {
        _dir: tempfile::TempDir,
        root: Utf8PathBuf,
        interface: AssetInterface,
    }

    impl Project {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a temporary folder");
            let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
            let interface = AssetInterface::new(&ProjectLayout::new(root.clone()), PipelineKind::Train);
            fs_err::create_dir_all(interface.folder()).expect("created");
            Self { _dir: dir, root, interface }
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<_> = files(self.interface.folder())
                .into_iter()
                .map(|path| path.file_name().expect("a name").to_owned())
                .collect();
            names.sort();
            names
        }
    }

    #[test]
    fn what_the_last_run_has_left_is_lent_and_then_goes() {
        let project = Project::new();
        let Project { root, interface, .. } = &project;
        let (value, other) = (root.join("value"), root.join("value-1"));
        for path in [&value, &other, &interface.folder().join("gone_data.pkl.old"), &root.join("outside")] {
            fs_err::write(path, path.as_str()).expect("written");
        }
        interface.show("make", Some(&value), Some(&root.join("absent")));
        interface.show("change", Some(&value), None);
        fs_err::create_dir(interface.folder().join("folder.pkl")).expect("created");
        symlink(root.join("outside"), interface.folder().join("link.pkl")).expect("linked");
        let old = interface.begin();
        assert_eq!(project.names(), ["change_data.pkl.old", "make_data.pkl.old"]);
        interface.lend("make", "data", &root.join("new"));
        interface.lend("make", "config", &root.join("none"));
        assert_eq!(fs_err::read_to_string(root.join("new.old")).expect("lent"), value.as_str());
        assert_eq!(project.names(), ["change_data.pkl.old"]);
        interface.show("make", Some(&value), None);
        drop(old);
        assert_eq!(project.names(), ["make_data.pkl", "make_data.pkl-1"]);
        assert!(value.is_file() && other.is_file() && root.join("outside").is_file());
    }

    #[test]
    fn little_space_is_left_to_the_run() {
        let project = Project::new();
        let path = project.interface.file("make", "data");
        fs_err::File::create(path).expect("made").set_len(1 << 43).expect("without its blocks");
        let _old = project.interface.begin();
        assert_eq!(project.names(), [""; 0]);
    }

    #[test]
    fn a_link_in_place_of_the_folder_leads_nowhere() {
        let project = Project::new();
        let folder = project.interface.folder();
        fs_err::remove_dir(folder).expect("removed");
        fs_err::create_dir(project.root.join("own")).expect("created");
        fs_err::write(project.root.join("own/file.pkl"), "").expect("written");
        symlink(project.root.join("own"), folder).expect("linked");
        let _old = project.interface.begin();
        assert!(project.root.join("own/file.pkl").is_file() && fs_err::symlink_metadata(folder).is_err());
    }
}
