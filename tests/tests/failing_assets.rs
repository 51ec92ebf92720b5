//! Assets that fail in every way there is: each run ends with the true cause, nothing is left running, the run is recorded.

use alo_tests::{Outcome, PlanText, TestEnv, asset, eventually};

/// Runs a train pipeline of one step `train` whose asset is this file.
fn run_file(code: impl AsRef<[u8]>) -> (TestEnv, Outcome) {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write("assets/train/asset_train.py", code);
    let outcome = env.alo(["run"]);
    (env, outcome)
}

/// The state of the newest run in history.
#[track_caller]
fn newest_run(env: &TestEnv) -> serde_json::Value {
    let history = env.alo(["history", "--format", "json"]).expect(0);
    history.events().into_iter().next().expect("a run in history")
}

/// The run failed with all these words in its last block, is recorded so, and nothing of it is left.
#[track_caller]
fn fails((env, outcome): (TestEnv, Outcome), words: &[&str]) -> (TestEnv, Outcome) {
    let outcome = outcome.expect(1);
    let block = outcome.last_block();
    for word in ["error: step `train` failed", "\ncause: ", "\nlog: "].iter().chain(words) {
        assert!(block.contains(word), "`{word}` is not in the last block of\n{outcome:?}");
    }
    assert!(
        !block.contains("worker.py") && !block.contains("guard.py") && !block.contains("/alolib/"),
        "{outcome:?}"
    );
    let run = newest_run(&env);
    assert_eq!(run["state"], "failed", "{run:#}");
    assert_eq!(run["error"]["step"], "train", "{run:#}");
    assert!(run["folder"].as_str().unwrap().ends_with("-error"), "{run:#}");
    assert!(!env.path("train_artifacts").exists());
    (env, outcome)
}

#[test]
fn in_init() {
    let code = asset("pass").replace("self.args = self.asset.load_args()", "raise KeyError('Pclass')");
    fails(run_file(code), &["asset_train.py\", line 7, in __init__", "cause: KeyError: 'Pclass'", "hint: "]);
}

#[test]
fn at_import_of_a_missing_module() {
    let code = format!("import sklearn.ensemble\n{}", asset("pass"));
    let hint = "hint: add `scikit-learn` to the requirements of step `train` (asset_source > train_pipeline > step: train";
    fails(run_file(code), &["line 1, in <module>", "ModuleNotFoundError: No module named 'sklearn'", hint]);
}

#[test]
fn with_a_syntax_error() {
    fails(
        run_file("class UserAsset(Asset)\n    pass\n"),
        &["asset_train.py\", line 1", "class UserAsset(Asset)", "cause: SyntaxError: "],
    );
}

#[test]
fn without_user_asset() {
    fails(
        run_file("class Asset:\n    pass\n"),
        &["has no class `UserAsset`", "it defines `Asset`", "hint: "],
    );
}

#[test]
fn without_its_file() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write("assets/train/train.py", asset("pass"));
    let outcome = env.alo(["run"]).expect(1).says("asset_train.py").says("train.py").says("step `train`");
    assert_eq!(newest_run(&env)["state"], "failed", "{outcome:?}");
}

#[test]
fn without_its_folder() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.alo(["run"]).expect(1).says("assets/train").says("hint: ");
}

#[test]
fn by_sys_exit() {
    let words = [
        "line 14, in run",
        "cause: the asset called sys.exit(3)",
        "hint: an asset ends by returning from run()",
    ];
    fails(run_file(asset("import sys\nsys.exit(3)")), &words);
}

#[test]
fn by_os_exit() {
    fails(
        run_file(asset("import os\nos._exit(3)")),
        &["cause: its process ended with exit code 3", "hint: "],
    );
}

#[test]
fn by_a_segmentation_fault() {
    let crash = "import ctypes\nctypes.string_at(0)";
    let words = [
        "cause: its process was ended by SIGSEGV (segmentation fault)",
        "asset_train.py\", line 14 in run",
        "hint: ",
    ];
    fails(run_file(asset(crash)), &words);
}

#[test]
fn by_sigkill() {
    let kill = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)";
    fails(
        run_file(asset(kill)),
        &["cause: its process was ended by SIGKILL", "hint: the machine may have run out of memory"],
    );
}

