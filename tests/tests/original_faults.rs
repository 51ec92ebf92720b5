//! The faults of the original that cost its users work, one test each: what it did is in the name's comment.

use alo_tests::{PlanText, TestEnv, asset};

const RESULT: &str = "open(self.asset.get_output_path() + 'output.csv', 'w').write('1')\n\
                      self.asset.save_summary(result='OK', score=1)\n";

fn train(run: &str, plan: PlanText) -> TestEnv {
    let env = TestEnv::new();
    env.plan(&plan);
    env.write("assets/train/asset_train.py", asset(run));
    env
}

fn runs(env: &TestEnv) -> Vec<serde_json::Value> {
    env.alo(["history", "--format", "json"]).expect(0).events()
}

/// It emptied the artifacts before the pipeline ran.
#[test]
fn a_failed_training_keeps_the_last_good_model() {
    let env = train(
        "open(self.asset.get_model_path() + 'm', 'w').write('good')",
        PlanText::new().train(&["train"]),
    );
    env.alo(["run"]).expect(0);
    let fails = "open(self.asset.get_model_path() + 'm', 'w').write('half')\nraise RuntimeError('no')";
    env.write("assets/train/asset_train.py", asset(fails));
    env.alo(["run"]).expect(1);
    assert_eq!(env.read("train_artifacts/models/train/m"), "good");
    assert_eq!([&runs(&env)[0]["state"], &runs(&env)[1]["state"]], ["failed", "succeeded"]);
}

/// It accepted a missing folder and loaded nothing.
#[test]
fn a_missing_data_folder_is_an_error_before_any_step() {
    let plan = PlanText::new().train(&["train"]).external("load_train_data_path", "./data/absent/");
    let env = train("print('a step ran')", plan);
    env.alo(["run"]).expect(1).says("./data/absent/").says("does not exist").says_not("a step ran");
}

/// It accepted a file where it could only copy folders, and loaded nothing.
#[test]
fn a_file_as_a_source_is_loaded() {
    let plan = PlanText::new().train(&["train"]).external("load_train_data_path", "./data/table.csv");
    let env = train("assert open(self.asset.get_input_path() + 'table.csv').read() == 'a,b'", plan);
    env.write("data/table.csv", "a,b");
    env.alo(["run"]).expect(0);
}

/// Two folders of one name overwrote each other.
#[test]
fn equal_last_parts_of_sources_are_an_error_before_any_step() {
    let plan =
        PlanText::new().train(&["train"]).external("load_train_data_path", "[./one/data/, ./two/data]");
    let env = train("print('a step ran')", plan);
    env.write("one/data/a", "1").write("two/data/a", "2");
    env.alo(["run"]).expect(2).says("./one/data/").says("./two/data").says_not("a step ran");
}

/// Only the last of several sources went into the data's fingerprint.
#[test]
fn the_data_id_covers_every_source() {
    let plan = PlanText::new().train(&["train"]).external("load_train_data_path", "[./one, ./two, ./three]");
    let env = train("pass", plan);
    env.write("one/a", "1").write("two/b", "2").write("three/c", "3");
    env.alo(["run"]).expect(0);
    let mut ids = vec![runs(&env)[0]["data_id"].to_string()];
    for source in ["one/a", "two/b", "three/c"] {
        env.write(source, "changed");
        env.alo(["run"]).expect(0);
        let id = runs(&env)[0]["data_id"].to_string();
        assert!(!ids.contains(&id), "{source} does not count");
        ids.push(id);
    }
    let sources: Vec<_> =
        runs(&env)[0]["data"].as_array().unwrap().iter().map(|of| of["source"].clone()).collect();
    assert_eq!(sources, ["./one", "./two", "./three"]);
}

