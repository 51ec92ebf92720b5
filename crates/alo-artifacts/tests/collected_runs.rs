//! Runs that are collected with their artifacts and settled without them, while these are in use by somebody else.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use alo_artifacts::{
    CollectedRun, Finished, History, HistoryEntry, Keep, ProjectLayout, Retention, RunId, RunRecord,
    RunState, recover,
};
use alo_plan::PipelineKind::{self, Inference, Train};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use proptest::prelude::*;

struct Project {
    _dir: tempfile::TempDir,
    layout: ProjectLayout,
    history: History,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let layout = ProjectLayout::new(Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned());
        Self { history: History::new(&layout), layout, _dir: dir }
    }

    /// Artifacts of these files, and a run that has collected them.
    fn collect(&self, kind: PipelineKind, number: u32, files: &BTreeMap<String, Vec<u8>>) -> CollectedRun {
        let run = self.history.begin(RunRecord::new(id(number), kind, id(number).started())).expect("begun");
        run.collect(RunState::Succeeded, None, &self.made(kind, files).keep())
    }

    fn finish(&self, kind: PipelineKind, number: u32, files: &BTreeMap<String, Vec<u8>>) -> Finished {
        let run = self.history.begin(RunRecord::new(id(number), kind, id(number).started())).expect("begun");
        run.finish(RunState::Succeeded, None, &self.made(kind, files).keep())
    }

    fn made(&self, kind: PipelineKind, files: &BTreeMap<String, Vec<u8>>) -> Made {
        let layout = self.layout.artifacts(kind);
        if layout.root().exists() {
            fs_err::remove_dir_all(layout.root()).expect("removed");
        }
        fs_err::create_dir_all(layout.root()).expect("created");
        for (path, content) in files {
            let path = layout.root().join(path);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
            fs_err::write(&path, content).expect("written");
            if path.extension() == Some("sh") {
                fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
            }
        }
        Made(layout)
    }

    fn find(&self, kind: PipelineKind, number: u32) -> HistoryEntry {
        self.history.find(&format!("{number:08}"), Some(kind)).expect("found")
    }
}

struct Made(alo_artifacts::ArtifactLayout);

impl Made {
    fn keep(&self) -> Keep<'_> {
        Keep { layout: Some(&self.0), artifacts: true, logs: true }
    }
}

fn id(number: u32) -> RunId {
    RunId::new(Timestamp::from_second(1_700_000_000 + i64::from(number)).expect("a time"), number, "x")
}

fn files(of: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    of.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec())).collect()
}

/// Every file that a run has kept, with content and mode; not the record, whose times and sizes of itself differ.
fn kept(folder: &Utf8Path) -> BTreeMap<Utf8PathBuf, (Vec<u8>, u32)> {
    let (mut folders, mut found) = (vec![folder.to_owned()], BTreeMap::new());
    while let Some(inner) = folders.pop() {
        for entry in inner.read_dir_utf8().expect("listed") {
            let path = entry.expect("an entry").into_path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name() != Some("run.yaml") {
                let mode = fs_err::metadata(&path).expect("there").mode();
                let content = fs_err::read(&path).expect("read");
                found.insert(path.strip_prefix(folder).expect("inside").to_owned(), (content, mode));
            }
        }
    }
    found
}

#[test]
fn what_is_collected_is_kept_whatever_becomes_of_the_artifacts() {
    let project = Project::new();
    let left = files(&[("models/train/m", &[7; 16_000]), ("models/train/small", b"s"), ("report/r", b"")]);
    project.finish(Train, 1, &left);
    let collected = project.collect(Train, 2, &left);
    assert_eq!(project.find(Train, 2).record.state, RunState::Running);
    let model = project.layout.artifacts(Train).model("train").join("m");
    fs_err::write(&model, [8; 16_000]).expect("written");
    fs_err::remove_dir_all(project.layout.artifacts(Train).report()).expect("removed");
    let finished =
        std::thread::scope(|threads| threads.spawn(|| collected.settle()).join().expect("no panic"));
    assert_eq!(finished.warnings, Vec::<String>::new());
    let [one, two] = [1, 2].map(|number| project.find(Train, number));
    assert_eq!((two.record.state, two.record.artifacts_kept), (RunState::Succeeded, true));
    assert_eq!(two.verify().expect("verified"), []);
    assert_eq!(kept(&one.folder), kept(&two.folder));
    // Of two equal contents there is one.
    let inode =
        |entry: &HistoryEntry| fs_err::metadata(entry.folder.join("models/train/m")).expect("there").ino();
    assert_eq!(inode(&one), inode(&two));
    assert!(two.record.unique_bytes < 16_000, "{}", two.record.unique_bytes);
}