#[test]
fn by_recursion() {
    fails(run_file(asset("def f(): return f()\nf()")), &["cause: RecursionError: "]);
}

#[test]
fn by_an_exception_with_a_cause() {
    let raise = "try:\n    {}['x']\nexcept KeyError as error:\n    raise ValueError('no x') from error";
    let words = ["KeyError: 'x'", "The above exception was the direct cause", "cause: ValueError: no x"];
    fails(run_file(asset(raise)), &words);
}

#[test]
fn of_a_later_step_leaves_the_earlier_one_out_of_it() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["input", "train"]));
    env.write("assets/input/asset_input.py", asset("pass"));
    env.write("assets/train/asset_train.py", asset("1 / 0"));
    let outcome = env.alo(["run"]);
    let (env, _) = fails((env, outcome), &["cause: ZeroDivisionError"]);
    let run = newest_run(&env);
    assert_eq!(
        (&run["steps"][0]["state"], &run["steps"][1]["state"]),
        (&"succeeded".into(), &"failed".into())
    );
}

#[test]
fn a_hundred_megabytes_of_output_are_no_failure() {
    let print = "line = 'x' * 999\nfor number in range(100_000):\n    print(line)";
    let (env, outcome) = run_file(asset(print));
    outcome.expect(0);
    let log = fs_err::metadata(env.path("train_artifacts/log/pipeline.log")).unwrap();
    assert!(log.len() > 100_000_000, "{}", log.len());
}

#[test]
fn output_without_line_ends_is_no_failure() {
    let (_env, outcome) =
        run_file(asset("import sys\nfor number in range(100):\n    sys.stdout.write('x' * 100_000)"));
    outcome.expect(0);
}

#[test]
fn bytes_that_are_not_utf8_are_no_failure() {
    let (env, outcome) =
        run_file(asset("import sys\nsys.stdout.buffer.write(b'caf\\xe9 \\xff\\n')\nprint('\\udcff')"));
    outcome.expect(0).says("caf\u{fffd}");
    assert!(env.read("train_artifacts/log/pipeline.log").contains("caf\u{fffd}"));
}

#[test]
fn changing_the_folder_is_no_failure() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["input", "train"]));
    env.write(
        "assets/input/asset_input.py",
        asset("import os\nos.chdir('/')\nself.data['was'] = os.getcwd()"),
    );
    env.write(
        "assets/train/asset_train.py",
        asset("import os\nassert os.getcwd() + '/' == self.project_home"),
    );
    env.alo(["run"]).expect(0);
}

#[test]
fn a_thread_that_prints_at_exit_is_no_failure() {
    let thread = "import threading, time\n\
                  def chat():\n    while True:\n        print('still here')\n        time.sleep(0.001)\n\
                  threading.Thread(target=chat, daemon=True).start()\n\
                  import atexit\natexit.register(print, 'goodbye')";
    let (_env, outcome) = run_file(asset(thread));
    outcome.expect(0).says("goodbye");
}

#[test]
fn a_child_left_behind_is_stopped_and_named() {
    let child = "import subprocess\n\
                 child = subprocess.Popen(['sleep', '86399'], start_new_session=True)\n\
                 open(self.asset.get_output_path() + 'pid', 'w').write(str(child.pid))";
    let (env, outcome) = run_file(asset(child));
    outcome.expect(0).says("left process").says("sleep 86399");
    let pid = env.read("train_artifacts/output/pid");
    eventually("the child is gone", || !is_alive(&pid));
}

#[test]
fn a_child_of_a_step_that_fails_is_stopped() {
    let child = "import subprocess\n\
                 child = subprocess.Popen(['sleep', '86398'], start_new_session=True)\n\
                 raise RuntimeError('pid %d.' % child.pid)";
    let (_env, outcome) = fails(run_file(asset(child)), &["cause: RuntimeError: pid "]);
    let block = outcome.last_block();
    let pid =
        block.split("cause: RuntimeError: pid ").nth(1).and_then(|rest| rest.split('.').next()).unwrap();
    eventually("the child is gone", || !is_alive(pid));
}

fn is_alive(pid: &str) -> bool {
    fs_err::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}
