//! `alo history` as people and programs use it: looking, comparing, keeping, removing, bringing back.

use alo_tests::{PlanText, TestEnv, asset};

const TRAIN: &str = "import os\n\
     depth = self.asset.check_args('depth', chng_type='int')\n\
     path = self.asset.get_input_path() + 'data/table.csv'\n\
     open(self.asset.get_model_path() + 'model', 'w').write('%s %s ' % (depth, open(path).read()) * 1000)\n\
     self.asset.save_summary('OK', depth / 10, note='noted')\n\
     print('said in training')";

/// A project that trains with a depth.
fn project() -> TestEnv {
    let env = TestEnv::new();
    env.write("data/table.csv", "a,b");
    env.write("assets/train/asset_train.py", asset(TRAIN));
    env
}

/// Trains with that depth; gives the run's eight digits.
fn train(env: &TestEnv, depth: u32) -> String {
    let plan = PlanText::new()
        .external("load_train_data_path", "./data/")
        .train(&["train"])
        .args("train", &format!("{{depth: {depth}}}"));
    env.plan(&plan);
    env.alo(["run"]).expect(0);
    newest(env)
}

fn newest(env: &TestEnv) -> String {
    let runs = env.alo(["history", "list", "--limit", "1", "--format", "json"]).expect(0).events();
    runs[0]["id"].as_str().unwrap()[17..25].to_owned()
}

fn model(env: &TestEnv) -> String {
    env.read("train_artifacts/models/train/model")[..1].to_owned()
}

#[test]
fn a_run_is_listed_shown_and_compared() {
    let env = project();
    let one = train(&env, 3);
    env.write("data/table.csv", "c,d");
    let two = train(&env, 7);

    let list = env.alo(["history"]).expect(0);
    assert_eq!(list.stdout.lines().count(), 3, "{list:?}");
    assert!(list.stdout.contains("succeeded") && list.stdout.contains("0.7"), "{list:?}");
    for (filter, count) in [(["--state", "failed"], 0), (["--mode", "train"], 2), (["--limit", "1"], 1)] {
        let list = env.alo(["history", "list", "--format", "json", filter[0], filter[1]]).expect(0);
        assert_eq!(list.events().len(), count, "{filter:?}");
    }

    let shown = env.alo(["history", "show", &one, "--logs"]).expect(0).stdout;
    for word in ["0.3", "noted", "./data/", "Python 3.", "succeeded", "said in training", "--- pipeline.log"]
    {
        assert!(shown.contains(word), "`{word}` is not in\n{shown}");
    }
    let run = &env.alo(["history", "show", "latest", "--logs", "--format", "json"]).expect(0).events()[0];
    assert_eq!(run["damaged_files"], serde_json::json!([]));
    assert_eq!(run["data"][0]["source"], "./data/");
    assert_eq!(run["data"][0]["digest"].as_str().unwrap().len(), 64);
    assert!(run["environments"][0]["python"].as_str().unwrap().starts_with("3."));
    assert!(run["steps"][0]["seconds"].as_f64().is_some() && run["steps"][0]["code"]["digest"].is_string());
    assert!(run["logs"]["pipeline.log"].as_str().unwrap().contains("said in training"));
    for file in ["experimental_plan.yaml", "files.json", "data.json"] {
        assert!(camino::Utf8Path::new(run["folder"].as_str().unwrap()).join(file).is_file(), "{file}");
    }

    let diff = &env.alo(["history", "diff", &one, &two, "--format", "json"]).expect(0).events()[0];
    let named: Vec<_> =
        diff["differences"].as_array().unwrap().iter().map(|one| (&one["area"], &one["name"])).collect();
    let expected =
        serde_json::json!([["outcome", "score"], ["args", "train.depth"], ["data", "data/table.csv"]]);
    assert_eq!(serde_json::to_value(named).unwrap(), expected, "{diff:#}");
    let diff = env.alo(["history", "diff", &one, "latest"]).expect(0).stdout;
    assert!(diff.contains("train.depth"), "{diff}");
    assert!(env.alo(["history", "diff", &one, &one]).expect(0).stdout.contains("no difference"));
}

#[test]
fn a_failed_run_is_listed_with_what_ended_it() {
    let env = project();
    train(&env, 1);
    env.write(
        "assets/train/asset_train.py",
        asset("raise ValueError('no such column: `나이`\\nlook again')"),
    );
    env.alo(["run"]).expect(1);
    let list = env.alo(["history"]).expect(0);
    assert!(list.stdout.contains("step `train` failed: ValueError: no such column: `나이`"), "{list:?}");
    assert!(!list.stdout.contains("look again"), "{list:?}");
}

