//! External data in, on real files: what is copied, what is kept, what is refused.

use std::cell::Cell;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use alo_artifacts::{
    LoadError, LoadProgress, LoadedData, NO_DATA_ID, ProjectLayout, S3Access, TreeError, check_sources,
    load_data, loaded_once,
};
use alo_plan::Fetch;
use alo_plan::PipelineKind::{Inference, Train};
use camino::{Utf8Path, Utf8PathBuf};
use fs_err::os::unix::fs::symlink;

struct Project {
    _dir: tempfile::TempDir,
    layout: ProjectLayout,
    /// Where the data lies, outside the project.
    nas: Utf8PathBuf,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        let layout = ProjectLayout::new(root.join("project"));
        fs_err::create_dir_all(layout.root()).expect("created");
        let project = Self { _dir: dir, layout, nas: root.join("nas") };
        project.put("data/a.csv", "a");
        project.put("data/deep/b.csv", "bb");
        project.put("more/c.csv", "ccc");
        project.put("single.csv", "dddd");
        project
    }

    fn put(&self, path: &str, content: &str) {
        let path = self.nas.join(path);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs_err::write(path, content).expect("written");
    }

    fn try_load(&self, sources: &[&str], policy: Fetch) -> Result<LoadedData, LoadError> {
        let texts: Vec<String> = sources.iter().map(|source| format!("{}/{source}", self.nas)).collect();
        let sources =
            check_sources(&[self.layout.root().to_owned()], &texts, &S3Access::default(), &|| false)?;
        load_data(&self.layout, Train, &sources, policy, &|| false, &mut |_| {})
    }

    fn load(&self, sources: &[&str]) -> LoadedData {
        self.try_load(sources, Fetch::Every).expect("loaded")
    }

    /// All files below `input/train` with their contents.
    fn input(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        let root = self.layout.input(Train);
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs_err::read_dir(&folder).expect("listed") {
                let path = Utf8PathBuf::try_from(entry.expect("an entry").path()).expect("UTF-8");
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).expect("below").to_string();
                    files.push((name, fs_err::read_to_string(&path).expect("read")));
                }
            }
        }
        files.sort();
        files
    }

    fn inode(&self, path: &str) -> u64 {
        fs_err::metadata(self.layout.input(Train).join(path)).expect("there").ino()
    }
}

fn files(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect()
}

#[test]
fn folders_and_single_files_land_under_their_names() {
    let project = Project::new();
    let loaded = project.load(&["data/", "more", "single.csv"]);
    assert_eq!(
        project.input(),
        files(&[
            ("data/a.csv", "a"),
            ("data/deep/b.csv", "bb"),
            ("more/c.csv", "ccc"),
            ("single.csv", "dddd")
        ])
    );
    assert_eq!((loaded.files, loaded.bytes, loaded.copied_files, loaded.copied_bytes), (4, 10, 4, 10));
    assert_eq!(loaded.sources[0].folder, project.layout.input(Train).join("data"));
    assert_eq!((loaded.sources[0].files, loaded.sources[2].bytes), (2, 4));
    assert_eq!(loaded.data_id.len(), 12);
}

#[test]
fn relative_paths_start_at_the_project_then_at_the_plan() {
    let project = Project::new();
    for (folder, text) in [("project/sample", "./sample"), ("project/config/other", "other")] {
        let path = project.nas.parent().expect("a parent").join(folder);
        fs_err::create_dir_all(&path).expect("created");
        fs_err::write(path.join("x"), "x").expect("written");
        let bases = [project.layout.root().to_owned(), project.layout.root().join("config")];
        assert_eq!(
            check_sources(&bases, &[text.to_owned()], &S3Access::default(), &|| false).expect("found")[0]
                .path,
            path
        );
    }
}

