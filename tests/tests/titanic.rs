//! The Titanic example, as `alo init` makes it. Installs pandas and scikit-learn from PyPI.

use alo_tests::TestEnv;

fn titanic() -> TestEnv {
    let env = TestEnv::new().with_shared_cache();
    env.alo(["init", ".", "--example", "titanic"]).expect(0);
    env
}

#[test]
fn it_trains_and_infers_and_tells_where_everything_lies() {
    let env = titanic();
    let outcome = env.alo(["run"]).expect(0);
    let block = &outcome.stderr[outcome.stderr.rfind("titanic finished in").expect("a closing block")..];
    for word in [
        "train\n",
        "inference\n",
        "score ",
        "result ",
        "time ",
        "train_artifacts/models",
        "train_artifacts/report/report.html",
        "inference_artifacts/output/output.csv",
        "train_artifacts/score/train_summary.yaml",
        "inference_artifacts/score/inference_summary.yaml",
        "history/train/",
        "history/inference/",
        "pipeline.log",
    ] {
        assert!(block.contains(word), "`{word}` is not in\n{block}");
    }
    let output = env.read("inference_artifacts/output/output.csv");
    assert!(output.lines().next().unwrap().split(',').any(|column| column == "predicted"), "{output}");
    assert_eq!(output.lines().count(), 1 + 418);
    let report = env.read("train_artifacts/report/report.html");
    assert!(report.contains("<svg") || report.contains("<img"), "no picture in the report");
    let runs = env.alo(["history", "--format", "json"]).expect(0).events();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run["state"] == "succeeded"), "{runs:#?}");
    let packages = runs[0]["environments"][0]["packages"].to_string();
    assert!(packages.contains("pandas==") && packages.contains("scikit-learn=="), "{packages}");
}

#[test]
fn nothing_runs_again_that_has_not_changed() {
    let env = titanic();
    env.alo(["run", "--resume"]).expect(0);
    let events = env.alo(["run", "--resume", "--format", "json"]).expect(0).events();
    let decided = events.iter().filter(|event| event["event"] == "step_decided");
    let decided: Vec<_> = decided.map(|event| event["decision"].as_str().unwrap()).collect();
    assert_eq!(decided, ["reused"; 5], "{events:#?}");
}

#[test]
fn both_hand_off_modes_give_the_same_bytes() {
    let run = |mode: &str| {
        let env = titanic();
        let plan = env
            .read("experimental_plan.yaml")
            .replace("interface_mode: memory", &format!("interface_mode: {mode}"));
        assert!(plan.contains(&format!("interface_mode: {mode}")));
        env.plan(plan);
        env.alo(["run"]).expect(0);
        (env.results(), fs_err::read(env.path("train_artifacts/models/train/model.pkl")).unwrap())
    };
    let (memory, file) = (run("memory"), run("file"));
    assert_eq!(memory.0, file.0);
    assert!(memory.1 == file.1, "the model is the same, down to how pickle writes it");
}

#[test]
fn its_events_are_json_one_a_line() {
    let env = titanic();
    let outcome = env.alo(["run", "--format", "json"]).expect(0);
    assert_eq!(outcome.stderr, "");
    let events = outcome.events();
    let named = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((named("step_started"), named("step_finished")), (5, 5));
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["report"]["state"]), (&"run_finished".into(), &"succeeded".into()));
}
