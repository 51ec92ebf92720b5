//! What can be done with runs of the history: shared files, damage, restore, removal, export, comparison, the index.

use std::collections::HashMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use alo_artifacts::{
    DamageKind, DifferenceArea, EXTERNAL_MODEL, ExperimentalHistory, History, HistoryEntry, Keep, MemberTime,
    ProjectLayout, RemoveError, RestoreError, Retention, RunDiff, RunExportError, RunId, RunRecord, RunState,
    StagedArtifacts, StepRecord, recover,
};
use alo_plan::PipelineKind::{self, Inference, Train};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use proptest::prelude::*;

struct Project {
    dir: tempfile::TempDir,
    layout: ProjectLayout,
    history: History,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").join("project");
        fs_err::create_dir(&root).expect("created");
        let layout = ProjectLayout::new(root);
        Self { history: History::new(&layout), layout, dir }
    }

    /// A successful run that leaves these files; its artifacts become current.
    fn run(&self, kind: PipelineKind, number: u32, files: &[(&str, Vec<u8>)]) -> HistoryEntry {
        let id = id(number);
        let run = self.history.begin(RunRecord::new(id.clone(), kind, id.started())).expect("begun");
        let staged = StagedArtifacts::begin(&self.layout, kind, &id).expect("staged");
        for (path, content) in files {
            let path = staged.layout().root().join(path);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
            fs_err::write(path, content).expect("written");
        }
        ExperimentalHistory { id: id.to_string(), ..ExperimentalHistory::default() }
            .write(&staged.layout().experimental_history())
            .expect("written");
        staged.commit().expect("committed");
        let current = self.layout.artifacts(kind);
        let keep = Keep { layout: Some(&current), artifacts: true, logs: true };
        assert_eq!(run.finish(RunState::Succeeded, None, &keep).warnings, Vec::<String>::new());
        self.find(kind, number)
    }

    fn train(&self, number: u32, model: &[u8]) -> HistoryEntry {
        self.run(Train, number, &[("models/train/m", model.to_vec())])
    }

    fn find(&self, kind: PipelineKind, number: u32) -> HistoryEntry {
        self.history.find(&format!("{number:08}"), Some(kind)).expect("found")
    }

    fn model(&self) -> Vec<u8> {
        fs_err::read(self.layout.artifacts(Train).model("train").join("m")).expect("a model")
    }

    fn current(&self) -> String {
        let path = self.layout.artifacts(Train).experimental_history();
        ExperimentalHistory::read(&path).expect("ids and times").id
    }

    /// What all runs take, each file counted once.
    fn unique_bytes(&self) -> u64 {
        files_in(&[self.layout.history(Train), self.layout.history(Inference)])
            .into_values()
            .map(|(_, bytes)| bytes)
            .collect::<HashMap<_, _>>()
            .into_values()
            .sum()
    }

    fn objects(&self) -> usize {
        files_in(&[self.layout.root().join("history/.objects")]).len()
    }
}

/// Every file below these folders, with its inode and its size as one pair.
fn files_in(folders: &[Utf8PathBuf]) -> HashMap<Utf8PathBuf, (String, (u64, u64))> {
    let mut folders = folders.to_vec();
    let mut files = HashMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).into_iter().flatten() {
            let entry = entry.expect("an entry");
            let meta = entry.metadata().expect("there");
            let path = Utf8PathBuf::from_path_buf(entry.path()).expect("UTF-8");
            if meta.is_dir() {
                folders.push(path);
            } else {
                files.insert(path, (String::new(), (meta.ino(), meta.len())));
            }
        }
    }
    files
}

fn id(number: u32) -> RunId {
    RunId::new(Timestamp::from_second(1_700_000_000 + i64::from(number)).expect("a time"), number, "x")
}

fn within(bytes: u64) -> Retention {
    Retention { bytes: Some(bytes), runs: None }
}

fn inode(path: &Utf8Path) -> u64 {
    fs_err::metadata(path).expect("there").ino()
}

fn overwrite(path: &Utf8Path, content: &[u8]) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("set");
    fs_err::write(path, content).expect("written");
}