#[test]
fn what_has_not_changed_is_not_copied_again() {
    let project = Project::new();
    let first = project.load(&["data", "single.csv"]);
    let inode = project.inode("data/a.csv");
    let again = project.load(&["data", "single.csv"]);
    assert_eq!((again.copied_files, &again.data_id), (0, &first.data_id));
    project.put("data/deep/b.csv", "changed");
    project.put("data/new.csv", "new");
    let changed = project.load(&["data", "single.csv"]);
    assert_eq!((changed.copied_files, changed.copied_bytes), (2, 10));
    assert_ne!(changed.data_id, first.data_id);
    assert_eq!(project.inode("data/a.csv"), inode);
}

#[test]
fn a_change_of_the_same_size_is_seen() {
    let project = Project::new();
    let first = project.load(&["data", "single.csv"]);
    project.put("data/a.csv", "A");
    project.put("single.csv", "DDDD");
    let second = project.load(&["data", "single.csv"]);
    assert_eq!(second.copied_files, 2);
    assert_ne!(first.data_id, second.data_id);
    assert_eq!(project.input()[0].1, "A");
}

#[test]
fn a_change_with_the_old_time_is_seen() {
    let project = Project::new();
    project.load(&["data"]);
    let source = project.nas.join("data/a.csv");
    let time = fs_err::metadata(&source).expect("there").modified().expect("a time");
    project.put("data/a.csv", "A");
    let file = fs_err::OpenOptions::new().write(true).open(&source).expect("opened");
    file.file().set_modified(time).expect("set");
    assert_eq!(project.load(&["data"]).copied_files, 1);
    assert_eq!(project.input()[0].1, "A");
}

#[test]
fn a_copy_that_an_asset_spoiled_is_made_anew() {
    let project = Project::new();
    let first = project.load(&["data", "single.csv"]);
    let input = project.layout.input(Train);
    fs_err::write(input.join("data/a.csv"), "X").expect("written");
    fs_err::remove_file(input.join("data/deep/b.csv")).expect("removed");
    fs_err::write(input.join("single.csv"), "longer than before").expect("written");
    fs_err::write(input.join("data/deep/left.tmp"), "").expect("written");
    let again = project.load(&["data", "single.csv"]);
    assert_eq!((again.copied_files, again.data_id), (3, first.data_id));
    assert_eq!(
        project.input(),
        files(&[("data/a.csv", "a"), ("data/deep/b.csv", "bb"), ("single.csv", "dddd")])
    );
}

#[test]
fn what_vanished_at_the_source_or_from_the_plan_vanishes() {
    let project = Project::new();
    project.load(&["data", "more", "single.csv"]);
    fs_err::remove_dir_all(project.nas.join("data/deep")).expect("removed");
    fs_err::create_dir_all(project.nas.join("data/empty")).expect("created");
    let loaded = project.load(&["data"]);
    assert_eq!(project.input(), files(&[("data/a.csv", "a")]));
    assert!(project.layout.input(Train).join("data/empty").is_dir());
    assert_eq!(loaded.set_aside, Vec::<Utf8PathBuf>::new());
}

#[test]
fn a_file_may_become_a_folder_and_back() {
    let project = Project::new();
    project.load(&["data", "single.csv"]);
    for path in ["data/deep", "single.csv"] {
        let path = project.nas.join(path);
        if path.is_dir() { fs_err::remove_dir_all(path) } else { fs_err::remove_file(path) }
            .expect("removed");
    }
    project.put("data/deep", "now a file");
    project.put("single.csv/inner", "now a folder");
    project.load(&["data", "single.csv"]);
    assert_eq!(
        project.input(),
        files(&[("data/a.csv", "a"), ("data/deep", "now a file"), ("single.csv/inner", "now a folder")])
    );
    fs_err::remove_file(project.nas.join("data/deep")).expect("removed");
    project.put("data/deep/b.csv", "bb");
    project.load(&["data"]);
    assert_eq!(project.input(), files(&[("data/a.csv", "a"), ("data/deep/b.csv", "bb")]));
}

