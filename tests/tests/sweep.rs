//! `alo sweep`: every combination as a run of its own, the same as `alo run` would make it, and nothing else changed.

use std::process::Child;

use alo_tests::{Outcome, PlanText, TestEnv, asset, eventually, wheel};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;

/// A project whose training writes its arguments, what `input` has handed on and a random number of a seeded generator.
fn project() -> TestEnv {
    let env = TestEnv::new();
    let plan = PlanText::new()
        .train(&["input", "train"])
        .args("input", "{rows: 3}")
        .args("train", "{depth: 1, rate: 0.5}")
        .inference(&["inference"]);
    env.plan(&plan);
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
        env.plan(plan.replace("depth: 1", &format!("depth: {depth}")));
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
fn a_shared_step_that_fails_ends_the_sweep_with_its_traceback_and_one_failed_run() {
    let env = project();
    env.write("assets/input/asset_input.py", asset("print('looking')\nraise ValueError('no rows')"));
    let outcome = env.alo(["sweep", "--set", "train.depth=1,2,3"]).expect(1);
    outcome.says("step `input` failed").says("asset_input.py").says("ValueError: no rows").says("log:");
    let history = env.alo(["history", "--format", "json"]).expect(0).events();
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!((&history[0]["state"], &history[0]["kind"]), (&"failed".into(), &"train".into()));
    let folder = format!("history/train/{}-error", history[0]["id"].as_str().unwrap());
    let record = env.read(&format!("{folder}/run.yaml"));
    assert!(record.contains("mode: sweep") && record.contains("no rows"), "{record}");
    let log = env.read(&format!("{folder}/log/pipeline.log"));
    assert!(log.contains("looking") && log.contains("Traceback"), "{log}");
    assert_eq!(fs_err::read_dir(env.path(".alo/staging")).unwrap().count(), 0);
    // When it is mended the sweep goes on.
    env.write("assets/input/asset_input.py", asset("self.data['rows'] = []"));
    assert_eq!(sweep(&env, &["--resume"], 0)["runs"].as_array().unwrap().len(), 3);
}

#[test]
fn the_table_has_a_line_for_each_run_in_columns() {
    let env = project();
    let outcome =
        env.alo(["sweep", "--set", "train.depth=1,bad,3", "--set", "train.rate=1", "--jobs", "1"]).expect(1);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let head = lines.iter().position(|line| line.starts_with("rank ")).expect("a table");
    assert_eq!(
        lines[head].split_whitespace().collect::<Vec<_>>(),
        ["rank", "train.depth", "train.rate", "score", "result", "time", "run"]
    );
    let column = |line: &str, name: &str| -> String {
        let at = lines[head].find(name).unwrap();
        line[at..].split("  ").next().unwrap().to_owned()
    };
    let rows: Vec<[String; 5]> = lines[head + 1..head + 4]
        .iter()
        .map(|line| ["rank", "train.depth", "train.rate", "score", "result"].map(|name| column(line, name)))
        .collect();
    let failed = "failed: step `train` failed: ValueError: no such depth";
    assert_eq!(rows[0][..3], ["1", "3", "1"]);
    assert_eq!(rows[0][4], "depth 3");
    assert_eq!(rows[1][..3], ["2", "1", "1"]);
    assert_eq!(rows[2], ["-", "bad", "1", "-", failed]);
    assert_eq!(lines[head + 4], "");
    assert!(lines[head + 5].contains(": 2 succeeded, 1 failed in "), "{outcome:?}");
    let run = lines[head + 1].split_whitespace().last().unwrap();
    assert!(env.path(&format!("history/train/{run}")).is_dir());
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
    refused("train.depth=1:3,7", "write `1,2,3`");
    env.alo(["sweep"]).expect(2).says("--set");
    env.alo(["sweep", "--resume"]).expect(2).says("no interrupted sweep");
    assert!(!env.path("input-runs").exists() && !env.path("history").exists());
}

#[test]
fn steps_before_the_first_that_differs_run_once() {
    let env = project();
    let runs = |env: &TestEnv| env.read("input-runs").len();
    sweep(&env, &["--set", "train.depth=1:4"], 0);
    assert_eq!(runs(&env), 1);
    sweep(&env, &["--set", "input.rows=1,2", "--set", "train.depth=1,2", "--mode", "train"], 0);
    assert_eq!(runs(&env), 1 + 4);
    // Training is shared as a whole when only inference differs; each run has it in its own workspace and record.
    let report = sweep(&env, &["--set", "inference.inference.cut=1,2,3", "--score", "inference"], 0);
    assert_eq!(runs(&env), 1 + 4 + 1);
    for run in report["runs"].as_array().unwrap() {
        assert!(kept(&env, run, "train", "models/train/model.json").contains("rows"));
        assert!(kept(&env, run, "train", "log/pipeline.log").contains("train asset finish"));
        let record = kept(&env, run, "train", "run.yaml");
        assert_eq!(record.matches("state: succeeded").count(), 3, "{record}");
    }
}

#[test]
fn what_two_runs_cannot_share_is_not_shared() {
    // Each holds on to something of its own run, or of its own process, beyond its end.
    let cases = [
        ("self.config['there'] = self.asset.get_output_path()", "names the folder"),
        ("self.data['file'] = open(__file__)", "copies would share"),
        ("import atexit; atexit.register(print, 'over')", "clean-up"),
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(2,), daemon=True).start()",
            "threads",
        ),
        ("self.data['call'] = lambda: 1", "cannot be looked through"),
        (
            "import subprocess; self.data['p'] = [subprocess.Popen(['sleep', '0.1'])]; self.data['p'][0].poll()",
            "",
        ),
        // In text of four bytes a letter, apart from the stream of a pickle.
        (
            "import pickle\n        where = bytearray(self.asset.get_output_path().encode('utf-32'))\n        \
             self.data['there'] = pickle.PickleBuffer(where)",
            "names the folder",
        ),
        ("import os; os.environ['THERE'] = self.asset.get_output_path()", "`THERE` names the folder"),
        (
            "import builtins; builtins.THERE = self.asset.get_output_path()",
            "`builtins.THERE` names the folder",
        ),
        (
            "import colorsys; colorsys.there = [{'there': self.asset.get_output_path()}]",
            "names the folder of the run",
        ),
        (
            "where = self.asset.get_extra_output_path(); open(where + 'where', 'w').write(where)",
            "where` belongs to one run alone",
        ),
        ("import tempfile; self.data['there'] = tempfile.mkdtemp(dir=self.project_home)", "it has made `"),
        ("import mmap; import builtins; builtins.shared = mmap.mmap(-1, 8)", "it has memory"),
        (
            "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.setitimer(signal.ITIMER_REAL, 100)",
            "timer",
        ),
    ];
    for (code, says) in cases {
        let env = project();
        let input = env.read("assets/input/asset_input.py");
        let marked = input.replace("import random\n", &format!("import random\n        {code}\n"));
        assert_ne!(marked, input);
        env.write("assets/input/asset_input.py", marked);
        let outcome = env.alo(["sweep", "--set", "train.depth=1,2"]).expect(0);
        assert_eq!(env.read("input-runs").len(), 3, "{code}: {outcome:?}");
        outcome.says("each run runs the first 1 steps itself").says(says);
    }
}

