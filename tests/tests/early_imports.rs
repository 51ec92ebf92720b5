//! Packages are imported while data is loaded; what the steps print and how they fail stays what it was.

use alo_tests::{Outcome, PlanText, TestEnv, asset, wheel};

/// Runs a step `input` without packages, then a step `train` that imports a package of that content.
fn run(package: &str) -> Outcome {
    let env = TestEnv::new();
    let wheels = env.root().join("wheels");
    wheel(&wheels, "wheel_early", "1.0", package);
    let plan = PlanText::new()
        .train(&["input", "train"])
        .requirements("train", &format!("['wheel_early==1.0', '--find-links file://{wheels}']"));
    env.write("experimental_plan.yaml", plan.to_string());
    env.write("assets/input/asset_input.py", asset("print('input ran')"));
    env.write("assets/train/asset_train.py", format!("import wheel_early\n{}", asset("print('train ran')")));
    // The packages of an environment are imported once when it is built; this is about a run that finds it ready.
    env.alo(["fetch"]);
    env.alo(["run"])
}

/// Fails unless the texts are said in this order.
#[track_caller]
fn in_order(outcome: &Outcome, texts: &[&str]) {
    let mut rest = outcome.stderr.as_str();
    for text in texts {
        let Some((_, after)) = rest.split_once(text) else {
            panic!("`{text}` is not said there in\n{outcome:?}")
        };
        rest = after;
    }
}

#[test]
fn what_a_package_prints_at_its_import_comes_with_its_step() {
    let outcome = run("print('early package')\n").expect(0);
    in_order(&outcome, &["input ran", "early package", "train ran"]);
    assert_eq!(outcome.stderr.matches("early package").count(), 1, "{outcome:?}");
}

#[test]
fn a_package_that_ends_the_process_ends_its_own_step() {
    let package = "import os, sys\nif 'asset_train' in sys.argv[0]:\n    os._exit(3)\n";
    let outcome = run(package).expect(1).says("input ran").says("step `train` failed");
    in_order(&outcome, &["input ran", "exit code 3 in the middle of the step"]);
}

#[test]
fn a_package_that_raises_fails_its_own_step_as_it_is() {
    let package = "import sys\nif 'asset_train' in sys.argv[0]:\n    raise ValueError('not today')\n";
    let outcome = run(package).expect(1).says("step `train` failed");
    in_order(&outcome, &["input ran", "cause: ValueError: not today"]);
}

#[test]
fn a_worker_is_told_once_what_all_steps_will_import() {
    let env = TestEnv::new();
    env.write("experimental_plan.yaml", PlanText::new().train(&["input", "train"]).to_string());
    let listen = "from alolib import _steps\n_steps.Runner.import_early = lambda *_: print('told again')";
    env.write("assets/input/asset_input.py", asset(listen));
    env.write("assets/train/asset_train.py", asset("print('train ran')"));
    let outcome = env.alo(["run"]).expect(0).says("train ran");
    assert!(!outcome.stderr.contains("told again"), "{outcome:?}");
}