#[test]
fn what_nobody_loaded_is_moved_aside_and_not_lost() {
    let project = Project::new();
    let input = project.layout.input(Train);
    fs_err::create_dir_all(input.join("mine")).expect("created");
    for round in ["1", "2"] {
        fs_err::create_dir_all(input.join("mine")).expect("created");
        fs_err::write(input.join("mine/only-copy"), round).expect("written");
        fs_err::write(input.join(".gitkeep"), "").expect("written");
        let loaded = project.load(&["data"]);
        assert_eq!(fs_err::read_to_string(loaded.set_aside[0].join("only-copy")).expect("read"), round);
        assert!(!input.join("mine").exists() && input.join(".gitkeep").exists());
    }
}

#[test]
fn without_sources_nothing_is_touched() {
    let project = Project::new();
    let input = project.layout.input(Train);
    fs_err::create_dir_all(&input).expect("created");
    fs_err::write(input.join("by-hand.csv"), "x").expect("written");
    let loaded = project.load(&[]);
    assert_eq!((loaded.data_id.as_str(), loaded.files), (NO_DATA_ID, 0));
    assert_eq!(project.input(), files(&[("by-hand.csv", "x")]));
}

#[test]
fn once_does_not_look_again_unless_the_list_changes() {
    let project = Project::new();
    let first = project.try_load(&["data"], Fetch::Once).expect("loaded");
    project.put("data/a.csv", "changed");
    let texts = [format!("{}/data", project.nas)];
    let once = loaded_once(&project.layout, Train, &texts).expect("loaded");
    assert_eq!((&once.data_id, once.files, once.copied_files), (&first.data_id, 2, 0));
    assert_eq!(project.try_load(&["data"], Fetch::Once).expect("loaded").data_id, first.data_id);
    assert!(loaded_once(&project.layout, Inference, &texts).is_none());
    assert_eq!(project.try_load(&["data", "more"], Fetch::Once).expect("loaded").copied_files, 2);
    // What was loaded and is gone has to be loaded again.
    fs_err::remove_dir_all(project.layout.input(Train)).expect("removed");
    assert!(loaded_once(&project.layout, Train, &texts).is_none());
}

#[test]
fn the_id_covers_all_sources_and_not_their_order_or_place() {
    let project = Project::new();
    let first = project.load(&["data", "more"]).data_id;
    assert_eq!(project.load(&["more", "data"]).data_id, first);
    let elsewhere = Project::new();
    assert_eq!(elsewhere.load(&["data", "more"]).data_id, first);
    project.put("data/a.csv", "A");
    let changed_first = project.load(&["data", "more"]).data_id;
    project.put("more/c.csv", "CCC");
    let changed_both = project.load(&["data", "more"]).data_id;
    fs_err::rename(project.nas.join("data/a.csv"), project.nas.join("data/z.csv")).expect("renamed");
    let renamed = project.load(&["data", "more"]).data_id;
    let ids: std::collections::BTreeSet<_> = [first, changed_first, changed_both, renamed].into();
    assert_eq!(ids.len(), 4);
}

#[test]
fn the_state_may_be_deleted_between_runs() {
    let project = Project::new();
    let first = project.load(&["data"]);
    let inode = project.inode("data/a.csv");
    fs_err::remove_dir_all(project.layout.state()).expect("removed");
    let again = project.load(&["data"]);
    assert_eq!((again.copied_files, again.data_id), (0, first.data_id));
    assert_eq!(project.inode("data/a.csv"), inode);
}

#[test]
fn what_an_older_version_or_a_damaged_disk_left_of_the_manifest_costs_comparing_by_content() {
    let project = Project::new();
    let first = project.load(&["data", "single.csv"]);
    let (state, inode) = (project.layout.state().join("input"), project.inode("data/a.csv"));
    let (now, before) = (state.join("train.files"), state.join("train.json"));
    let whole = fs_err::read(&now).expect("read");
    let old = r#"{"format":2,"boot":null,"sources":[{"text":"x","path":"/x","name":"x","is_file":false,"files":{}}]}"#;
    for left in [b"".as_slice(), old.as_bytes(), &whole[..whole.len() - 1], &whole[1..], &[0; 4096]] {
        fs_err::write(&now, left).expect("written");
        fs_err::write(&before, old).expect("written");
        let again = project.load(&["data", "single.csv"]);
        assert_eq!((again.copied_files, &again.data_id), (0, &first.data_id));
        assert_eq!(project.inode("data/a.csv"), inode);
        assert!(!before.exists());
    }
}

