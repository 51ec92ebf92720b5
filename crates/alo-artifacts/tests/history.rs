//! The history of a project: what is recorded, what is shown, what is kept.

use std::os::unix::fs::MetadataExt;

use alo_artifacts::{
    ExperimentalHistory, FindError, History, HistoryError, Keep, Leftover, ProjectLayout, RecordedError,
    Retention, RunId, RunRecord, RunState, StagedArtifacts, recover,
};
use alo_plan::PipelineKind::{self, Inference, Train};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

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

    /// A successful run whose model has that many bytes; its artifacts become current.
    fn train(&self, number: u32, bytes: usize) -> RunId {
        let id = id(number);
        let run = self.history.begin(record(&id, Train)).expect("begun");
        let staged = StagedArtifacts::begin(&self.layout, Train, &id).expect("staged");
        fs_err::write(staged.layout().models().join("m"), vec![digit(number); bytes]).expect("written");
        fs_err::write(staged.layout().pipeline_log(), "said").expect("written");
        ExperimentalHistory { id: id.to_string(), ..ExperimentalHistory::default() }
            .write(&staged.layout().experimental_history())
            .expect("written");
        staged.commit().expect("committed");
        let current = self.layout.artifacts(Train);
        let keep = Keep { layout: Some(&current), artifacts: true, logs: true };
        assert_eq!(run.finish(RunState::Succeeded, None, &keep).warnings, Vec::<String>::new());
        id
    }

    /// A failed run that keeps a log of that many bytes.
    fn fail(&self, number: u32, bytes: usize) -> RunId {
        let id = id(number);
        let run = self.history.begin(record(&id, Train)).expect("begun");
        let staged = StagedArtifacts::begin(&self.layout, Train, &id).expect("staged");
        fs_err::write(staged.layout().pipeline_log(), vec![digit(number); bytes]).expect("written");
        let error =
            RecordedError { step: Some("train".into()), message: "no".into(), ..RecordedError::default() };
        let keep = Keep { layout: Some(staged.layout()), artifacts: true, logs: true };
        let finished = run.finish(RunState::Failed, Some(error), &keep);
        assert!(finished.folder.as_str().ends_with("-error"));
        id
    }

    fn states(&self) -> Vec<(String, RunState)> {
        let entries = self.history.list().expect("listed");
        entries
            .into_iter()
            .map(|entry| (entry.record.id.as_str()[17..25].to_owned(), entry.record.state))
            .collect()
    }

    fn folders(&self, kind: PipelineKind) -> Vec<String> {
        let mut names: Vec<_> = fs_err::read_dir(self.layout.history(kind))
            .expect("listed")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }
}

fn id(number: u32) -> RunId {
    RunId::new(Timestamp::from_second(1_700_000_000 + i64::from(number)).expect("a time"), number, "x")
}

fn record(id: &RunId, kind: PipelineKind) -> RunRecord {
    RunRecord::new(id.clone(), kind, id.started())
}

/// Runs of different numbers have different contents.
fn digit(number: u32) -> u8 {
    u8::try_from(number).expect("a small number")
}

/// What all runs take, each file counted once however many runs share it.
fn unique_bytes(layout: &ProjectLayout) -> u64 {
    let mut seen = std::collections::HashMap::new();
    let mut folders = vec![layout.history(Train), layout.history(Inference)];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).into_iter().flatten() {
            let entry = entry.expect("an entry");
            let meta = entry.metadata().expect("there");
            if meta.is_dir() {
                folders.push(Utf8PathBuf::from_path_buf(entry.path()).expect("UTF-8"));
            } else {
                seen.insert(meta.ino(), meta.len());
            }
        }
    }
    seen.into_values().sum()
}

fn within(bytes: u64) -> Retention {
    Retention { bytes: Some(bytes), runs: None }
}

fn shown(number: u32, state: RunState) -> (String, RunState) {
    (format!("{number:08}"), state)
}

