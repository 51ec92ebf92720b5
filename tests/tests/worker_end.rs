//! A worker ends as a Python program ends, however fast: what it still has to do is done before the artifacts are saved.

use alo_tests::{Outcome, PlanText, TestEnv, asset};

/// Runs one step whose `run` has that body.
fn run(body: &str) -> (TestEnv, Outcome) {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write("assets/train/asset_train.py", asset(body));
    let outcome = env.alo(["run"]).expect(0);
    (env, outcome)
}

#[test]
fn threads_are_waited_for_before_what_was_registered() {
    let thread = "import atexit, threading\n\
                  atexit.register(print, 'registered')\n\
                  def last():\n    threading.main_thread().join()\n    print('thread over')\n\
                  threading.Thread(target=last).start()";
    let (_env, outcome) = run(thread);
    let said = outcome.stderr.as_str();
    let (thread, registered) = (said.find("thread over"), said.find("registered"));
    assert!(thread.is_some() && thread < registered, "{outcome:?}");
}

#[test]
fn what_fails_at_the_end_is_told_and_fails_nothing() {
    let failing = "import atexit\n\
                   def fail():\n    raise ValueError('at the end')\n\
                   atexit.register(print, 'the other one')\n\
                   atexit.register(fail)";
    let (_env, outcome) = run(failing);
    outcome.says("ValueError: at the end").says("the other one");
}

#[test]
fn a_file_that_is_left_open_is_written() {
    let open = "global left\n\
                left = open(self.asset.get_output_path() + 'left.txt', 'w')\n\
                left.write('all of it')";
    let (env, _outcome) = run(open);
    assert_eq!(env.read("train_artifacts/output/left.txt"), "all of it");
}

#[test]
fn an_archive_that_is_left_open_is_finished() {
    let open = "global left\n\
                import zipfile\n\
                left = zipfile.ZipFile(self.asset.get_output_path() + 'left.zip', 'w')\n\
                left.writestr('name', 'content')";
    let (env, _outcome) = run(open);
    let archive = fs_err::read(env.path("train_artifacts/output/left.zip")).unwrap();
    // The table of contents is written last.
    assert!(archive.windows(4).any(|four| four == b"PK\x05\x06"), "{archive:?}");
}

#[test]
fn what_packages_hold_for_themselves_is_not_waited_for() {
    let holds = "import sys, types\n\
                 module = sys.modules['of_a_package'] = types.ModuleType('of_a_package')\n\
                 exec('class Held:\\n    def __del__(self):\\n        print(\"destroyed\")\\nheld = Held()', vars(module))\n\
                 del module";
    let (_env, outcome) = run(holds);
    assert!(!outcome.stderr.contains("destroyed"), "{outcome:?}");
}

#[test]
fn a_step_that_fails_is_followed_by_no_stack_trace_of_the_engine() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write("assets/train/asset_train.py", asset("import unittest.mock\nraise ValueError('not today')"));
    // Whether the engine's signal came while the worker was ending was a matter of luck.
    for _ in 0..10 {
        let outcome = env.alo(["run"]).expect(1).says("not today");
        assert!(!outcome.stderr.contains("KeyboardInterrupt"), "{outcome:?}");
        assert!(!outcome.stderr.contains("worker.py"), "{outcome:?}");
    }
}

#[test]
fn data_that_cannot_be_loaded_is_told_without_a_stack_trace_of_the_engine() {
    let env = TestEnv::new();
    env.plan(PlanText::new().external("load_train_data_path", "./data/").train(&["input"]));
    env.write("assets/input/asset_input.py", format!("import unittest.mock\n{}", asset("pass")));
    env.write("data/there", "");
    fs_err::os::unix::fs::symlink("nowhere", env.path("data/link")).expect("linked");
    for _ in 0..10 {
        let outcome = env.alo(["run"]).expect(1).says("leads nowhere");
        assert!(!outcome.stderr.contains("KeyboardInterrupt"), "{outcome:?}");
        assert!(!outcome.stderr.contains("Traceback"), "{outcome:?}");
    }
}