/// Its history read every file as text.
#[test]
fn binary_results_are_kept_in_history() {
    let run = "data = bytes(range(256)) * 100\n\
               open(self.asset.get_model_path() + 'm.bin', 'wb').write(data)\n\
               open(self.asset.get_extra_output_path() + 'x.bin', 'wb').write(b'\\xff\\xfe\\x00')";
    let env = train(run, PlanText::new().train(&["train"]));
    env.write("input/train/own.bin", [0xff, 0xfe, 0]);
    env.alo(["run"]).expect(0);
    let run = &env.alo(["history", "show", "latest", "--format", "json"]).expect(0).events()[0];
    assert_eq!(run["damaged_files"], serde_json::json!([]));
    let folder = camino::Utf8Path::new(run["folder"].as_str().unwrap());
    let kept = fs_err::read(folder.join("models/train/m.bin")).unwrap();
    assert_eq!((kept.len(), kept[255]), (25_600, 255));
    assert_eq!(fs_err::read(folder.join("extra_output/train/x.bin")).unwrap(), [0xff, 0xfe, 0]);
}

/// A failed export lost what had been made.
#[test]
fn a_failed_export_keeps_the_artifacts() {
    let plan = PlanText::new().train(&["train"]).external("save_train_artifacts_path", "./out/");
    let run = "import os\n\
               open(self.asset.get_model_path() + 'm', 'w').write('new')\n\
               os.makedirs('out/model.tar.gz/in_the_way', exist_ok=True)";
    let env = train(run, plan);
    env.alo(["run"]).expect(1).says("model.tar.gz");
    let run = &runs(&env)[0];
    assert_eq!(run["state"], "failed");
    let folder = camino::Utf8Path::new(run["folder"].as_str().unwrap());
    assert_eq!(fs_err::read_to_string(folder.join("models/train/m")).unwrap(), "new");
}

/// A `/` in the name made nested folders that nothing found again.
#[test]
fn names_with_slashes_and_odd_letters_are_safe() {
    let env =
        train("open(self.asset.get_model_path() + 'm', 'w').write('1')", PlanText::new().train(&["train"]));
    for name in
        ["'a/b'", "'../../up'", "'\u{ac74}\u{bb3c} \u{c608}\u{ce21}'", "'x:*?<>|\\\\y'", "'ends-error'"]
    {
        let plan = PlanText::new().train(&["train"]).to_string();
        env.plan(plan.replacen("name: test", &format!("name: {name}"), 1));
        env.alo(["run"]).expect(0);
        let run = &runs(&env)[0];
        assert_eq!(run["state"], "succeeded", "{name}");
        let folder = camino::Utf8Path::new(run["folder"].as_str().unwrap());
        assert_eq!(
            folder.parent().unwrap().canonicalize_utf8().unwrap(),
            env.path("history/train").canonicalize_utf8().unwrap()
        );
        env.alo(["history", "show", run["id"].as_str().unwrap()]).expect(0);
    }
    assert_eq!(runs(&env).len(), 5);
}

/// An inference of its own never knew which training its model came from.
#[test]
fn a_later_inference_names_its_training() {
    let env =
        train("open(self.asset.get_model_path() + 'm', 'w').write('1')", PlanText::new().train(&["train"]));
    env.alo(["run"]).expect(0);
    let trained = runs(&env)[0]["id"].clone();
    env.write("assets/inference/asset_inference.py", asset(RESULT));
    env.plan(PlanText::new().inference(&["inference"]));
    env.alo(["run"]).expect(0);
    assert_eq!(runs(&env)[0]["train_id"], trained);
}

/// Its quota looked before it wrote, and removed the run that had just succeeded.
#[test]
fn the_quota_holds_after_the_run_and_spares_it() {
    let run = "import os\nopen(self.asset.get_model_path() + 'm', 'wb').write(os.urandom(600_000))";
    let env = train(run, PlanText::new().train(&["train"]).control("backup_size", "1"));
    for _ in 0..3 {
        env.alo(["run"]).expect(0);
        assert_eq!(runs(&env).len(), 1, "two do not fit into 1 MB");
    }
    let env = train(run, PlanText::new().train(&["train"]).control("backup_size", "0"));
    env.alo(["run"]).expect(0);
    env.alo(["run"]).expect(0);
    assert_eq!(runs(&env).len(), 1);
}