#[test]
fn equal_files_of_different_runs_are_one_file_and_never_the_working_one() {
    let project = Project::new();
    let (one, two) = (project.train(1, &[7; 16_000]), project.train(2, &[7; 16_000]));
    let file = |entry: &HistoryEntry| entry.folder.join("models/train/m");
    assert_eq!(inode(&file(&one)), inode(&file(&two)));
    let current = project.layout.artifacts(Train).model("train").join("m");
    assert_ne!(inode(&file(&one)), inode(&current));
    assert_eq!(fs_err::metadata(file(&one)).expect("there").mode() & 0o222, 0, "read-only");
    assert!(one.record.unique_bytes > 16_000 && two.record.unique_bytes < 16_000);
    assert!(two.record.bytes > 16_000);
    // The working folder can be written to as ever, and no run sees it.
    fs_err::write(&current, "mine").expect("written");
    assert_eq!(one.verify().expect("verified"), []);
    // The content stays until the last run that has it goes.
    project.history.remove(&one, true).expect("removed");
    assert_eq!(fs_err::read(file(&two)).expect("read"), [7; 16_000]);
    assert_eq!(project.objects(), 1);
    project.history.remove(&two, true).expect("removed");
    assert_eq!(project.objects(), 0);
}

#[test]
fn equal_files_of_one_run_and_executables_are_told_apart() {
    let project = Project::new();
    let same = |name| (name, vec![3; 9000]);
    let one = project.run(Train, 1, &[same("models/a"), same("models/b"), same("output/c")]);
    assert_eq!(inode(&one.folder.join("models/a")), inode(&one.folder.join("output/c")));
    project.history.restore(&one).expect("restored");
    let models = project.layout.artifacts(Train).models();
    assert_ne!(inode(&models.join("a")), inode(&models.join("b")), "working files are nobody's links");
    let mode = |path: &Utf8Path| fs_err::metadata(path).expect("there").mode() & 0o111;
    assert_eq!(mode(&models.join("a")), 0);
}

#[test]
fn binary_data_and_odd_names_are_kept_as_they_are() {
    let project = Project::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let files = [("extra_output/x/\u{ac00} b\n.bin", bytes.clone()), ("output/empty", Vec::new())];
    let entry = project.run(Inference, 1, &files);
    assert_eq!(fs_err::read(entry.folder.join(files[0].0)).expect("read"), bytes);
    assert_eq!(entry.verify().expect("verified"), []);
    project.run(Inference, 2, &[]);
    project.history.restore(&entry).expect("restored");
    let current = project.layout.artifacts(Inference);
    assert_eq!(fs_err::read(current.root().join(files[0].0)).expect("read"), bytes);
    assert!(current.output().join("empty").exists());
}

#[test]
fn a_damaged_run_is_reported_and_never_restored_or_exported() {
    let project = Project::new();
    let one = project.run(Train, 1, &[("models/train/m", vec![1; 9000]), ("models/train/n", vec![2; 10])]);
    project.train(2, &[5; 9000]);
    overwrite(&one.folder.join("models/train/m"), &[9; 9000]);
    fs_err::remove_file(one.folder.join("models/train/n")).expect("removed");
    let damages = one.verify().expect("verified");
    let kinds: Vec<_> = damages.iter().map(|damage| (damage.file.as_str(), damage.kind)).collect();
    assert_eq!(kinds, [("models/train/m", DamageKind::Changed), ("models/train/n", DamageKind::Missing)]);
    let error = project.history.restore(&one).expect_err("damaged");
    assert!(
        matches!(error, RestoreError::Damaged { .. }) && error.to_string().contains("was changed"),
        "{error}"
    );
    let out = project.layout.root().join("out");
    assert!(matches!(
        project.history.export(&one, &out, MemberTime::Kept, &|| false),
        Err(RunExportError::Damaged { .. })
    ));
    assert!(!out.exists());
    assert_eq!((project.model(), project.current()), (vec![5; 9000], id(2).to_string()));
    // The damaged content is given to no other run.
    let three = project.train(3, &[1; 9000]);
    assert_eq!(three.verify().expect("verified"), []);
    assert_eq!(fs_err::read(three.folder.join("models/train/m")).expect("read"), [1; 9000]);
}

