//! What this crate costs in a warm run of a small project: all its calls in the order of a run.

use std::time::{Duration, Instant};

use alo_artifacts::{
    ExperimentalHistory, Given, History, Holder, Keep, ProjectLayout, ProjectLock, Retention, RunId,
    RunRecord, RunState, S3Access, StagedArtifacts, Summary, check_output, check_sources, load_data, recover,
};
use alo_plan::{Fetch, Map, PipelineKind, Value};
use camino::Utf8Path;
use jiff::Timestamp;

/// One run of both pipelines over two small tables and a model of 1 MB; the time this crate took.
fn run(layout: &ProjectLayout, number: u32) -> Duration {
    let start = Instant::now();
    let me = Holder::current("alo run", Timestamp::now());
    let lock = ProjectLock::acquire(layout, &me, false, &mut |_| {}, &|| false).expect("free");
    assert!(recover(layout).expect("recovered").is_empty());
    let history = History::new(layout);
    let id = RunId::new(
        Timestamp::from_second(1_700_000_000 + i64::from(number)).expect("a time"),
        number,
        "titanic",
    );
    let mut assets = Duration::ZERO;
    for kind in PipelineKind::ALL {
        let mut open = history.begin(RunRecord::new(id.clone(), kind, id.started())).expect("begun");
        let staged = StagedArtifacts::begin(layout, kind, &id).expect("staged");
        let sources = check_sources(
            &[layout.root().to_owned()],
            &[format!("data/{kind}")],
            &S3Access::default(),
            &|| false,
        )
        .expect("there");
        let loaded = load_data(layout, kind, &sources, Fetch::Every, &|| false, &mut |_| {}).expect("loaded");
        assert_eq!((loaded.files, loaded.copied_files), (1, u64::from(number == 0)));
        open.update(|record| record.data_id.clone_from(&loaded.data_id)).expect("updated");
        let asset = Instant::now();
        if kind == PipelineKind::Train {
            fs_err::create_dir_all(staged.layout().model("train")).expect("created");
            fs_err::write(staged.layout().model("train").join("m.pkl"), vec![7; 1_000_000]).expect("written");
            fs_err::write(staged.layout().report().join("report.html"), vec![8; 50_000]).expect("written");
        }
        fs_err::write(staged.layout().output().join("output.csv"), vec![9; 20_000]).expect("written");
        fs_err::write(staged.layout().pipeline_log(), vec![b'l'; 5_000]).expect("written");
        fs_err::write(staged.layout().process_log(), vec![b'l'; 5_000]).expect("written");
        assets += asset.elapsed();
        let given = |value: Value| Given::from(value);
        let none = given(Map::default().into());
        let score = given(0.8.into());
        let (summary, _) =
            Summary::check(given("OK".into()), score, given("".into()), none, "", "", Timestamp::now())
                .expect("good");
        summary.write(&staged.layout().summary(kind)).expect("written");
        if kind == PipelineKind::Inference {
            check_output(staged.layout()).expect("right");
        }
        ExperimentalHistory { id: id.to_string(), ..ExperimentalHistory::default() }
            .write(&staged.layout().experimental_history())
            .expect("written");
        staged.commit().expect("committed");
        let current = layout.artifacts(kind);
        let keep = Keep { layout: Some(&current), artifacts: true, logs: true };
        assert!(open.finish(RunState::Succeeded, None, &keep).warnings.is_empty());
        history.prune(Retention { bytes: Some(1_000_000_000), runs: None }, Some(&id)).expect("pruned");
    }
    drop(lock);
    start.elapsed().saturating_sub(assets)
}

#[test]
fn a_warm_run_costs_little() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let layout = ProjectLayout::new(Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned());
    for kind in PipelineKind::ALL {
        let path = layout.root().join(format!("data/{kind}/table.csv"));
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs_err::write(path, vec![b'x'; 60_000]).expect("written");
    }
    let mut times: Vec<Duration> = (0..8).map(|number| run(&layout, number)).skip(1).collect();
    times.sort();
    // Far above what it takes on a quiet machine: a busy one must not fail the test, a slow algorithm must.
    assert!(times[0] < Duration::from_millis(500), "{times:?}");
}