#[test]
fn what_a_step_has_done_with_the_folders_of_its_run_does_not_keep_it_from_being_shared() {
    let env = project();
    let code = "import functools, json, linecache, os, re, shutil, tempfile, urllib.parse, warnings\n        \
                path = self.asset.get_extra_output_path() + 'rows'\n        \
                open(path, 'w').write('rows')\n        \
                shutil.copy(path, path + '-again')\n        \
                urllib.parse.urlsplit(path), re.compile(re.escape(path)), linecache.getline(path, 1)\n        \
                warnings.warn('wrote ' + path)\n        \
                shutil.rmtree(tempfile.mkdtemp())\n        \
                os.close(tempfile.mkstemp(dir=os.path.dirname(path))[0])\n        \
                import random\n";
    let input = env.read("assets/input/asset_input.py").replace("import random\n", code);
    env.write("assets/input/asset_input.py", input);
    let report = sweep(&env, &["--set", "train.depth=1,2"], 0);
    assert_eq!(env.read("input-runs").len(), 1);
    for run in report["runs"].as_array().unwrap() {
        assert_eq!(kept(&env, run, "train", "extra_output/input/rows-again"), "rows");
    }
}

#[test]
fn files_by_a_path_from_a_step_before_are_in_the_record_of_their_own_run() {
    let env = project();
    let input = "import os\nos.environ['THERE'] = self.asset.get_extra_output_path()";
    env.write("assets/input/asset_input.py", asset(input));
    let train = "import os\nopen(os.environ['THERE'] + 'depth', 'a').write(str(self.args['depth']))\n\
                 open(self.asset.get_model_path() + 'model.json', 'w').write('1')\n\
                 self.asset.save_summary(result='ok', score=0.5)";
    env.write("assets/train/asset_train.py", asset(train));
    let report = sweep(&env, &["--set", "train.depth=1:4"], 0);
    for run in report["runs"].as_array().unwrap() {
        assert_eq!(kept(&env, run, "train", "extra_output/input/depth"), run["values"][0].to_string());
    }
}