#[test]
fn a_restored_model_is_current_named_and_spared_by_the_quota() {
    let project = Project::new();
    let one = project.train(1, b"one");
    let two = project.train(2, &[2; 9000]);
    let restored = project.history.restore(&one).expect("restored");
    assert_eq!((restored.recorded, restored.files), (None, 2));
    assert_eq!((project.model(), project.current()), (b"one".to_vec(), id(1).to_string()));
    assert_eq!(fs_err::read_dir(project.layout.staging()).expect("listed").count(), 0);
    let pruned = project.history.prune(within(0), None).expect("pruned");
    assert_eq!(pruned.runs, [(Train, id(2))], "the run whose model is current is the restored one");
    assert!(!two.folder.exists() && one.folder.exists());
    // And it can be written to.
    fs_err::write(project.layout.artifacts(Train).model("train").join("m"), "mine").expect("written");
    assert_eq!(one.verify().expect("verified"), []);
}

#[test]
fn a_restore_records_first_what_the_history_does_not_have() {
    let project = Project::new();
    let one = project.train(1, b"one");
    project.train(2, b"two");
    let current = project.layout.artifacts(Train);
    fs_err::write(current.model("train").join("m"), "edited by hand").expect("written");
    let kept = project.history.restore(&one).expect("restored").recorded.expect("recorded");
    assert_eq!(project.model(), b"one");
    let kept = project.history.find(kept.as_str(), Some(Train)).expect("found");
    assert_eq!((kept.record.mode.as_str(), kept.record.state), ("restore", RunState::Succeeded));
    project.history.restore(&kept).expect("restored");
    assert_eq!(
        (project.model(), project.current()),
        (b"edited by hand".to_vec(), kept.record.id.to_string())
    );

    // A model from outside, and one whose run was removed, are recorded as well.
    ExperimentalHistory::external_model().write(&current.experimental_history()).expect("written");
    assert!(project.history.restore(&one).expect("restored").recorded.is_some());
    project.history.remove(&one, true).expect("removed");
    let two = project.find(Train, 2);
    assert!(project.history.restore(&two).expect("restored").recorded.is_some());
    assert_ne!(project.current(), EXTERNAL_MODEL);
}

#[test]
fn only_whole_runs_are_restored() {
    let project = Project::new();
    project.train(1, b"one");
    let failed = project.history.begin(RunRecord::new(id(2), Train, id(2).started())).expect("begun");
    failed.finish(RunState::Failed, None, &Keep::nothing());
    let bare = project.history.begin(RunRecord::new(id(3), Train, id(3).started())).expect("begun");
    bare.finish(RunState::Succeeded, None, &Keep::nothing());
    let restore = |number| project.history.restore(&project.find(Train, number)).expect_err("refused");
    assert!(matches!(restore(2), RestoreError::NotGood { .. }));
    assert!(matches!(restore(3), RestoreError::NotKept { .. }));
    assert_eq!(project.model(), b"one");
}

#[test]
fn a_run_that_is_running_pinned_or_current_is_not_removed() {
    let project = Project::new();
    let one = project.train(1, b"one");
    let two = project.train(2, b"two");
    let running = project.history.begin(RunRecord::new(id(3), Inference, id(3).started())).expect("begun");
    let of = |number| project.find(if number == 3 { Inference } else { Train }, number);
    project.history.pin(&one).expect("pinned");
    assert!(matches!(project.history.remove(&of(1), false), Err(RemoveError::Pinned { .. })));
    assert!(matches!(project.history.remove(&of(2), false), Err(RemoveError::Current { .. })));
    for force in [false, true] {
        assert!(matches!(project.history.remove(&of(3), force), Err(RemoveError::Running { .. })));
    }
    drop(running);
    project.history.unpin(&one).expect("unpinned");
    project.history.remove(&of(1), false).expect("removed");
    project.history.remove(&of(2), true).expect("removed");
    assert!(!two.folder.exists() && project.model() == b"two", "the model itself stays");
    assert!(project.history.pin(&one).is_err(), "a run that is gone is not made anew by its pin");
    assert!(!one.folder.exists());
}

#[test]
fn a_removal_killed_halfway_is_finished_with_its_contents() {
    let project = Project::new();
    let one = project.train(1, &[1; 9000]);
    project.train(2, &[2; 9000]);
    let trash = one.folder.with_file_name(format!(".trash-{}", one.record.id));
    fs_err::rename(&one.folder, &trash).expect("renamed");
    assert_eq!(project.objects(), 2);
    recover(&project.layout).expect("recovered");
    assert!(!trash.exists());
    assert_eq!(project.objects(), 1);
    // Removed by hand: the next count finds what nobody has any longer.
    fs_err::remove_dir_all(project.find(Train, 2).folder).expect("removed");
    project.train(3, b"three");
    project.history.prune(within(1_000_000), Some(&id(3))).expect("pruned");
    assert_eq!(project.objects(), 0);
}

