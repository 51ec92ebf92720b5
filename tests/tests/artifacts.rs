//! What runs leave: models that cannot be lost, hand-off that changes nothing, outputs that are checked, exports, data.

use alo_tests::{PlanText, TestEnv, asset};

/// Saves a model.
const MODEL: &str = "open(self.asset.get_model_path() + 'm', 'w').write('model')";

/// Saves what inference must leave.
const RESULT: &str = "open(self.asset.get_output_path() + 'output.csv', 'w').write('predicted\\n1\\n')\n\
                      self.asset.save_summary(result='OK', score=1)\n";

#[test]
fn a_failed_training_leaves_the_last_good_model() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]).inference(&["inference"]));
    let saves = "open(self.asset.get_model_path() + 'model', 'w').write('good')";
    env.write("assets/train/asset_train.py", asset(saves));
    let infers = format!("assert open(self.asset.get_model_path() + 'model').read() == 'good'\n{RESULT}");
    env.write("assets/inference/asset_inference.py", asset(&infers));
    env.alo(["run"]).expect(0);

    let fails = "open(self.asset.get_model_path() + 'model', 'w').write('half')\nraise RuntimeError('no')";
    env.write("assets/train/asset_train.py", asset(fails));
    env.alo(["run"]).expect(1);
    assert_eq!(env.read("train_artifacts/models/train/model"), "good");
    env.alo(["run", "--mode", "inference"]).expect(0);

    let history = env.alo(["history", "--format", "json"]).expect(0).events();
    let trained = &history.last().unwrap()["id"];
    assert_eq!(&history[0]["train_id"], trained, "inference records the training of its model");
}

#[test]
fn memory_and_file_hand_off_give_the_same_bytes() {
    let run = |mode: &str| {
        let env = TestEnv::new();
        let plan = PlanText::new()
            .train(&["input", "train"])
            .inference(&["input", "inference"])
            .control("interface_mode", mode);
        env.plan(&plan);
        env.write(
            "assets/input/asset_input.py",
            asset(
                "import array\n\
                 self.data['numbers'] = array.array('d', [n / 7 for n in range(10_000)])\n\
                 self.data['nested'] = {1: ['a', None, (2, 3)], 'b': {'c': 1e300}}\n\
                 self.config['columns'] = ['x', '건물']",
            ),
        );
        env.write(
            "assets/train/asset_train.py",
            asset(
                "assert self.data['nested'][1][2] == (2, 3) and self.config['columns'] == ['x', '건물']\n\
                 self.asset.save_summary('OK', sum(self.data['numbers']) / 1e7)",
            ),
        );
        env.write(
            "assets/inference/asset_inference.py",
            asset(
                "self.data['numbers'][0] = 1.0\n\
                 with open(self.asset.get_output_path() + 'output.csv', 'w') as table:\n\
                 \x20   table.writelines('%r\\n' % number for number in self.data['numbers'])\n\
                 self.asset.save_summary('OK', 0.5, note=str(self.data['nested']))",
            ),
        );
        env.alo(["run"]).expect(0);
        let left = env.path(".asset_interface/train_pipeline/input_data.pkl").exists();
        assert_eq!(left, mode == "file");
        env.results()
    };
    assert_eq!(run("memory"), run("file"));
}

#[test]
fn inference_must_leave_a_summary_and_one_or_two_files() {
    let touch = |names: &[&str]| -> String {
        let lines =
            names.iter().map(|name| format!("open(self.asset.get_output_path() + '{name}', 'w').close()\n"));
        lines.collect::<String>() + "self.asset.save_summary(result='OK', score=1)\n"
    };
    let cases: &[(&[&str], i32, &str)] = &[
        (&["output.csv"], 0, "output"),
        (&["output.jpg"], 0, "output"),
        (&["output.csv", "output.jpg"], 0, "output"),
        (&["table.csv"], 0, "table.csv"),
        (&[], 1, "output"),
        (&["output.txt"], 1, "output.txt"),
        (&["a.csv", "b.csv"], 1, "b.csv"),
        (&["a.csv", "b.png", "c.png"], 1, "c.png"),
    ];
    for (names, code, word) in cases {
        let env = TestEnv::new();
        env.plan(PlanText::new().inference(&["output"]));
        env.write("assets/output/asset_output.py", asset(&touch(names)));
        env.alo(["run"]).expect(*code).says(word);
    }
    let env = TestEnv::new();
    env.plan(PlanText::new().inference(&["output"]));
    let no_summary = asset("open(self.asset.get_output_path() + 'output.csv', 'w').close()");
    env.write("assets/output/asset_output.py", no_summary);
    env.alo(["run"]).expect(1).says("save_summary");
}