#[test]
fn copies_that_a_power_failure_may_have_taken_are_read_again() {
    let project = Project::new();
    let first = project.load(&["data"]);
    // As after a restart: what is written in the manifest is from another boot.
    let manifest = project.layout.state().join("input/train.files");
    let mut bytes = fs_err::read(&manifest).expect("read");
    let key = b"\"boot\":\"";
    let boot = bytes.windows(key.len()).position(|window| window == key).expect("a boot") + key.len();
    bytes[boot] = if bytes[boot] == b'0' { b'1' } else { b'0' };
    fs_err::write(&manifest, bytes).expect("written");
    // Lost content under an unchanged stamp.
    let copy = project.layout.input(Train).join("data/deep/b.csv");
    let time = fs_err::metadata(&copy).expect("there").modified().expect("a time");
    let file = fs_err::OpenOptions::new().write(true).open(&copy).expect("opened");
    std::io::Write::write_all(&mut file.file(), b"\0\0").expect("written");
    file.file().set_modified(time).expect("set");
    let texts = [format!("{}/data", project.nas)];
    assert!(loaded_once(&project.layout, Train, &texts).is_none());
    let again = project.load(&["data"]);
    assert_eq!((again.copied_files, again.data_id), (1, first.data_id));
    assert_eq!(fs_err::read_to_string(&copy).expect("read"), "bb");
}

#[test]
fn links_inside_are_followed_and_links_out_refused_before_anything_is_touched() {
    let project = Project::new();
    symlink("a.csv", project.nas.join("data/link.csv")).expect("linked");
    project.load(&["data"]);
    assert_eq!(project.input()[2], ("data/link.csv".to_owned(), "a".to_owned()));
    assert!(!project.layout.input(Train).join("data/link.csv").is_symlink());
    symlink(project.nas.join("single.csv"), project.nas.join("data/out.csv")).expect("linked");
    project.put("data/a.csv", "not copied");
    let error = project.try_load(&["data"], Fetch::Every).expect_err("refused");
    assert!(
        matches!(&error, LoadError::Tree(TreeError::LinkOut { .. })) && error.hint().is_some(),
        "{error}"
    );
    assert_eq!(project.input()[0].1, "a");
}

#[test]
fn a_link_in_the_input_folder_is_never_written_through() {
    let project = Project::new();
    let victim = project.nas.join("victim");
    fs_err::create_dir_all(victim.join("deep")).expect("created");
    fs_err::write(victim.join("deep/kept"), "kept").expect("written");
    let input = project.layout.input(Train);
    fs_err::create_dir_all(&input).expect("created");
    symlink(&victim, input.join("data")).expect("linked");
    project.load(&["data"]);
    assert!(!input.join("data").is_symlink());
    fs_err::remove_dir_all(input.join("data/deep")).expect("removed");
    symlink(victim.join("deep"), input.join("data/deep")).expect("linked");
    project.load(&["data"]);
    assert!(!input.join("data/deep").is_symlink());
    assert_eq!(fs_err::read_dir(victim.join("deep")).expect("listed").count(), 1);
    assert_eq!(fs_err::read_dir(&victim).expect("listed").count(), 1);
    fs_err::remove_dir_all(&input).expect("removed");
    symlink(&victim, &input).expect("linked");
    assert!(matches!(project.try_load(&["data"], Fetch::Every), Err(LoadError::InputIsLink { .. })));
}

#[test]
fn sources_that_hold_the_input_folder_are_refused() {
    let project = Project::new();
    for source in ["../project", "../project/input", "../project/input/train", "../project/input/train/x"] {
        fs_err::create_dir_all(project.layout.input(Train).join("x")).expect("created");
        let error = project.try_load(&[source], Fetch::Every).expect_err("refused");
        assert!(matches!(&error, LoadError::Overlap { .. }) && error.hint().is_some(), "{source}: {error}");
    }
}

