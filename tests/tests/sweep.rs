//! `alo sweep`: every combination as a run of its own, the same as `alo run` would make it, and nothing else changed.

use alo_tests::{Outcome, PlanText, TestEnv, asset};
use serde_json::Value as Json;

/// A project whose training writes its arguments, what `input` has handed on and a random number of a seeded generator.
fn project() -> TestEnv {
    let env = TestEnv::new();
    let plan = PlanText::new()
        .train(&["input", "train"])
        .args("input", "{rows: 3}")
        .args("train", "{depth: 1, rate: 0.5}")
        .inference(&["inference"]);
    env.write("experimental_plan.yaml", plan.to_string());
    env.write(
        "assets/input/asset_input.py",
        asset(
            "with open('input-runs', 'a') as log: log.write('x')\n\
             import random\n\
             random.seed(7)\n\
             self.data['rows'] = [random.random() for _ in range(self.args['rows'])]",
        ),
    );
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import json, os, random\n\
             if self.args['depth'] == 'bad': raise ValueError('no such depth')\n\
             if self.args['depth'] == 'crash': os.abort()\n\
             model = {'args': self.args, 'rows': self.data['rows'], 'random': random.random()}\n\
             open(self.asset.get_model_path() + 'model.json', 'w').write(json.dumps(model, sort_keys=True))\n\
             score = 0.1 * self.args['depth'] * self.args['rate']\n\
             self.asset.save_summary(result='depth %s' % self.args['depth'], score=score)",
        ),
    );
    env.write(
        "assets/inference/asset_inference.py",
        asset(
            "text = open(self.asset.get_model_path() + '../train/model.json').read()\n\
             open(self.asset.get_output_path() + 'output.csv', 'w').write(text)\n\
             self.asset.save_summary(result='ok', score=0.5)",
        )
        .replace(
            "get_model_path() + '../train/",
            "load_envs()['artifacts']['train_artifacts'] + 'models/train/",
        ),
    );
    env
}

/// The report of a sweep, which is its last line.
#[track_caller]
fn report(outcome: &Outcome) -> Json {
    let events = outcome.events();
    let last = events.last().unwrap();
    assert_eq!(last["event"], "sweep_finished", "{outcome:?}");
    last["report"].clone()
}

fn sweep(env: &TestEnv, more: &[&str], code: i32) -> Json {
    report(&env.alo([&["sweep", "--format", "json"], more].concat()).expect(code))
}

/// The files that a run of a sweep has left in the history.
#[track_caller]
fn kept(env: &TestEnv, run: &Json, kind: &str, file: &str) -> String {
    env.read(&format!("history/{kind}/{}/{file}", run["run"].as_str().unwrap()))
}

#[test]
fn every_combination_is_a_run_of_its_own_and_the_best_comes_first() {
    let env = project();
    let report = sweep(&env, &["--set", "train.depth=1:3", "--set", "train.rate=0.5,1"], 0);
    let values: Vec<String> =
        report["runs"].as_array().unwrap().iter().map(|run| run["values"].to_string()).collect();
    assert_eq!(values, ["[3,1]", "[2,1]", "[3,0.5]", "[1,1]", "[2,0.5]", "[1,0.5]"]);
    let best = &report["runs"][0];
    assert_eq!(
        (&best["rank"], &best["score"], &best["state"]),
        (&1.into(), &0.3.into(), &"succeeded".into())
    );
    // Each has a training and an inference in the history, which name the sweep.
    let history = env.alo(["history", "--format", "json"]).expect(0).events();
    assert_eq!(history.len(), 12);
    assert!(history.iter().all(|run| run["state"] == "succeeded"), "{history:?}");
    for run in report["runs"].as_array().unwrap() {
        let record = kept(&env, run, "inference", "run.yaml");
        assert!(
            record.contains("mode: sweep")
                && record.contains(&format!("sweep: {}", report["sweep"].as_str().unwrap()))
        );
        assert!(record.contains(&format!("train_id: {}", run["run"].as_str().unwrap())), "{record}");
    }
    // Nothing is current, nothing is left.
    assert!(!env.path("train_artifacts").exists() && !env.path("inference_artifacts").exists());
    assert_eq!(fs_err::read_dir(env.path(".alo/staging")).unwrap().count(), 0);
}

#[test]
fn a_run_of_a_sweep_leaves_what_alo_run_leaves() {
    let env = project();
    let report = sweep(&env, &["--set", "train.depth=1,2,3", "--jobs", "3"], 0);
    let plan = env.read("experimental_plan.yaml");
    for run in report["runs"].as_array().unwrap() {
        let depth = run["values"][0].to_string();
        env.write("experimental_plan.yaml", plan.replace("depth: 1", &format!("depth: {depth}")));
        env.alo(["run"]).expect(0);
        let plain = env.read("train_artifacts/models/train/model.json");
        assert_eq!(kept(&env, run, "train", "models/train/model.json"), plain);
        assert_eq!(kept(&env, run, "inference", "output/output.csv"), plain);
    }
}

#[test]
fn the_current_artifacts_stay_unless_the_best_run_is_promoted() {
    let env = project();
    env.alo(["run"]).expect(0);
    let before = env.read("train_artifacts/models/train/model.json");
    sweep(&env, &["--set", "train.depth=2,3"], 0);
    assert_eq!(env.read("train_artifacts/models/train/model.json"), before);
    let report = sweep(&env, &["--set", "train.depth=2,3", "--promote", "best"], 0);
    let best = &report["runs"][0];
    assert_eq!((&report["promoted"], &best["values"]), (&best["run"], &serde_json::json!([3])));
    let model = env.read("train_artifacts/models/train/model.json");
    assert_eq!(model, kept(&env, best, "train", "models/train/model.json"));
    assert_eq!(env.read("inference_artifacts/output/output.csv"), model);
    let report = sweep(&env, &["--set", "train.depth=2,3", "--promote", "best", "--minimize"], 0);
    assert_eq!(report["runs"][0]["values"], serde_json::json!([2]));
    assert!(env.read("train_artifacts/models/train/model.json").contains("\"depth\": 2"));
}

#[test]
fn what_one_run_fails_of_concerns_no_other() {
    let env = project();
    let report = sweep(&env, &["--set", "train.depth=bad,1,crash,2"], 1);
    let runs = report["runs"].as_array().unwrap();
    let states: Vec<_> =
        runs.iter().map(|run| (run["values"][0].to_string(), run["state"].as_str().unwrap())).collect();
    let expected = [("2", "succeeded"), ("1", "succeeded"), ("\"bad\"", "failed"), ("\"crash\"", "failed")];
    assert_eq!(states, expected.map(|(value, state)| (value.to_owned(), state)));
    assert!(runs[2]["error"].as_str().unwrap().contains("no such depth"), "{report}");
    assert!(runs[3]["error"].as_str().unwrap().contains("SIGABRT"), "{report}");
    assert_eq!((&report["state"], &report["left"]), (&"succeeded".into(), &0.into()));
}

#[test]
fn wrong_settings_are_told_before_anything_runs() {
    let env = project();
    let refused = |set: &str, says: &str| {
        env.alo(["sweep", "--set", set]).expect(2).says(says);
    };
    refused("trian.depth=1", "did you mean `train`?");
    refused("train.dept=1", "did you mean `depth`?");
    refused("train.depth=3:1:1", "holds no value");
    refused("depth=1", "`STEP.ARG=VALUES`");
    env.alo(["sweep"]).expect(2).says("--set");
    env.alo(["sweep", "--resume"]).expect(2).says("no interrupted sweep");
    assert!(!env.path("input-runs").exists() && !env.path("history").exists());
}