#[test]
fn results_are_exported_and_a_model_comes_back() {
    let env = TestEnv::new();
    let plan = PlanText::new()
        .train(&["train"])
        .inference(&["inference"])
        .external("save_train_artifacts_path", "./out/")
        .external("save_inference_artifacts_path", "./out/")
        .control("save_inference_format", "zip");
    env.plan(&plan);
    env.write("assets/train/asset_train.py", asset(MODEL));
    let infers = format!("assert open(self.asset.get_model_path() + 'm').read() == 'model'\n{RESULT}");
    env.write("assets/inference/asset_inference.py", asset(&infers));
    env.alo(["run"]).expect(0);
    for name in
        ["train_artifacts.tar.gz", "model.tar.gz", "inference_artifacts.zip", "process.log", "pipeline.log"]
    {
        assert!(env.path("out").join(name).is_file(), "{name}");
    }

    let other = TestEnv::new();
    let model = env.path("out/model.tar.gz");
    let plan = PlanText::new().inference(&["inference"]).external("load_model_path", model.as_str());
    other.plan(&plan);
    other.write("assets/inference/asset_inference.py", asset(&infers));
    other.alo(["run"]).expect(0);
    let run = &other.alo(["history", "--format", "json"]).expect(0).events()[0];
    assert_eq!(run["train_id"], "load-external-model");
}

#[test]
fn a_failed_export_fails_the_run_and_keeps_the_artifacts() {
    let env = TestEnv::new();
    let plan = PlanText::new().train(&["train"]).external("save_train_artifacts_path", "./out/");
    env.plan(&plan);
    let run = "open(self.asset.get_model_path() + 'm', 'w').write('new')\n\
               import os\nos.makedirs('out/model.tar.gz/in_the_way')";
    env.write("assets/train/asset_train.py", asset(run));
    env.alo(["run"]).expect(1).says("model.tar.gz");
    let run = &env.alo(["history", "--format", "json"]).expect(0).events()[0];
    assert_eq!(run["state"], "failed");
    let kept = camino::Utf8Path::new(run["folder"].as_str().unwrap()).join("models/train/m");
    assert_eq!(fs_err::read_to_string(kept).unwrap(), "new");
}

#[test]
fn what_could_not_be_exported_is_kept_whatever_the_plan_says_and_can_be_restored() {
    let env = TestEnv::new();
    let plan = |out: &str| {
        PlanText::new()
            .train(&["train"])
            .external("save_train_artifacts_path", out)
            .control("backup_artifacts", "False")
            .to_string()
    };
    let run = "import os\n\
               open(self.asset.get_model_path() + 'm', 'wb').write(b'new' + os.urandom(600_000))\n\
               os.makedirs('out/model.tar.gz/in_the_way', exist_ok=True)";
    env.plan(plan("./out/"));
    env.write("assets/train/asset_train.py", asset(run));
    env.alo(["run"]).expect(1).says("alo history restore");
    let newest = || {
        let run = env.alo(["history", "--format", "json"]).expect(0).events()[0].clone();
        run["id"].as_str().unwrap().to_owned()
    };
    let id = newest();
    let shown = env.alo(["history", "show", &id]).expect(0);
    assert!(shown.stdout.contains("failed (its artifacts are whole"), "{}", shown.stdout);

    // For the quota it is as good as one that has succeeded: of two failed runs the other one goes, though it is newer.
    let fails = "open(self.asset.get_model_path() + 'm', 'wb').write(b'x' * 10)\nraise ValueError('no')";
    env.write("assets/train/asset_train.py", asset(fails));
    env.alo(["run"]).expect(1).says_not("alo history restore");
    let failed = newest();
    env.alo(["history", "restore", &failed]).expect(1).says("nothing whole");
    env.write("assets/train/asset_train.py", asset("pass"));
    env.plan(plan("./elsewhere/"));
    env.alo(["run"]).expect(0);
    env.alo(["history", "prune", "--keep", "2"]).expect(0);
    let left: Vec<_> = env.alo(["history", "--format", "json"]).expect(0).events();
    let left: Vec<_> = left.iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert!(left.contains(&id.as_str()) && !left.contains(&failed.as_str()), "{left:?}");

    env.alo(["history", "restore", &id]).expect(0);
    assert!(fs_err::read(env.path("train_artifacts/models/train/m")).unwrap().starts_with(b"new"));
}

