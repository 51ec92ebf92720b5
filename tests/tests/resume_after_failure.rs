//! A run in file mode that failed, or was stopped, without `--resume`: the next one with it goes on after what has finished.

use std::io::Read;

use alo_tests::{Outcome, PlanText, TestEnv, asset, eventually};
use rustix::process::{Pid, Signal, kill_process};

/// Steps that leave files of every kind and size, and of which one changes what those before it have left.
fn project(mode: &str) -> TestEnv {
    let env = TestEnv::new();
    let plan = PlanText::new()
        .control("interface_mode", mode)
        .train(&["input", "train", "tune"])
        .inference(&["read", "inference"]);
    env.plan(&plan);
    env.write(
        "assets/input/asset_input.py",
        asset(
            "import random\n\
             random.seed(1)\n\
             self.data['rows'] = [random.random() for _ in range(50_000)]\n\
             open(self.asset.get_model_path() + 'large', 'wb').write(b'input' * 1_500_000)\n\
             open(self.asset.get_model_path() + 'small', 'w').write('input')\n\
             self.asset.save_summary('read', 0.25)",
        ),
    );
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import random\n\
             self.config['random'] = random.random()\n\
             open(self.asset.get_model_path() + 'model', 'w').write(repr(sum(self.data['rows'])))",
        ),
    );
    env.write(
        "assets/tune/asset_tune.py",
        asset(
            "import os\n\
             open(self.asset.get_model_path() + '../input/small', 'a').write(' and tune')\n\
             os.remove(self.asset.get_model_path() + '../input/large')\n\
             self.asset.save_summary('tuned', 0.5, note=repr(self.config['random']))",
        ),
    );
    env.write("assets/read/asset_read.py", asset("self.data['word'] = 'model '"));
    env.write(
        "assets/inference/asset_inference.py",
        asset(
            "model = open(self.asset.get_model_path() + 'model').read()\n\
             open(self.asset.get_output_path() + 'output.csv', 'w').write(self.data['word'] + model)\n\
             self.asset.save_summary('OK', 0.75)",
        ),
    );
    env
}

/// Lets a step fail at its end, after all that it does; gives its good text.
fn break_step(env: &TestEnv, step: &str) -> String {
    let file = format!("assets/{step}/asset_{step}.py");
    let good = env.read(&file);
    env.write(&file, format!("{good}        raise RuntimeError('no')\n"));
    good
}

fn mend(env: &TestEnv, step: &str, good: &str) {
    env.write(&format!("assets/{step}/asset_{step}.py"), good);
}

/// The steps that were put back.
fn reused(outcome: &Outcome) -> Vec<String> {
    let decided = outcome.events().into_iter().filter(|event| event["event"] == "step_decided");
    decided
        .filter(|event| event["decision"] == "reused")
        .map(|event| format!("{}/{}", event["pipeline"].as_str().unwrap(), event["step"].as_str().unwrap()))
        .collect()
}

fn resume(env: &TestEnv) -> Outcome {
    env.alo(["run", "--resume", "--format", "json"])
}

/// All files of the artifacts but logs and times, each with its content.
fn artifacts(env: &TestEnv) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for kind in ["train", "inference"] {
        files(env, &format!("{kind}_artifacts"), &mut found);
    }
    found.sort();
    found
}

fn files(env: &TestEnv, folder: &str, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in env.path(folder).read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name());
        if entry.path().is_dir() {
            if entry.file_name() != "log" {
                found.push((format!("{name}/"), Vec::new()));
                files(env, &name, found);
            }
        } else if entry.file_name() != "experimental_history.json" {
            let mut content = fs_err::read(entry.path()).unwrap();
            if name.ends_with("summary.yaml") {
                let text = String::from_utf8(content).unwrap();
                let lines = text.lines().filter(|line| !line.starts_with("date:"));
                content = lines.collect::<Vec<_>>().join("\n").into_bytes();
            }
            found.push((name, content));
        }
    }
}

/// The history's record of the last run of a pipeline, but for times, what holds them, and the size of the log.
fn record(env: &TestEnv, kind: &str) -> String {
    let runs = env.alo(["history", "--format", "json"]).expect(0).events();
    let last = runs.iter().find(|run| run["kind"] == kind).unwrap();
    let text = fs_err::read_to_string(format!("{}/run.yaml", last["folder"].as_str().unwrap())).unwrap();
    let times = ["id:", "started:", "ended:", "pid:", "seconds:", "train_id:", "bytes:", "unique_bytes:"];
    let lines = text.lines().filter(|line| !times.iter().any(|time| line.trim_start().starts_with(time)));
    lines.collect::<Vec<_>>().join("\n").replace(env.project().as_str(), "PROJECT")
}