#[test]
fn two_exports_of_a_run_are_the_same_bytes() {
    let project = Project::new();
    let entry = project.train(1, &[1; 9000]);
    let outside = Utf8Path::from_path(project.dir.path()).expect("UTF-8");
    // Long ago, so that the time of the export would show.
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    let kept = fs_err::File::open(entry.folder.join("models/train/m")).expect("there");
    kept.file().set_modified(then).expect("set");
    let export = |name: &str, time: MemberTime| {
        let to = outside.join(name);
        project.history.export(&entry, &to, time, &|| false).expect("exported");
        to
    };
    let time_of = |path: Utf8PathBuf| fs_err::metadata(path).expect("there").mtime();
    let folder = export("folder", MemberTime::Kept);
    assert_eq!(time_of(folder.join("models/train/m")), 1_600_000_000);
    for ending in ["tgz", "zip"] {
        let bytes = ["one", "two"].map(|name| export(&format!("{name}.{ending}"), MemberTime::Kept));
        let [one, two] = bytes.map(|archive| fs_err::read(archive).expect("read"));
        assert!(one == two, "{ending}");
    }
    let fixed = MemberTime::Fixed(Timestamp::from_second(1_500_000_000).expect("a time"));
    let folder = export("fixed", fixed);
    assert_eq!(time_of(folder.join("run.yaml")), 1_500_000_000);
}

#[test]
fn an_export_holds_all_of_a_run_and_replaces_nothing() {
    let project = Project::new();
    let entry = project.train(1, &[1; 9000]);
    project.history.pin(&entry).expect("pinned");
    let outside = Utf8Path::from_path(project.dir.path()).expect("UTF-8");
    for name in ["run", "run.tar.gz", "run.tgz", "RUN.ZIP"] {
        let to = outside.join(name);
        let exported = project.history.export(&entry, &to, MemberTime::Kept, &|| false).expect("exported");
        assert_eq!((exported.path.as_path(), exported.files), (to.as_path(), 4), "{name}");
        assert_eq!(to.is_dir(), name == "run");
        let again = project.history.export(&entry, &to, MemberTime::Kept, &|| false);
        assert!(matches!(again, Err(RunExportError::Exists { .. })));
    }
    let copy = outside.join("run/models/train/m");
    assert_ne!(inode(&copy), inode(&entry.folder.join("models/train/m")));
    fs_err::write(&copy, "mine").expect("a copy can be written to");
    let unpacked = outside.join("unpacked");
    alo_artifacts::unpack(&outside.join("run.tgz"), &unpacked, &alo_artifacts::Limits::default(), &|| false)
        .expect("unpacked");
    assert_eq!(fs_err::read(unpacked.join("models/train/m")).expect("read"), [1; 9000]);
    assert!(unpacked.join("run.yaml").exists() && !unpacked.join(".pinned").exists());
    for name in ["stopped", "stopped.zip"] {
        let stopped = project.history.export(&entry, &outside.join(name), MemberTime::Kept, &|| true);
        assert!(matches!(stopped, Err(RunExportError::Cancelled)), "{name}: {stopped:?}");
    }
    let inside = project.layout.history(Train).join("copy");
    assert!(matches!(
        project.history.export(&entry, &inside, MemberTime::Kept, &|| false),
        Err(RunExportError::Inside { .. })
    ));
    assert!(fs_err::read_dir(outside).expect("listed").count() == 6, "no temporary name is left");
}

