//! A new environment is looked at beside the first step: one that cannot work fails the run, and says why.

use alo_tests::{PlanText, TestEnv, asset, wheel};

const MISFIT: &str = "raise ValueError('numpy.dtype size changed, may indicate binary incompatibility')";

/// A project whose step requires a package of this code and does this.
fn project(package: &str, run: &str) -> TestEnv {
    let env = TestEnv::new();
    let wheel = wheel(&env.root().join("wheels"), "fragile", "1.0", package);
    let plan = PlanText::new().train(&["train"]);
    let plan = plan.requirements("train", &format!("['fragile @ file://{wheel}']"));
    env.plan(&plan);
    env.write("assets/train/asset_train.py", asset(run));
    env
}

#[test]
fn a_step_that_runs_in_an_environment_that_cannot_work_is_stopped() {
    // It would run for ever, and never notice.
    let env = project(MISFIT, "import time\ntime.sleep(100000)");
    env.alo(["run"])
        .expect(1)
        .says("`fragile` cannot be imported: it was built for another NumPy (ValueError: numpy.dtype size changed")
        .says("hint: add `numpy<2` to the requirements");
    assert!(!env.path("train_artifacts").exists());
    // What is known is told before anything runs.
    env.alo(["run"])
        .expect(1)
        .says("failed to set up the train pipeline")
        .says("`fragile` cannot be imported");
}

#[test]
fn a_step_that_ends_before_the_verdict_waits_for_it() {
    let env = project(&format!("import time\ntime.sleep(1)\n{MISFIT}"), "pass");
    env.alo(["run"]).expect(1).says("`fragile` cannot be imported");
}

#[test]
fn a_package_that_cannot_work_is_laid_to_its_requirement_and_not_to_the_step_that_runs() {
    let env = TestEnv::new();
    let wheel = wheel(&env.root().join("wheels"), "fragile", "1.0", MISFIT);
    let plan = PlanText::new().train(&["input", "train"]).requirements("train", "[requirements.txt]");
    env.plan(&plan);
    env.write("assets/input/asset_input.py", asset("import time\ntime.sleep(100000)"));
    env.write("assets/train/asset_train.py", asset("pass"));
    env.write("assets/train/requirements.txt", format!("# ours\nfragile @ file://{wheel}\n"));
    env.alo(["run"])
        .expect(1)
        .says("error: failed to set up the train pipeline")
        .says("`fragile` cannot be imported: it was built for another NumPy")
        .says("(required by step `train`, ")
        .says("assets/train/requirements.txt:2)")
        .says_not("step `input` failed");
}

#[test]
fn a_step_that_fails_before_the_verdict_is_told_it() {
    let env = project(&format!("import time\ntime.sleep(1)\n{MISFIT}"), "raise ValueError('odd')");
    env.alo(["run"])
        .expect(1)
        .says("cause: ValueError: odd")
        .says("hint: `fragile` cannot be imported: it was built for another NumPy")
        .says("add `numpy<2` to the requirements");
}

#[test]
fn the_next_step_does_not_wait_for_the_verdict() {
    let env = TestEnv::new();
    // The import ends only once the second step runs.
    let marker = env.root().join("second-step-runs");
    let package =
        format!("import os, time\nwhile not os.path.exists('{marker}'): time.sleep(0.01)\n{MISFIT}");
    let wheel = wheel(&env.root().join("wheels"), "fragile", "1.0", &package);
    let plan = PlanText::new().train(&["first", "second"]);
    let plan = plan.requirements("first", &format!("['fragile @ file://{wheel}']"));
    env.plan(&plan);
    env.write("assets/first/asset_first.py", asset("pass"));
    env.write("assets/second/asset_second.py", asset(&format!("open('{marker}', 'w')")));
    env.alo(["run"]).expect(1).says("`fragile` cannot be imported: it was built for another NumPy");
    assert!(!env.path("train_artifacts").exists());
}

#[test]
fn a_step_that_fails_to_import_is_told_what_is_wrong_with_the_package() {
    let env = project("import absent_one", "import fragile");
    env.alo(["run"])
        .expect(1)
        .says("cause: ModuleNotFoundError: No module named 'absent_one'")
        .says("hint: `fragile` cannot be imported: ModuleNotFoundError")
        .says("the package that has the module `absent_one`");
}

#[test]
fn a_package_that_may_work_elsewhere_is_a_warning_and_byte_code_is_there_at_the_end() {
    let env = project("raise RuntimeError('no display')", "pass");
    env.alo(["run"]).expect(0).says("`fragile` was installed but does not import: RuntimeError: no display");
    let environments = env.cache().join("envs").read_dir_utf8().unwrap();
    let environment = environments.map(|entry| entry.unwrap().into_path()).next().unwrap();
    assert!(fs_err::read_to_string(environment.join("alo-compiled.json")).unwrap().contains("code"));
    env.alo(["run"]).expect(0).says_not("does not import");
}