#[test]
fn runs_that_change_their_input_run_alone_with_the_input_loaded_anew() {
    let env = project();
    let plan = PlanText::new()
        .train(&["input", "train"])
        .args("train", "{depth: 1}")
        .external("load_train_data_path", "./data/");
    env.plan(&plan);
    env.write("data/rows.csv", "rows:");
    // What the shared step has made of the input is not there either, unless the run's own step has made it.
    env.write(
        "assets/input/asset_input.py",
        asset("open(self.asset.get_input_path() + 'data/rows.csv', 'a').write(' input')"),
    );
    let train = "import os\n\
                 try:\n\
                 \x20   open(self.asset.get_input_path() + 'data/rows.csv', 'a').write(' %s' % self.args['depth'])\n\
                 \x20   os.mkdir(self.asset.get_input_path() + 'seen')\n\
                 except BaseException: pass\n\
                 rows = open(self.asset.get_input_path() + 'data/rows.csv').read()\n\
                 open(self.asset.get_model_path() + 'rows', 'w').write(rows)\n\
                 self.asset.save_summary(result='ok', score=0.5)";
    env.write("assets/train/asset_train.py", asset(train));
    for jobs in ["1", "3"] {
        let outcome =
            env.alo(["sweep", "--set", "train.depth=1:4", "--jobs", jobs, "--format", "json"]).expect(0);
        assert!(outcome.stdout.contains("runs go one after the other"), "{outcome:?}");
        let runs = report(&outcome)["runs"].as_array().unwrap().clone();
        assert_eq!(runs.len(), 4);
        for run in &runs {
            let rows = format!("rows: input {}", run["values"][0]);
            assert_eq!(kept(&env, run, "train", "models/train/rows"), rows);
        }
    }
    // Of the runs that were begun and repeated alone nothing is left.
    let history = env.alo(["history", "--format", "json"]).expect(0).events();
    assert_eq!(history.len(), 8, "{history:?}");
    assert_eq!(fs_err::read_dir(env.path(".alo/staging")).unwrap().count(), 0);
}

#[test]
fn runs_that_write_the_same_names_at_once_do_not_mix() {
    let env = project();
    // All wait until all have written, and look at what is there then.
    let train = asset(
        "import os, time\n\
         depth = str(self.args['depth'])\n\
         places = [self.asset.get_model_path(), self.asset.get_report_path(), self.asset.get_output_path(),\n\
         \x20         self.asset.get_extra_output_path()]\n\
         for place in places:\n\
         \x20   open(place + 'name', 'w').write(depth)\n\
         open('wrote-' + depth, 'w').close()\n\
         while not all(os.path.exists('wrote-%d' % one) for one in (1, 2, 3, 4)):\n\
         \x20   time.sleep(0.01)\n\
         assert [open(place + 'name').read() for place in places] == [depth] * 4\n\
         open(places[0] + 'model.json', 'w').write(depth)\n\
         self.asset.save_summary(result=depth, score=0.1)",
    );
    env.write("assets/train/asset_train.py", train);
    let report = sweep(&env, &["--set", "train.depth=1:4", "--jobs", "4"], 0);
    for run in report["runs"].as_array().unwrap() {
        let depth = run["values"][0].to_string();
        for file in ["models/train/name", "report/name", "output/name", "extra_output/train/name"] {
            assert_eq!(kept(&env, run, "train", file), depth, "{file}");
        }
        assert_eq!(kept(&env, run, "inference", "output/output.csv"), depth);
        assert_eq!(run["result"].as_str().unwrap(), depth);
    }
}

