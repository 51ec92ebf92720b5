//! `alo cache`: what it holds, and what can go while runs go on.

use alo_tests::{Fault, PlanText, Repository, TestEnv, Tracer, asset, eventually, fault_points};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value as Json;

const EVERYTHING: [&str; 4] = ["cache", "prune", "--max-size", "0B"];

/// A plan of one step whose code lies in a repository.
fn plan_of(repository: &Repository) -> String {
    PlanText::new().train(&["train"]).code("train", &repository.url()).to_string()
}

/// What the cache holds, by kind.
fn entries(env: &TestEnv, kind: &str) -> Vec<Json> {
    let info = env.alo(["cache", "info", "--format", "json"]).expect(0).events();
    let entries = info[0]["entries"].as_array().unwrap();
    entries.iter().filter(|entry| entry["kind"] == kind).cloned().collect()
}

fn folder(entry: &Json) -> Utf8PathBuf {
    entry["folder"].as_str().unwrap().into()
}

#[test]
fn what_a_run_uses_stays_and_what_was_pruned_is_made_anew() {
    let env = TestEnv::new();
    env.alo(["cache", "info"]).expect(0);
    let waits = "import os, time\nopen('running', 'w').close()\nwhile os.path.exists('wait'):\n    time.sleep(0.01)\n\
                 import late\nprint(late.TEXT)";
    let repository = Repository::new(&env.root().join("code.git"), "main");
    repository.commit(&[("asset_train.py", &asset(waits)), ("late.py", "TEXT = 'imported late'")]);
    env.plan(plan_of(&repository));
    env.write("wait", "");
    let run = env.start(["run"]);
    eventually("the step runs", || env.path("running").exists());

    let [environment, checkout, mirror] =
        ["environment", "checkout", "repository"].map(|kind| entries(&env, kind).remove(0));
    for entry in [&environment, &checkout, &mirror] {
        assert!(entry["size"].as_u64().unwrap() > 0 && entry["last_used"].is_string(), "{entry:#?}");
    }
    assert_eq!(checkout["url"], repository.url());
    env.alo(["cache", "info"]).expect(0);
    let (key, commit) = (environment["key"].as_str().unwrap(), checkout["commit"].as_str().unwrap());
    env.alo(EVERYTHING)
        .expect(0)
        .says(&format!("in use: environment {key}"))
        .says(&format!("in use: checkout {commit}"))
        .says("removed 1 repository: ");
    assert!(!folder(&mirror).exists());

    fs_err::remove_file(env.path("wait")).unwrap();
    let run = run.wait_with_output().unwrap();
    assert!(run.status.success(), "{run:?}");
    env.alo(EVERYTHING.into_iter().chain(["--dry-run"]))
        .expect(0)
        .says("would remove 1 environment, 1 checkout: ");
    env.alo(["cache", "prune"]).expect(0).says("removed nothing");
    env.alo(EVERYTHING).expect(0).says("removed 1 environment, 1 checkout: ").says(key).says(commit);
    assert!(!folder(&environment).exists() && !folder(&checkout).exists());
    env.alo(["run", "--offline"]).expect(0).says("imported late");
    assert!(folder(&environment).exists() && folder(&checkout).exists() && folder(&mirror).exists());
}

#[test]
fn fetched_code_that_was_edited_stays() {
    let env = TestEnv::new();
    let repository = Repository::new(&env.root().join("code.git"), "main");
    repository.commit(&[("asset_train.py", &asset("print('fetched')"))]);
    env.plan(plan_of(&repository));
    env.alo(["fetch"]).expect(0);
    let checkout = entries(&env, "checkout").remove(0);
    let file = folder(&checkout).join("code/asset_train.py");
    fs_err::write(&file, asset("print('edited')")).unwrap();
    let commit = checkout["commit"].as_str().unwrap();
    env.alo(EVERYTHING).expect(0).says(&format!("edited: checkout {commit}"));
    env.alo(["run"]).expect(0).says("edited");
}

#[test]
fn a_prune_that_is_killed_leaves_nothing_that_is_taken_for_whole() {
    let env = TestEnv::new();
    let cache = env.path("cache");
    let env = env.with_variable("ALO_CACHE_DIR", cache.as_str());
    let Some(tracer) = Tracer::build(env.root()) else { return };
    let repository = Repository::new(&env.root().join("code.git"), "main");
    repository.commit(&[
        ("asset_train.py", &asset("import deep.more\nprint('whole')")),
        ("deep/more.py", ""),
        ("other.py", ""),
    ]);
    env.plan(plan_of(&repository));
    env.alo(["fetch"]).expect(0);
    let kept = env.root().join("kept");
    copy(&cache, &kept);
    let (_, steps) = tracer.alo(&env, &EVERYTHING, Fault::None);
    assert!(steps.iter().any(|step| step.call == "rename"), "{steps:?}");
    let renames = steps.iter().enumerate().filter(|(_, step)| step.call == "rename");
    // Right behind each rename, and anywhere.
    let mut points: Vec<_> = renames.map(|(index, _)| index + 2).collect();
    points.extend(fault_points(steps.len(), 6));
    for point in points {
        fs_err::remove_dir_all(&cache).unwrap();
        copy(&kept, &cache);
        tracer.alo(&env, &EVERYTHING, Fault::Kill(point));
        env.alo(["run"]).expect(0).says("whole").says_not("has been edited").says_not("damaged");
        env.alo(["cache", "prune"]).expect(0);
        let info = env.alo(["cache", "info", "--format", "json"]).expect(0).events();
        assert_eq!(info[0]["leftovers"]["count"], 0, "killed before step {point}: {info:#?}");
    }
}

/// Copies a folder with its links and times.
fn copy(from: &Utf8Path, to: &Utf8Path) {
    let copied = std::process::Command::new("cp").args(["-a", from.as_str(), to.as_str()]).status().unwrap();
    assert!(copied.success());
}