#[test]
fn places_that_results_and_models_need_are_checked_before_any_step() {
    let env = TestEnv::new();
    let plan = || PlanText::new().train(&["train"]).inference(&["inference"]);
    env.write("assets/train/asset_train.py", asset("print('it runs')"));
    env.write("assets/inference/asset_inference.py", asset(RESULT));
    env.write("file", "");
    fs_err::os::unix::fs::symlink("nowhere", env.path("dangling")).unwrap();
    let cases = [
        ("save_inference_artifacts_path", "./file/out", "is no folder"),
        ("save_inference_artifacts_path", "./dangling/out", "dangling"),
        ("save_inference_artifacts_path", "./out/../train_artifacts/out", "lies in the artifacts"),
        ("load_model_path", "./absent", "does not exist"),
    ];
    for (key, path, says) in cases {
        env.plan(plan().external(key, path));
        env.alo(["run"]).expect(1).says(says).says_not("it runs");
    }
    // What the training of the same run exports is there in time.
    let made = plan()
        .external("save_train_artifacts_path", "./out/")
        .external("load_model_path", "./out/model.tar.gz");
    env.plan(&made);
    env.write("assets/train/asset_train.py", asset(MODEL));
    env.alo(["run"]).expect(0);
}

#[test]
fn an_inference_does_not_replace_the_model_that_its_training_has_just_exported() {
    let env = TestEnv::new();
    let plan = PlanText::new()
        .train(&["train"])
        .inference(&["inference"])
        .external("save_train_artifacts_path", "./out/")
        .external("save_inference_artifacts_path", "./out");
    env.plan(&plan);
    env.write("assets/train/asset_train.py", asset(MODEL));
    let own = "open(self.asset.get_model_path(use_inference_path=True) + 'own', 'w').write('i')\n";
    env.write("assets/inference/asset_inference.py", asset(&format!("{own}{RESULT}")));
    let members = || {
        let out =
            std::process::Command::new("tar").arg("tzf").arg(env.path("out/model.tar.gz")).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    env.alo(["run"]).expect(0).says("stays in the save path");
    assert!(members().contains("train/m") && !members().contains("own"), "{}", members());
    env.alo(["run", "--mode", "inference"]).expect(0);
    assert!(members().contains("inference/own"), "{}", members());
}

#[test]
fn exported_archives_have_the_time_that_is_asked_for() {
    let project = |time: &str| {
        let env = TestEnv::new().with_variable("SOURCE_DATE_EPOCH", time);
        let plan = PlanText::new().train(&["train"]).external("save_train_artifacts_path", "./out/");
        env.plan(&plan);
        env.write("assets/train/asset_train.py", asset(MODEL));
        env
    };
    let env = project("86400");
    env.alo(["run"]).expect(0);
    let listed = std::process::Command::new("tar")
        .args(["--utc", "-tvzf", env.path("out/model.tar.gz").as_str()])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("1970-01-02 00:00 train/m"), "{listed}");
    project("yesterday").alo(["run"]).expect(2).says("SOURCE_DATE_EPOCH");
}

#[test]
fn data_is_checked_before_any_step_and_copied_when_it_changed() {
    let env = TestEnv::new();
    let plan = |inference: &str| {
        PlanText::new()
            .train(&["train"])
            .inference(&["inference"])
            .external("load_train_data_path", "[./data/one/, ./data/two]")
            .external("load_inference_data_path", inference)
            .to_string()
    };
    env.write("data/one/a.csv", "1").write("data/two/deep/b.csv", "2").write("data/test/c.csv", "3");
    env.plan(plan("./data/absent/"));
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import os\npath = self.asset.get_input_path()\n\
             print('sees', sorted(os.listdir(path)), os.listdir(path + 'two/deep'))",
        ),
    );
    env.write("assets/inference/asset_inference.py", asset(RESULT));
    env.alo(["run"]).expect(1).says("./data/absent/").says_not("sees");

    env.plan(plan("./data/test/"));
    env.alo(["run"]).expect(0).says("sees ['one', 'two'] ['b.csv']").says("2 files, 2 B, 2 copied");
    env.alo(["run"]).expect(0).says("2 files, 2 B, 0 copied");
    env.write("data/one/a.csv", "changed");
    env.alo(["run"]).expect(0).says("2 files, 8 B, 1 copied");
    let runs = env.alo(["history", "--format", "json"]).expect(0).events();
    let ids: Vec<_> =
        runs.iter().filter(|run| run["kind"] == "train").map(|run| run["data_id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids[0] != ids[1] && ids[1] == ids[2], "{ids:?}");
}

#[test]
fn check_resource_measures_every_step() {
    let env = TestEnv::new();
    let plan = PlanText::new().train(&["input", "train"]).control("check_resource", "True");
    env.plan(&plan);
    env.write("assets/input/asset_input.py", asset("pass"));
    env.write("assets/train/asset_train.py", asset("block = bytearray(64 << 20)\nsum(range(3_000_000))"));
    env.alo(["run"]).expect(0).says(" CPU, ");
    let run = &env.alo(["history", "--format", "json"]).expect(0).events()[0];
    let memory = |step: usize| run["steps"][step]["peak_memory"].as_u64().unwrap();
    assert!(memory(1) > 64 << 20 && memory(1) > memory(0), "{run:#}");
    assert!(run["steps"][1]["cpu_seconds"].as_f64().unwrap() > 0.0, "{run:#}");
}