#[test]
fn what_is_collected_and_never_settled_was_interrupted() {
    let project = Project::new();
    drop(project.collect(Train, 1, &files(&[("models/train/m", &[7; 16_000])])));
    assert_eq!(project.find(Train, 1).record.state, RunState::Interrupted);
    let recovered = recover(&project.layout).expect("recovered");
    assert_eq!(recovered.interrupted.len(), 1);
    assert!(project.find(Train, 1).folder.as_str().ends_with("-error"));
}

#[test]
fn the_quota_counts_both_pipelines_of_a_run_at_once_and_looks_at_no_other() {
    let project = Project::new();
    let limit = Retention { bytes: Some(200_000), runs: None };
    let model =
        |number: u8| files(&[("models/train/m", &vec![number; 50_000]), ("output/o.csv", &[number; 10])]);
    project.finish(Train, 1, &model(1));
    let mut left = project.history.prune(limit, Some(&id(1))).expect("pruned").left;
    // Whoever looks at it again finds it changed: what is known of it no longer fits.
    let uncounted = project.find(Train, 1).folder.join("models/train/uncounted");
    fs_err::write(&uncounted, [0; 1000]).expect("written");
    for number in [2, 3] {
        let collected = project.collect(Train, number, &model(2));
        let begun = project
            .history
            .begin(RunRecord::new(id(number), Inference, id(number).started()))
            .expect("begun");
        collected.settle();
        begun.finish(RunState::Succeeded, None, &Keep::nothing());
        let bytes = [Train, Inference].map(|kind| {
            let entry = project.find(kind, number);
            let record = fs_err::metadata(entry.folder.join("run.yaml")).expect("there").len();
            entry.record.unique_bytes + record
        });
        let pruned = project.history.prune(limit, Some(&id(number))).expect("pruned");
        assert_eq!(pruned.left, left + bytes.iter().sum::<u64>());
        left = pruned.left;
    }
    // As the files say when all are counted.
    fs_err::remove_file(&uncounted).expect("removed");
    fs_err::remove_file(project.layout.state().join("history.json")).expect("removed");
    assert_eq!(project.history.prune(limit, Some(&id(3))).expect("pruned").left, left);
}

/// Few names and contents of sizes around the limit of sharing, so that equal ones are common.
fn some_files() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let names = prop::sample::select(vec![
        "models/train/a",
        "models/train/b",
        "output/c",
        "report/run.sh",
        "log/p.log",
    ]);
    let content = (0_u8..3, prop::sample::select(vec![0_usize, 10, 4095, 4096, 5000, 70_000]));
    prop::collection::btree_map(
        names.prop_map(str::to_owned),
        content.prop_map(|(byte, size)| vec![byte; size]),
        0..5,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_run_settled_later_is_bit_for_bit_as_one_that_is_finished_at_once(
        runs in prop::collection::vec(some_files(), 1..5),
    ) {
        let (now, later) = (Project::new(), Project::new());
        for (number, files) in (1..).zip(&runs) {
            let at_once = now.finish(Train, number, files);
            let settled = later.collect(Train, number, files).settle();
            prop_assert_eq!(kept(&at_once.folder), kept(&settled.folder));
            prop_assert_eq!(at_once.record.artifacts_kept, settled.record.artifacts_kept);
            prop_assert_eq!(at_once.record.bytes, settled.record.bytes);
            prop_assert_eq!(at_once.record.unique_bytes, settled.record.unique_bytes);
            prop_assert_eq!(at_once.warnings, settled.warnings);
            let links = |folder: &Utf8Path| -> Vec<_> {
                kept(folder).into_keys().map(|file| fs_err::metadata(folder.join(file)).expect("there").nlink()).collect()
            };
            prop_assert_eq!(links(&at_once.folder), links(&settled.folder));
        }
    }
}