#[test]
fn a_run_is_running_then_what_became_of_it() {
    let project = Project::new();
    let mut run = project.history.begin(record(&id(1), Train)).expect("begun");
    assert_eq!(project.states(), [shown(1, RunState::Running)]);
    run.update(|record| record.data_id = "abc".into()).expect("updated");
    run.add_file("experimental_plan.yaml", b"name: x\n").expect("added");
    let finished = run.finish(RunState::Succeeded, None, &Keep::nothing());
    assert_eq!(finished.warnings, Vec::<String>::new());
    assert_eq!(project.states(), [shown(1, RunState::Succeeded)]);
    let entry = project.history.find("00000001", None).expect("found");
    assert_eq!((entry.record.data_id.as_str(), entry.record.bytes), ("abc", 8));
    assert!(entry.record.ended.is_some() && entry.damaged.is_none());
    assert!(!entry.folder.join(".running").exists());
}

#[test]
fn artifacts_and_logs_are_kept_as_asked_and_shared_with_nobody() {
    let project = Project::new();
    project.train(1, 10);
    let folder = project.history.find("00000001", None).expect("found").folder;
    assert!(folder.join("log/pipeline.log").exists() && folder.join("output").is_dir());
    fs_err::write(project.layout.artifacts(Train).models().join("m"), "changed").expect("written");
    assert_eq!(fs_err::read(folder.join("models/m")).expect("read"), [1; 10]);

    let current = project.layout.artifacts(Train);
    for (number, artifacts, logs) in [(2, true, false), (3, false, true), (4, false, false)] {
        let run = project.history.begin(record(&id(number), Train)).expect("begun");
        let keep = Keep { layout: Some(&current), artifacts, logs };
        let folder = run.finish(RunState::Succeeded, None, &keep).folder;
        assert_eq!(
            (folder.join("models/m").exists(), folder.join("log/pipeline.log").exists()),
            (artifacts, logs)
        );
    }
}

#[test]
fn failed_runs_are_marked_and_tell_why() {
    let project = Project::new();
    project.fail(1, 3);
    let entry = project.history.find("2023", Some(Train)).expect("found");
    assert_eq!(entry.record.state, RunState::Failed);
    assert_eq!(entry.record.error.expect("an error").step.as_deref(), Some("train"));
    assert!(entry.folder.join("log/pipeline.log").exists());
    assert!(project.layout.artifacts(Train).root().symlink_metadata().is_err());
}

#[test]
fn a_run_whose_process_is_gone_is_interrupted_at_once_and_marked_at_the_next_start() {
    let project = Project::new();
    project.train(1, 10);
    let run = project.history.begin(record(&id(2), Train)).expect("begun");
    let staged = StagedArtifacts::begin(&project.layout, Train, &id(2)).expect("staged");
    fs_err::write(staged.layout().pipeline_log(), "last words").expect("written");
    std::mem::forget(staged);
    // What the kernel does when a process dies: the lock goes, everything else stays.
    drop(run);
    assert_eq!(project.states(), [shown(2, RunState::Interrupted), shown(1, RunState::Succeeded)]);
    assert_eq!(project.folders(Train), [id(1).to_string(), id(2).to_string()]);

    let recovery = recover(&project.layout).expect("recovered");
    assert_eq!(recovery.interrupted.len(), 1);
    assert_eq!(recovery.leftovers, [Leftover::Removed { run: id(2).to_string() }]);
    assert_eq!(project.folders(Train), [id(1).to_string(), format!("{}-error", id(2))]);
    let folder = project.history.find("00000002", None).expect("found").folder;
    assert_eq!(fs_err::read_to_string(folder.join("log/pipeline.log")).expect("read"), "last words");
    assert_eq!(fs_err::read(project.layout.artifacts(Train).models().join("m")).expect("read"), [1; 10]);
    assert!(recover(&project.layout).expect("recovered").is_empty());
}

#[test]
fn a_living_run_is_left_alone_by_recovery() {
    let project = Project::new();
    let run = project.history.begin(record(&id(1), Inference)).expect("begun");
    assert!(recover(&project.layout).expect("recovered").is_empty());
    assert_eq!(project.states(), [shown(1, RunState::Running)]);
    drop(run);
}

#[test]
fn a_kill_after_the_final_record_keeps_its_state() {
    let project = Project::new();
    let id = project.fail(1, 1);
    let marked = project.layout.history(Train).join(format!("{id}-error"));
    let unmarked = project.layout.history(Train).join(id.as_str());
    fs_err::rename(&marked, &unmarked).expect("renamed");
    assert_eq!(project.states(), [shown(1, RunState::Failed)]);
    assert!(recover(&project.layout).expect("recovered").is_empty());
    assert!(marked.exists());
}

