//! Packages are imported while data is loaded; what the steps print and how they fail stays what it was.

use alo_tests::{Outcome, PlanText, TestEnv, asset, wheel};

/// A project of a step `input` and a step `train`, one of which imports a package of that content at its top, and whose
/// data is loaded meanwhile.
fn project(package: &str, importer: &str, input: &str) -> TestEnv {
    let env = TestEnv::new();
    let wheels = env.root().join("wheels");
    wheel(&wheels, "wheel_early", "1.0", package);
    let plan = PlanText::new()
        .external("load_train_data_path", "./data/")
        .train(&["input", "train"])
        .requirements(importer, &format!("['wheel_early==1.0', '--find-links file://{wheels}']"));
    env.plan(&plan);
    for (step, body) in [("input", input), ("train", "print('train ran')")] {
        let import = if step == importer { "import wheel_early\n" } else { "" };
        env.write(&format!("assets/{step}/asset_{step}.py"), format!("{import}{}", asset(body)));
    }
    for number in 0..2000 {
        env.write(&format!("data/{number}.txt"), number.to_string());
    }
    // The packages of an environment are imported once when it is built; this is about a run that finds it ready.
    env.alo(["fetch"]).expect(0);
    env
}

/// Runs such a project, whose first step imports the package.
fn run(package: &str) -> Outcome {
    project(package, "input", "print('input ran')").alo(["run"])
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
    in_order(&outcome, &["[1/2] input", "input | early package", "input ran", "train ran"]);
    assert_eq!(outcome.stderr.matches("early package").count(), 1, "{outcome:?}");
}

#[test]
fn a_package_that_ends_the_process_ends_its_own_step() {
    let package = "import os, sys\nif 'asset_input' in sys.argv[0]:\n    os._exit(3)\n";
    let outcome = run(package).expect(1).says("step `input` failed");
    in_order(&outcome, &["[1/2] input", "exit code 3 in the middle of the step"]);
}

#[test]
fn a_package_that_raises_fails_its_own_step_as_it_is() {
    let package = "import sys\nif 'asset_input' in sys.argv[0]:\n    raise ValueError('not today')\n";
    let outcome = run(package).expect(1).says("step `input` failed");
    in_order(&outcome, &["[1/2] input", "cause: ValueError: not today"]);
}

#[test]
fn a_package_of_a_later_step_finds_what_the_steps_before_have_left() {
    let package =
        "import decimal, os\ndecimal.getcontext().prec = 5\nprint('left:', os.path.exists('left'))\n";
    let input = "import decimal\nopen('left', 'w').close()\nprint('a third:', decimal.Decimal(1) / 3)";
    let outcome = project(package, "train", input).alo(["run"]).expect(0);
    in_order(&outcome, &["a third: 0.3333333333333333333333333333", "left: True", "train ran"]);
}

#[test]
fn a_worker_is_told_once_what_all_steps_will_import() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["input", "train"]));
    let listen = "from alolib import _steps\n_steps.Runner.import_early = lambda *_: print('told again')";
    env.write("assets/input/asset_input.py", asset(listen));
    env.write("assets/train/asset_train.py", asset("print('train ran')"));
    let outcome = env.alo(["run"]).expect(0).says("train ran");
    assert!(!outcome.stderr.contains("told again"), "{outcome:?}");
}