#[test]
fn a_comparison_names_what_differs_and_nothing_else() {
    let project = Project::new();
    let record = |number: u32, change: &dyn Fn(&mut RunRecord)| {
        let mut run =
            project.history.begin(RunRecord::new(id(number), Train, id(number).started())).expect("begun");
        run.update(|record| {
            record.steps = vec![StepRecord {
                name: "train".into(),
                args: serde_json::json!({"depth": 3, "columns": ["a"]}),
                code: serde_json::json!({"kind": "git", "url": "u", "commit": "c1", "digest": "d1", "modified": false}),
                seconds: Some(f64::from(number)),
                ..StepRecord::default()
            }];
            record.environments = serde_json::from_value(serde_json::json!([
                {"python": "3.10.1", "key": "k", "packages": ["numpy==1.0", "pandas==2.0"]}
            ]))
            .expect("environments");
            record.score = Some(0.5);
            change(record);
        })
        .expect("updated");
        run.finish(RunState::Succeeded, None, &Keep::nothing());
        project.find(Train, number)
    };
    let one = record(1, &|_| {});
    assert_eq!(RunDiff::new(&one, &record(2, &|_| {})).differences, []);
    let other = record(3, &|record| {
        record.steps[0].args = serde_json::json!({"depth": 4, "columns": ["a"], "rate": 0.1});
        record.steps[0].code["commit"] = "c2".into();
        record.environments[0].packages = vec!["numpy==2.0".into()];
        record.score = Some(0.75);
        record.data_id = "ff".into();
    });
    let diff = RunDiff::new(&one, &other);
    let shown: Vec<_> =
        diff.differences.iter().map(|d| format!("{} {} {} {}", d.area.as_str(), d.name, d.a, d.b)).collect();
    assert_eq!(
        shown,
        [
            "outcome score 0.5 0.75",
            "args train.depth 3 4",
            "args train.rate null 0.1",
            "code train \"c1\" \"c2\"",
            "package numpy \"1.0\" \"2.0\"",
            "package pandas \"2.0\" null",
            "data data_id \"\" \"ff\"",
        ]
    );
    assert!(diff.differences.iter().all(|difference| difference.area != DifferenceArea::Python));
}

#[test]
fn the_index_is_only_a_cache() {
    let project = Project::new();
    for number in 1..=40 {
        let run =
            project.history.begin(RunRecord::new(id(number), Train, id(number).started())).expect("begun");
        run.finish(RunState::Succeeded, None, &Keep::nothing());
    }
    let index = project.layout.state().join("history-index");
    let list = || -> Vec<_> {
        let runs = project.history.runs().expect("listed");
        runs.into_iter().map(|run| (run.id.to_string(), run.state, run.pinned, run.damaged)).collect()
    };
    let fresh = list();
    assert_eq!(fresh.len(), 40);
    // Times of change cannot be set: the test waits until the folders are old enough to be believed.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !index.exists() {
        assert!(std::time::Instant::now() < deadline, "no index within a minute");
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert_eq!(list(), fresh);
    }
    assert_eq!(list(), fresh);
    let whole = fs_err::read(&index).expect("read");
    // A pin, a damaged record, a run that was removed and a new one show at once.
    project.history.pin(&project.find(Train, 40)).expect("pinned");
    fs_err::write(project.find(Train, 39).folder.join("run.yaml"), "").expect("written");
    fs_err::remove_dir_all(project.find(Train, 38).folder).expect("removed");
    project.history.begin(RunRecord::new(id(41), Train, id(41).started())).expect("begun").finish(
        RunState::Failed,
        None,
        &Keep::nothing(),
    );
    let changed = list();
    assert_eq!(changed.len(), 40);
    assert_eq!(changed[0], (id(41).to_string(), RunState::Failed, false, false));
    assert_eq!(changed[1], (id(40).to_string(), RunState::Succeeded, true, false));
    assert_eq!(changed[2], (id(39).to_string(), RunState::Interrupted, false, true));
    // Damaged, of another version, stale or gone: the list is the same.
    for content in [&b"\0"[..], b"{\"format\":99,\"rows\":[]}", &whole[..whole.len() / 2], &whole] {
        fs_err::write(&index, content).expect("written");
        assert_eq!(list(), changed);
    }
    fs_err::remove_file(&index).expect("removed");
    assert_eq!(list(), changed);
}

#[test]
fn words_mean_the_newest_and_candidates_are_named() {
    let project = Project::new();
    assert!(project.history.find("latest", None).expect_err("empty").to_string().contains("no runs"));
    project.train(11, b"1");
    project.run(Inference, 11, &[]);
    project.train(12, b"2");
    let both = project.history.find_all("00000011", None).expect("found");
    assert_eq!(both.iter().map(|run| run.record.kind).collect::<Vec<_>>(), [Train, Inference]);
    assert_eq!(project.history.find("latest", None).expect("found").record.id, id(12));
    assert_eq!(project.history.find("latest-inference", None).expect("found").record.id, id(11));
    assert_eq!(project.history.find("latest-train", None).expect("found").record.id, id(12));
    let several = project.history.find("000000", None).expect_err("several").to_string();
    assert!(several.contains(id(11).as_str()) && several.contains(id(12).as_str()), "{several}");
}