#[test]
fn special_files_are_refused() {
    let project = Project::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let pipe = project.nas.join("data/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, pipe.as_std_path(), rustix::fs::FileType::Fifo, mode, 0)
        .expect("made");
    for source in ["data", "data/pipe"] {
        let error = project.try_load(&[source], Fetch::Every).expect_err("refused");
        assert!(error.to_string().contains("is a pipe"), "{error}");
    }
}

#[test]
fn an_unreadable_file_is_named() {
    let project = Project::new();
    let secret = project.nas.join("data/a.csv");
    fs_err::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).expect("set");
    if fs_err::File::open(&secret).is_ok() {
        return; // Root reads everything.
    }
    let error = project.try_load(&["data"], Fetch::Every).expect_err("refused");
    assert!(error.to_string().contains("data/a.csv"), "{error}");
}

#[test]
fn loading_can_be_stopped_and_goes_on_where_it_was() {
    let project = Project::new();
    for number in 0..200 {
        project.put(&format!("many/{number}"), &"x".repeat(20_000));
    }
    let texts = [format!("{}/many", project.nas)];
    let sources = check_sources(&[], &texts, &S3Access::default(), &|| false).expect("fine");
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 1
    };
    let stopped = load_data(&project.layout, Train, &sources, Fetch::Every, &stop, &mut |_| {});
    // On a fast machine all may be copied before the question is asked the second time.
    assert!(matches!(stopped, Err(LoadError::Cancelled)) || asked.get() < 2);
    let last = Cell::new(None::<LoadProgress>);
    let loaded = load_data(&project.layout, Train, &sources, Fetch::Every, &|| false, &mut |progress| {
        last.set(Some(progress));
    });
    assert_eq!(loaded.expect("loaded").files, 200);
    assert_eq!(last.get().map(|last| last.files), last.get().map(|last| last.files_total));
    assert!(
        project.input().iter().all(|(name, content)| name.starts_with("many/") && content.len() == 20_000)
    );
}

/// Loads two folders of which one file vanishes after the first one was listed.
fn load_what_vanishes(project: &Project) {
    let texts = ["data", "more"].map(|source| format!("{}/{source}", project.nas));
    let sources = check_sources(&[], &texts, &S3Access::default(), &|| false).expect("fine");
    let asked = Cell::new(0);
    let vanish = || {
        asked.set(asked.get() + 1);
        if asked.get() == 2 {
            fs_err::remove_file(project.nas.join("data/deep/b.csv")).expect("removed");
        }
        false
    };
    let failed = load_data(&project.layout, Train, &sources, Fetch::Every, &vanish, &mut |_| {});
    assert!(failed.expect_err("it vanished").to_string().contains("b.csv"));
}

#[test]
fn data_that_was_loaded_again_only_in_part_is_not_whole_for_once() {
    let project = Project::new();
    project.load(&["data", "more"]);
    let texts = ["data", "more"].map(|source| format!("{}/{source}", project.nas));
    assert!(loaded_once(&project.layout, Train, &texts).is_some());
    project.put("data/a.csv", "changed");
    project.put("data/deep/b.csv", "changed");
    load_what_vanishes(&project);
    assert_eq!(loaded_once(&project.layout, Train, &texts), None);
    project.try_load(&["data", "more"], Fetch::Once).expect("loaded");
    assert_eq!(project.input(), files(&[("data/a.csv", "changed"), ("more/c.csv", "ccc")]));
    assert!(loaded_once(&project.layout, Train, &texts).is_some());
}

/// Gives what is left of the first of two folders that were loaded for the first time, but not to their end.
fn load_in_part(project: &Project) -> Utf8PathBuf {
    load_what_vanishes(project);
    let input = project.layout.input(Train);
    let left = input.read_dir_utf8().expect("listed").map(|entry| entry.expect("an entry").into_path());
    left.into_iter().find(|path| path.join("deep").exists()).expect("what was begun")
}