#[test]
fn a_past_model_comes_back_and_inference_says_so() {
    let env = project();
    let one = train(&env, 3);
    train(&env, 7);
    assert_eq!(model(&env), "7");
    env.alo(["history", "restore", &one]).expect(0).says("restored").says_not("is recorded as");
    assert_eq!(model(&env), "3");

    let infers = "assert open(self.asset.get_model_path() + 'model').read().startswith('3')\n\
                  open(self.asset.get_output_path() + 'output.csv', 'w').write('1')\n\
                  self.asset.save_summary(result='OK', score=1)";
    env.write("assets/inference/asset_inference.py", asset(infers));
    env.plan(PlanText::new().inference(&["inference"]));
    env.alo(["run"]).expect(0);
    let run = &env.alo(["history", "show", "latest-inference", "--format", "json"]).expect(0).events()[0];
    assert_eq!(&run["train_id"].as_str().unwrap()[17..25], one);

    // Edited by hand since: recorded before another one takes its place.
    env.write("train_artifacts/models/train/model", "mine");
    env.alo(["history", "restore", &one]).expect(0).says("is recorded as");
    env.alo(["history", "restore", "latest-train"]).expect(0);
    assert_eq!(env.read("train_artifacts/models/train/model"), "mine");
}

#[test]
fn a_damaged_run_is_told_and_not_restored() {
    let env = project();
    let one = train(&env, 3);
    train(&env, 7);
    let run = &env.alo(["history", "show", &one, "--format", "json"]).expect(0).events()[0];
    let file = camino::Utf8Path::new(run["folder"].as_str().unwrap()).join("models/train/model");
    fs_err::remove_file(&file).unwrap();
    fs_err::write(&file, "damaged").unwrap();
    let shown = env.alo(["history", "show", &one]).expect(1).stdout;
    assert!(shown.contains("`models/train/model` was changed"), "{shown}");
    env.alo(["history", "restore", &one]).expect(1).says("was changed");
    env.alo(["history", "export", &one, "out.zip"]).expect(1).says("was changed");
    assert_eq!(model(&env), "7");
    assert!(!env.path("out.zip").exists());
}

#[test]
fn a_run_whose_record_is_damaged_is_listed_and_shown_as_that() {
    let env = project();
    let one = train(&env, 3);
    let run = &env.alo(["history", "show", &one, "--format", "json"]).expect(0).events()[0];
    let record = camino::Utf8Path::new(run["folder"].as_str().unwrap()).join("run.yaml");
    fs_err::write(&record, "").unwrap();
    let damaged = |words: &str| {
        let listed = env.alo(["history"]).expect(0).stdout;
        assert!(listed.contains("(record damaged)"), "{listed}");
        let shown = env.alo(["history", "show", &one]).expect(1).stdout;
        assert!(shown.contains(words) && shown.contains("not known"), "{shown}");
    };
    damaged("the record is missing or unreadable");
    // A pipe that nobody writes to keeps nobody waiting.
    fs_err::remove_file(&record).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&record).status().unwrap().success());
    damaged("it is no file");
    train(&env, 7);
    assert_eq!(model(&env), "7");
}

#[test]
fn runs_are_pinned_removed_pruned_and_exported() {
    let env = project();
    let runs: Vec<_> = (1..=4).map(|depth| train(&env, depth)).collect();
    env.alo(["history", "pin", &runs[0]]).expect(0);
    assert!(env.alo(["history"]).expect(0).stdout.contains("(pinned)"));
    env.alo(["history", "rm", &runs[0]]).expect(1).says("is pinned").says("unpin");
    env.alo(["history", "rm", "latest"]).expect(1).says("train_artifacts").says("--force");
    env.alo(["history", "rm", "nothing"]).expect(2).says("no run");
    env.alo(["history", "rm", "2"]).expect(2).says("4 runs start with").says(&runs[3]);
    let dry =
        &env.alo(["history", "prune", "--keep", "2", "--dry-run", "--format", "json"]).expect(0).events()[0];
    assert_eq!(dry["removed"].as_array().unwrap().len(), 2);
    env.alo(["history", "export", &runs[1], "../one.tar.gz"]).expect(0);
    env.alo(["history", "export", &runs[1], "s3://bucket/one.tar.gz"])
        .expect(2)
        .says("is no path of this machine");
    assert!(env.root().join("one.tar.gz").is_file());
    env.alo(["history", "rm", &runs[1]]).expect(0);
    env.alo(["history", "prune", "--max-size", "0"]).expect(0);
    let left: Vec<_> = env.alo(["history", "--format", "json"]).expect(0).events();
    let left: Vec<_> = left.iter().map(|run| run["id"].as_str().unwrap()[17..25].to_owned()).collect();
    assert_eq!(left, [runs[3].clone(), runs[0].clone()], "the current one and the pinned one");
    env.alo(["history", "prune"]).expect(2);
    env.alo(["history", "unpin", &runs[0]]).expect(0);
    env.alo(["history", "rm", &runs[0]]).expect(0);
    env.alo(["history", "rm", "latest", "--force"]).expect(0);
    assert_eq!(model(&env), "4");
    assert_eq!(env.alo(["history", "--format", "json"]).expect(0).events().len(), 0);
}