/// One command of the quota test.
#[derive(Debug, Clone)]
struct Step {
    kind: PipelineKind,
    good: bool,
    /// Contents by number; equal numbers are equal files.
    files: Vec<u8>,
    pin: bool,
    /// Afterwards, restore the run so many back.
    restore: Option<usize>,
    quota: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(Train), Just(Inference)];
    let restore = prop::option::weighted(0.15, 0_usize..4);
    let files = prop::collection::vec(0_u8..8, 0..4);
    let quota = prop_oneof![Just(0), 5_000_u64..200_000];
    (kind, prop::bool::weighted(0.7), files, prop::bool::weighted(0.1), restore, quota)
        .prop_map(|(kind, good, files, pin, restore, quota)| Step { kind, good, files, pin, restore, quota })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn the_quota_holds_after_each_run(steps in prop::collection::vec(step(), 1..12)) {
        let project = Project::new();
        for (number, step) in steps.iter().enumerate() {
            let number = u32::try_from(number + 1).expect("few");
            let finished = one_run(&project, step, number);
            if step.pin {
                project.history.pin(&project.find(step.kind, number)).expect("pinned");
            }
            let before = project.history.runs().expect("listed");
            let pruned = project.history.prune(within(step.quota), Some(&finished)).expect("pruned");
            let after = project.history.runs().expect("listed");
            // The limit holds in unique bytes, and they are counted right.
            prop_assert_eq!(pruned.left, project.unique_bytes());
            let current = ExperimentalHistory::read(&project.layout.artifacts(Train).experimental_history()).map(|known| known.id).unwrap_or_default();
            let is_protected = |run: &alo_artifacts::ListedRun| {
                run.id == finished || run.pinned || (run.kind == Train && run.id.as_str() == current)
            };
            let fits = step.quota > 0 && pruned.left <= step.quota;
            prop_assert!(fits || after.iter().all(is_protected), "{} of {}", pruned.left, step.quota);
            // Protected runs stay; failed before good, the oldest first.
            let gone: Vec<_> = before.iter().filter(|run| !after.iter().any(|left| left.folder == run.folder)).collect();
            prop_assert!(gone.iter().all(|run| !is_protected(run)));
            let rank = |run: &alo_artifacts::ListedRun| (run.state == RunState::Succeeded, run.started);
            for gone in gone {
                prop_assert!(after.iter().filter(|run| !is_protected(run)).all(|left| rank(gone) <= rank(left)));
            }
            // What is left is whole.
            for run in &after {
                let entry = project.history.read_run(run).expect("there");
                prop_assert_eq!(entry.verify().expect("verified"), []);
            }
            if let Some(back) = step.restore {
                let good = |run: &&alo_artifacts::ListedRun| run.state == RunState::Succeeded && run.kind == Train;
                if let Some(run) = after.iter().filter(good).nth(back) {
                    let entry = project.history.read_run(run).expect("there");
                    project.history.restore(&entry).expect("restored");
                    prop_assert_eq!(project.current(), run.id.to_string());
                }
            }
        }
    }
}

fn one_run(project: &Project, step: &Step, number: u32) -> RunId {
    let files: Vec<_> = step
        .files
        .iter()
        .map(|file| (format!("output/{file}"), vec![*file; 3000 + 6000 * usize::from(*file)]))
        .collect();
    let files: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), content.clone())).collect();
    if step.good {
        return project.run(step.kind, number, &files).record.id;
    }
    let id = id(number);
    let run = project.history.begin(RunRecord::new(id.clone(), step.kind, id.started())).expect("begun");
    let staged = StagedArtifacts::begin(&project.layout, step.kind, &id).expect("staged");
    for (path, content) in files {
        fs_err::write(staged.layout().root().join(path), content).expect("written");
    }
    run.finish(RunState::Failed, None, &Keep { layout: Some(staged.layout()), artifacts: true, logs: true });
    id
}