#[test]
fn foreign_and_damaged_folders_are_neither_lost_nor_believed() {
    let project = Project::new();
    project.train(1, 1);
    let history = project.layout.history(Train);
    fs_err::create_dir_all(history.join("notes")).expect("created");
    fs_err::write(history.join("20260131T120000Z-00000009-file"), "").expect("written");
    // As the original leaves them: no record.
    fs_err::create_dir_all(history.join("20240131T120000Z-00000002-old/models")).expect("created");
    fs_err::create_dir_all(history.join("20240131T120001Z-00000003-old-error")).expect("created");
    fs_err::create_dir_all(history.join("20240131T120002Z-00000004-cut")).expect("created");
    fs_err::write(history.join("20240131T120002Z-00000004-cut/run.yaml"), "").expect("written");
    fs_err::create_dir_all(history.join(".trash-x")).expect("created");
    let entries = project.history.list().expect("listed");
    let damaged: Vec<_> = entries.iter().map(|entry| entry.damaged.is_some()).collect();
    assert_eq!(damaged, [true, true, true, false]);
    assert!(entries[..3].iter().all(|entry| entry.record.state != RunState::Succeeded));
    recover(&project.layout).expect("recovered");
    assert!(history.join("notes").exists() && !history.join(".trash-x").exists());
    assert_eq!(project.folders(Train).len(), 6);
    project.history.prune(within(0), None).expect("pruned");
    assert_eq!(project.folders(Train), [id(1).as_str(), "20260131T120000Z-00000009-file", "notes"]);
}

#[test]
fn short_ids_are_found_when_they_mean_one_run() {
    let project = Project::new();
    project.train(1, 1);
    project.train(2, 1);
    project.fail(11, 1);
    assert_eq!(project.history.find("00000002", None).expect("found").record.id, id(2));
    assert_eq!(project.history.find(id(1).as_str(), None).expect("found").record.id, id(1));
    assert_eq!(project.history.find(&format!("{}-error", id(11)), None).expect("found").record.id, id(11));
    let several = project.history.find("20231114", None).expect_err("several");
    assert!(matches!(&several, FindError::Several { ids, .. } if ids.len() == 3), "{several}");
    for nothing in ["2024", "", "x"] {
        let error = project.history.find(nothing, None).expect_err("none");
        assert!(matches!(error, FindError::None { .. }) && error.hint().is_some());
    }
    assert!(matches!(project.history.find("00000002", Some(Inference)), Err(FindError::None { .. })));
}

#[test]
fn the_quota_holds_after_the_run_and_spares_what_is_needed() {
    let project = Project::new();
    project.train(1, 100_000);
    project.fail(2, 100_000);
    project.train(3, 100_000);
    project.train(4, 100_000);
    let current = project.train(5, 100_000);
    let failed = project.fail(6, 100_000);
    // Room for three runs: the failed one goes first, then the oldest.
    let pruned = project.history.prune(within(430_000), Some(&failed)).expect("pruned");
    let gone: Vec<_> = pruned.runs.into_iter().map(|(_, id)| id).collect();
    assert_eq!(gone, [id(2), id(1)]);
    assert!(pruned.left <= 430_000, "{}", pruned.left);
    assert_eq!(pruned.left, unique_bytes(&project.layout));
    // With nothing allowed the run that has just finished and the one whose model is current stay.
    project.history.prune(within(0), Some(&failed)).expect("pruned");
    let left: Vec<_> =
        project.history.list().expect("listed").into_iter().map(|entry| entry.record.id).collect();
    assert_eq!(left, [failed, current.clone()]);
    // Without a run that has just finished only the current one.
    project.history.prune(within(0), None).expect("pruned");
    assert_eq!(project.folders(Train), [current.to_string()]);
}