#[test]
fn a_run_that_failed_goes_on_after_the_steps_that_have_finished() {
    let (env, plain) = (project("file"), project("file"));
    plain.alo(["run"]).expect(0);
    let good = break_step(&env, "tune");
    let hint = "hint: `alo run --resume` goes on after the steps that have finished: input, train\n";
    let failed = env.alo(["run"]).expect(1).says(hint);
    assert!(failed.last_block().contains(hint.trim_end()), "{failed:?}");
    env.alo(["run"]).expect(1).says_not("not run: unchanged");
    mend(&env, "tune", &good);
    let went_on = resume(&env).expect(0);
    assert_eq!(reused(&went_on), ["train/input", "train/train"]);
    assert_eq!(artifacts(&env), artifacts(&plain));
    for kind in ["train", "inference"] {
        assert_eq!(record(&env, kind), record(&plain, kind));
    }
}

#[test]
fn a_failed_inference_needs_no_second_training() {
    let (env, plain) = (project("file"), project("file"));
    plain.alo(["run"]).expect(0);
    let good = break_step(&env, "inference");
    let steps = "train/input, train/train, train/tune, inference/read";
    env.alo(["run"]).expect(1).says(&format!("goes on after the steps that have finished: {steps}\n"));
    mend(&env, "inference", &good);
    assert_eq!(reused(&resume(&env).expect(0)).join(", "), steps);
    assert_eq!(artifacts(&env), artifacts(&plain));
}

#[test]
fn what_a_later_step_has_overwritten_is_made_again() {
    let (env, plain) = (project("file"), project("file"));
    for env in [&env, &plain] {
        // In place, of the same length: nothing but the time of the file tells.
        let overwrite = "with open(self.asset.get_model_path() + '../input/large', 'r+b') as file:\n\
                         \x20   file.write(b'T')";
        env.write("assets/tune/asset_tune.py", asset(overwrite));
    }
    plain.alo(["run"]).expect(0);
    let good = break_step(&env, "tune");
    env.alo(["run"]).expect(1).says_not("alo run --resume");
    mend(&env, "tune", &good);
    assert_eq!(reused(&resume(&env).expect(0)), Vec::<String>::new());
    assert_eq!(artifacts(&env), artifacts(&plain));
}

#[test]
fn a_step_that_touched_the_world_runs_again_and_the_others_do_not() {
    let env = project("file");
    let good = env.read("assets/train/asset_train.py");
    env.write(
        "assets/train/asset_train.py",
        format!("{good}        import subprocess; subprocess.run(['true'])\n"),
    );
    let good = break_step(&env, "tune");
    env.alo(["run"]).expect(1).says("goes on after the steps that have finished: input\n");
    mend(&env, "tune", &good);
    let went_on = env.alo(["run", "--resume", "--explain"]).expect(0);
    went_on.says("its last result was not kept: it started another program: `true`");
}

#[test]
fn a_run_that_was_stopped_goes_on_too() {
    let (env, plain) = (project("file"), project("file"));
    plain.alo(["run"]).expect(0);
    let good = env.read("assets/tune/asset_tune.py");
    let wait = "import os, time; open('waiting', 'w').close(); time.sleep(600)";
    env.write("assets/tune/asset_tune.py", asset(wait));
    let mut child = env.start(["run"]);
    eventually("the last step is running", || env.path("waiting").exists());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(stderr.contains("goes on after the steps that have finished: input, train\n"), "{stderr}");
    mend(&env, "tune", &good);
    assert_eq!(reused(&resume(&env).expect(0)), ["train/input", "train/train"]);
    assert_eq!(artifacts(&env), artifacts(&plain));
}

#[test]
fn what_has_changed_since_the_failure_is_run() {
    let env = project("file");
    let good = break_step(&env, "tune");
    env.alo(["run"]).expect(1);
    mend(&env, "tune", &good);
    env.write("assets/train/asset_train.py", env.read("assets/train/asset_train.py") + "\n# touched\n");
    assert_eq!(reused(&resume(&env).expect(0)), ["train/input"]);
}

#[test]
fn a_run_that_succeeds_keeps_nothing_for_another() {
    let env = project("file");
    env.alo(["run"]).expect(0);
    let kept = fs_err::read_dir(env.path(".alo/steps"));
    assert_eq!(kept.map_or(0, Iterator::count), 0);
    for file in ["input_data", "input_config", "tune_data", "tune_config"] {
        assert!(env.path(&format!(".asset_interface/train_pipeline/{file}.pkl")).exists(), "{file}");
    }
}

#[test]
fn in_memory_mode_nothing_is_said_that_is_not_so() {
    let env = project("memory");
    break_step(&env, "tune");
    env.alo(["run"]).expect(1).says_not("--resume");
    env.alo(["run", "--resume"]).expect(1).says("goes on after the steps that have finished: input, train\n");
}