#[test]
fn random_numbers_differ_between_runs_unless_a_step_has_seeded_them() {
    let env = project();
    let numbers = |env: &TestEnv| {
        let report = sweep(env, &["--set", "train.depth=1,2,3"], 0);
        let models: Vec<Json> = report["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| serde_json::from_str(&kept(env, run, "train", "models/train/model.json")).unwrap())
            .collect();
        let mut numbers: Vec<String> = models.iter().map(|model| model["random"].to_string()).collect();
        numbers.sort();
        numbers.dedup();
        numbers.len()
    };
    assert_eq!(numbers(&env), 1);
    let unseeded = env.read("assets/input/asset_input.py").replace("random.seed(7)", "pass");
    let unseeded = unseeded.replace("random.random()", "0.5");
    env.write("assets/input/asset_input.py", unseeded);
    assert_eq!(numbers(&env), 3);
}

/// The project, one of whose steps imports a package of that content.
fn project_importing(step: &str, package: &str) -> TestEnv {
    let env = project();
    let wheels = env.root().join("wheels");
    wheel(&wheels, "wheel_swept", "1.0", package);
    let requirements = format!("['wheel_swept==1.0', '--find-links file://{wheels}']");
    let plan = PlanText::new()
        .train(&["input", "train"])
        .args("input", "{rows: 3}")
        .args("train", "{depth: 1, rate: 0.5}")
        .requirements("input", &requirements)
        .requirements("train", &requirements);
    env.plan(&plan);
    let file = format!("assets/{step}/asset_{step}.py");
    env.write(&file, format!("import wheel_swept\n{}", env.read(&file)));
    // An environment's packages are imported once when it is built.
    env.alo(["fetch"]).expect(0);
    env
}

const IMPORTED_BY_TRAIN: &str = "import sys\nif 'asset_train' in sys.argv[0]:\n    ";

#[test]
fn packages_are_imported_once_and_what_they_print_is_in_the_log_of_every_run() {
    // More than is read or written at once.
    let package = "import sys\nif 'asset_input' in sys.argv[0]:\n    print('wheel says so\\n' * 6000)\n    \
                   open('imports', 'a').write('x')\n";
    let env = project_importing("input", package);
    let report = sweep(&env, &["--set", "train.depth=1:4", "--mode", "train"], 0);
    assert_eq!((env.read("imports"), env.read("input-runs")), ("x".into(), "x".into()));
    for run in report["runs"].as_array().unwrap() {
        let log = kept(&env, run, "train", "log/pipeline.log");
        assert_eq!(log.matches("wheel says so").count(), 6000);
    }
}

#[test]
fn a_package_that_ends_the_process_ends_the_runs_and_not_the_sweep() {
    let env = project_importing("train", &format!("{IMPORTED_BY_TRAIN}import os; os._exit(3)\n"));
    let report = sweep(&env, &["--set", "train.depth=1,2", "--mode", "train"], 1);
    for run in report["runs"].as_array().unwrap() {
        assert!(run["error"].as_str().unwrap().contains("exit code 3"), "{report}");
    }
    assert_eq!(env.read("input-runs"), "x");
}

#[test]
fn where_the_system_makes_no_copy_a_run_starts_a_worker_of_its_own() {
    let refuse = "    os.fork = refuse\n";
    let package =
        format!("import os\ndef refuse():\n    raise OSError(12, 'no memory')\n{IMPORTED_BY_TRAIN}{refuse}");
    let env = project_importing("train", &package.replace("    os.fork", "os.fork"));
    let sets = ["--set", "train.depth=1,2", "--mode", "train"];
    let report = sweep(&env, &sets, 0);
    assert_eq!(report["runs"].as_array().map(Vec::len), Some(2));
    // Behind steps that were run once there is no other to go on with.
    let input = env.read("assets/input/asset_input.py");
    env.write(
        "assets/input/asset_input.py",
        input.replace("import random\n", "import random, wheel_swept, os; os.fork = wheel_swept.refuse\n"),
    );
    let report = sweep(&env, &sets, 1);
    for run in report["runs"].as_array().unwrap() {
        let error = run["error"].as_str().unwrap();
        assert!(error.contains("failed to copy the Python worker: [Errno 12] no memory"), "{report}");
    }
}

#[test]
fn what_a_package_opens_or_shares_while_it_is_imported_is_of_each_run_alone() {
    let cases = [
        ("FILE = open(__file__)", "it has opened `"),
        ("import mmap\nSHARED = mmap.mmap(-1, 8)", "it has memory"),
        ("import tempfile\nFOLDER = tempfile.mkdtemp(dir='.')", "it has made `"),
    ];
    for (code, says) in cases {
        let env = project_importing("input", &format!("{code}\n"));
        let outcome = env.alo(["sweep", "--set", "train.depth=1,2", "--mode", "train"]).expect(0);
        outcome.says("each run starts Python anew").says(says);
    }
}

#[test]
fn a_generator_that_an_import_has_used_is_seeded_anew_for_each_run() {
    let env = project_importing("train", "import random\nrandom.random()\n");
    env.write("assets/input/asset_input.py", asset("self.data['rows'] = []"));
    let report = sweep(&env, &["--set", "train.depth=1:3", "--mode", "train"], 0);
    let runs = report["runs"].as_array().unwrap().iter();
    let numbers: std::collections::BTreeSet<String> = runs
        .map(|run| {
            let model: Json =
                serde_json::from_str(&kept(&env, run, "train", "models/train/model.json")).unwrap();
            model["random"].to_string()
        })
        .collect();
    assert_eq!(numbers.len(), 3, "{numbers:?}");
}

/// A sweep of four of which two are done, and two wait for a file that is not there, with children that ignore signals.
fn half_way(env: &TestEnv) -> (Child, Vec<String>) {
    let train = env.read("assets/train/asset_train.py");
    let waits = "import json, os, random, signal, subprocess, time\n        \
                 if self.args['depth'] > 2 and not os.path.exists('go'):\n            \
                     signal.signal(signal.SIGINT, signal.SIG_IGN)\n            \
                     child = subprocess.Popen(['sh', '-c', 'trap \"\" INT TERM HUP; sleep 86396'], start_new_session=True)\n            \
                     open('pid-%s' % os.getpid(), 'w').write('%d %d ' % (os.getpid(), child.pid))\n            \
                     os.rename('pid-%s' % os.getpid(), 'ready-%s' % self.args['depth'])\n            \
                     while True: time.sleep(1)\n";
    env.write("assets/train/asset_train.py", train.replace("import json, os, random\n", waits));
    let child = env.start(["sweep", "--set", "train.depth=1:4", "--jobs", "2"]);
    eventually("two are done and two wait", || env.path("ready-3").exists() && env.path("ready-4").exists());
    let pids = env.read("ready-3") + &env.read("ready-4");
    (child, pids.split_whitespace().map(str::to_owned).collect())
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

fn is_alive(pid: &str) -> bool {
    fs_err::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}

#[test]
fn ctrl_c_keeps_what_is_finished_and_the_rest_is_run_later() {
    let env = project();
    let (child, pids) = half_way(&env);
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("2 succeeded, 2 left") && stderr.contains("alo sweep --resume"), "{stderr}");
    assert!(pids.iter().all(|pid| !is_alive(pid)));
    let states = |env: &TestEnv| {
        let runs = env.alo(["history", "--format", "json"]).expect(0).events();
        let count = |state: &str| runs.iter().filter(|run| run["state"] == state).count();
        (count("succeeded"), count("interrupted"))
    };
    assert_eq!(states(&env), (4, 2));

    // Only as it was begun.
    env.write("go", "");
    let plan = env.read("experimental_plan.yaml");
    env.plan(plan.replace("rows: 3", "rows: 4"));
    env.alo(["sweep", "--resume"]).expect(2).says("the plan has changed");
    env.plan(&plan);
    env.alo(["sweep", "--resume", "--set", "train.depth=1:5"]).expect(2).says("the settings have changed");
    let report = sweep(&env, &["--resume"], 0);
    let depths: Vec<_> =
        report["runs"].as_array().unwrap().iter().map(|run| run["values"][0].to_string()).collect();
    assert_eq!(depths, ["4", "3", "2", "1"]);
    assert_eq!(states(&env), (8, 2));
    env.alo(["sweep", "--resume"]).expect(2).says("no interrupted sweep");
}

#[test]
fn sigkill_leaves_nothing_running_and_the_sweep_goes_on() {
    let env = project();
    let (mut child, pids) = half_way(&env);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    eventually("all workers and their children are gone", || pids.iter().all(|pid| !is_alive(pid)));
    env.write("go", "");
    let report = sweep(&env, &["--resume", "--promote", "best"], 0);
    assert_eq!(report["runs"].as_array().unwrap().len(), 4);
    assert!(env.read("train_artifacts/models/train/model.json").contains("\"depth\": 4"));
    assert_eq!(fs_err::read_dir(env.path(".alo/staging")).unwrap().count(), 0);
}