#[test]
fn pinned_and_running_runs_stay() {
    let project = Project::new();
    let pinned = project.history.begin(record(&id(1), Inference)).expect("begun");
    project.history.pin(&project.history.find("00000001", None).expect("found")).expect("pinned");
    pinned.finish(RunState::Succeeded, None, &Keep::nothing());
    let running = project.history.begin(record(&id(2), Inference)).expect("begun");
    assert!(project.history.prune(within(0), None).expect("pruned").runs.is_empty());
    drop(running);
    let entry = project.history.find("00000001", None).expect("found");
    assert!(entry.pinned);
    project.history.unpin(&entry).expect("unpinned");
    assert_eq!(project.history.prune(within(0), None).expect("pruned").runs.len(), 2);
}

#[test]
fn a_run_that_cannot_be_recorded_is_not_lost() {
    let project = Project::new();
    let run = project.history.begin(record(&id(1), Train)).expect("begun");
    let missing = alo_artifacts::ArtifactLayout::new(Utf8PathBuf::from("/nowhere/at/all"));
    fs_err::remove_dir_all(run.folder()).expect("removed");
    fs_err::write(run.folder(), "in the way").expect("written");
    let keep = Keep { layout: Some(&missing), artifacts: true, logs: true };
    let finished = run.finish(RunState::Succeeded, None, &keep);
    assert_eq!(finished.record.state, RunState::Succeeded);
    assert!(finished.warnings.iter().any(|warning| warning.contains("failed to record the run")));
}

#[test]
fn a_run_is_recorded_once() {
    let project = Project::new();
    project.fail(1, 1);
    let again = project.history.begin(record(&id(1), Train));
    assert!(matches!(again, Err(HistoryError::Exists { .. })));
    project.history.begin(record(&id(1), Inference)).expect("the inference of the same command");
}

#[test]
fn a_pipe_that_an_asset_leaves_is_told_and_does_not_hang() {
    let project = Project::new();
    let run = project.history.begin(record(&id(1), Train)).expect("begun");
    let staged = StagedArtifacts::begin(&project.layout, Train, &id(1)).expect("staged");
    let pipe = staged.layout().output().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, pipe.as_std_path(), rustix::fs::FileType::Fifo, mode, 0)
        .expect("made");
    fs_err::write(staged.layout().root().join("run.yaml"), "not the record").expect("written");
    let keep = Keep { layout: Some(staged.layout()), artifacts: true, logs: true };
    let finished = run.finish(RunState::Succeeded, None, &keep);
    assert_eq!(finished.warnings, ["`output/pipe` is a pipe and not kept in the history"]);
    assert_eq!(project.states(), [shown(1, RunState::Succeeded)]);
}

#[test]
fn readers_never_block_and_never_see_half_a_run() {
    let project = Project::new();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = 0;
                    while !done.load(std::sync::atomic::Ordering::SeqCst) {
                        for entry in project.history.list().expect("listed") {
                            assert_eq!(entry.damaged, None);
                            assert_ne!(entry.record.state, RunState::Interrupted, "no run was killed");
                            seen += 1;
                        }
                    }
                    seen
                })
            })
            .collect();
        for number in 0..20 {
            project.fail(number, 1);
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(readers.into_iter().all(|reader| reader.join().expect("no panic") > 0));
    });
}

#[test]
fn the_quota_holds_when_runs_are_counted_and_when_they_are_not() {
    let project = Project::new();
    let mut left = 0;
    for number in 1..=6 {
        let id = if number % 2 == 0 { project.fail(number, 100_000) } else { project.train(number, 100_000) };
        let pruned = project.history.prune(within(330_000), Some(&id)).expect("pruned");
        left = pruned.left;
        assert_eq!(left, unique_bytes(&project.layout));
        assert!(left <= 330_000, "{left}");
    }
    // A run removed by hand, a killed run, and a lost ledger are noticed.
    fs_err::remove_dir_all(project.history.find("00000005", None).expect("found").folder).expect("removed");
    drop(project.history.begin(record(&id(7), Train)).expect("begun"));
    recover(&project.layout).expect("recovered");
    let id = project.fail(8, 50_000);
    let pruned = project.history.prune(within(330_000), Some(&id)).expect("pruned");
    assert!(pruned.left < left, "{} of {left}", pruned.left);
    fs_err::remove_file(project.layout.state().join("history.json")).expect("removed");
    assert_eq!(project.history.prune(within(330_000), Some(&id)).expect("pruned").left, pruned.left);
}
