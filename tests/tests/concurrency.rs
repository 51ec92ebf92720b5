//! Many runs and many readers in one project: all end, nothing mixes, nothing is lost, and readers never wait.
//!
//! `ALO_RUNS_EACH` sets how many runs each of the eight writers makes: 60 take some minutes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use alo_tests::{PlanText, TestEnv, asset, eventually};

const WRITERS: usize = 8;
const READERS: usize = 8;

/// A project whose runs write a text of their own to three folders; they wait while the file `wait` is there.
fn project() -> TestEnv {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import os, time, uuid\n\
             text = str(uuid.uuid4())\n\
             for path in (self.asset.get_model_path(), self.asset.get_report_path(), self.asset.get_output_path()):\n\
             \x20   open(path + 'text', 'w').write(text)\n\
             home = self.asset.load_envs()['project_home']\n\
             if os.path.exists(home + '/wait'): open(home + '/waiting', 'w')\n\
             while os.path.exists(home + '/wait'): time.sleep(0.01)",
        ),
    );
    env
}

#[test]
fn runs_take_turns_and_readers_see_whole_runs() {
    let each = std::env::var("ALO_RUNS_EACH").map_or(3, |runs| runs.parse().expect("a number"));
    let env = project();
    env.alo(["run"]).expect(0);
    let (left, listed) = (AtomicUsize::new(WRITERS), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                for _ in 0..each {
                    let outcome = env.alo(["run"]);
                    if outcome.code != Some(0) {
                        left.fetch_sub(1, Ordering::SeqCst);
                        panic!("{outcome:?}");
                    }
                }
                left.fetch_sub(1, Ordering::SeqCst);
            });
        }
        for _ in 0..READERS {
            scope.spawn(|| {
                let mut most = 0;
                while left.load(Ordering::SeqCst) > 0 {
                    let runs = env.alo(["history", "--format", "json"]).expect(0).events();
                    assert!(runs.len() >= most, "a run is lost: {} after {most}", runs.len());
                    assert!(runs.iter().all(|run| run["damaged"].is_null()), "{runs:?}");
                    let running = runs.iter().filter(|run| run["state"] == "running").count();
                    assert!(running <= 1, "{runs:?}");
                    most = runs.len();
                    listed.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert!(listed.into_inner() >= READERS);

    let mut texts = BTreeSet::new();
    let runs = env.alo(["history", "--format", "json"]).expect(0).events();
    assert_eq!(runs.len(), WRITERS * each + 1);
    for run in &runs {
        assert_eq!(run["state"], "succeeded", "{run}");
        let folder = run["folder"].as_str().unwrap();
        let kept = ["models/train", "report", "output"]
            .map(|part| fs_err::read_to_string(format!("{folder}/{part}/text")).unwrap());
        assert!(kept.iter().all(|text| *text == kept[0]), "{kept:?}");
        let [text, ..] = kept;
        assert!(texts.insert(text), "two runs of one text");
    }
    assert!(texts.contains(&env.read("train_artifacts/models/train/text")));
}

#[test]
fn readers_do_not_wait_for_a_run_and_who_waits_is_told_for_whom() {
    let env = project();
    env.write("wait", "");
    let mut holder = env.start(["run"]);
    eventually("the first run is in its step", || env.path("waiting").exists());

    // The run ends only after this: a reader that waited for it would never come back.
    for _ in 0..5 {
        let runs = env.alo(["history", "--format", "json"]).expect(0).events();
        assert_eq!(runs[0]["state"], "running");
        env.alo(["validate"]).expect(0);
    }

    let mut waiter = env.start(["run"]);
    let mut lines = BufReader::new(waiter.stderr.take().unwrap()).lines();
    let told = lines.by_ref().map(Result::unwrap).find(|line| line.contains(&holder.id().to_string()));
    let told = told.expect("the name of the holder");
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for part in ["alo run", host.as_str(), "since 2"] {
        assert!(told.contains(part), "`{part}` is not in: {told}");
    }

    fs_err::remove_file(env.path("wait")).unwrap();
    let drained = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            lines.for_each(drop);
            drained.store(true, Ordering::SeqCst);
        });
        assert_eq!(holder.wait().unwrap().code(), Some(0));
        assert_eq!(waiter.wait().unwrap().code(), Some(0));
    });
    assert!(drained.into_inner());
    let runs = env.alo(["history", "--format", "json"]).expect(0).events();
    assert!(runs.len() == 2 && runs.iter().all(|run| run["state"] == "succeeded"), "{runs:?}");
}