#[test]
fn a_folder_appears_when_it_is_whole_and_what_was_begun_is_compared_by_content() {
    let project = Project::new();
    let begun = load_in_part(&project);
    let input = project.layout.input(Train);
    assert!(!input.join("data").exists() && !input.join("more").exists(), "nothing has its name yet");
    project.put("data/deep/b.csv", "bb");
    // As a kill may leave them: of another size, of the right size but not the content, whole, and gone from the source.
    project.put("data/c.csv", "ccc");
    project.put("data/whole.csv", "whole");
    for (name, content) in [("a.csv", "X"), ("c.csv", "c"), ("whole.csv", "whole"), ("gone.csv", "gone")] {
        fs_err::write(begun.join(name), content).expect("written");
    }
    let inode = fs_err::metadata(begun.join("whole.csv")).expect("there").ino();
    let loaded = project.load(&["data"]);
    assert_eq!((loaded.files, loaded.copied_files), (4, 3));
    let whole =
        [("data/a.csv", "a"), ("data/c.csv", "ccc"), ("data/deep/b.csv", "bb"), ("data/whole.csv", "whole")];
    assert_eq!(project.input(), files(&whole));
    assert_eq!(project.inode("data/whole.csv"), inode);
    assert!(!begun.exists());
}

#[test]
fn what_was_begun_of_a_source_that_the_plan_no_longer_names_vanishes() {
    let project = Project::new();
    let begun = load_in_part(&project);
    let loaded = project.load(&["more"]);
    assert!(!begun.exists());
    assert_eq!((project.input(), loaded.set_aside), (files(&[("more/c.csv", "ccc")]), Vec::new()));
}

#[test]
fn a_link_in_the_place_of_what_was_begun_is_never_written_through() {
    let project = Project::new();
    let begun = load_in_part(&project);
    let victim = project.nas.join("victim");
    fs_err::create_dir_all(&victim).expect("created");
    fs_err::remove_dir_all(&begun).expect("removed");
    symlink(&victim, &begun).expect("linked");
    project.load(&["data"]);
    assert_eq!(project.input(), files(&[("data/a.csv", "a")]));
    assert_eq!(fs_err::read_dir(&victim).expect("listed").count(), 0);
}

#[test]
fn a_load_that_finds_nothing_changed_writes_nothing() {
    let project = Project::new();
    // Sorted as text, `names/b` stands behind `names.csv`, and `names/a` behind `names-b`.
    for name in ["names/a", "names/b", "names-b", "names.csv", "names/c d/e", "z"] {
        project.put(&format!("data/{name}"), name);
    }
    let manifest = project.layout.state().join("input/train.files");
    let text = || String::from_utf8_lossy(&fs_err::read(&manifest).expect("read")).into_owned();
    let written =
        || fs_err::metadata(&manifest).map(|there| (there.ino(), there.ctime(), there.ctime_nsec()));
    let written = || written().expect("there");
    let first = project.load(&["data", "more", "single.csv"]);
    // A source counts by its times when it has been at rest for two seconds; until then nothing stands for them.
    let mut before = written();
    loop {
        project.load(&["data", "more", "single.csv"]);
        if written() == before {
            break;
        }
        before = written();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let again = project.load(&["data", "more", "single.csv"]);
    assert_eq!((again.copied_files, &again.data_id), (0, &first.data_id));
    assert_eq!((again.files, again.bytes, before), (first.files, first.bytes, written()));
    // A folder that an asset made is removed all the same, and another list of sources is written down.
    fs_err::create_dir(project.layout.input(Train).join("data/empty")).expect("created");
    project.load(&["data", "more", "single.csv"]);
    assert!(!project.layout.input(Train).join("data/empty").exists());
    let fewer = project.load(&["single.csv", "data"]);
    assert_eq!((fewer.copied_files, fewer.files), (0, first.files - 1));
    assert!(!project.layout.input(Train).join("more").exists() && !text().contains("more"));
}
