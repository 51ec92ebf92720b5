//! A second run starts none of git, uv, pip, and finishes no environment.

use alo_tests::{Outcome, PlanText, Repository, TestEnv, asset, wheel};

/// Runs a project a second time where git, uv, pip and ssh would be noticed, and a process that finishes environments, too.
fn again(env: TestEnv, arguments: &[&str]) -> Outcome {
    let failing = "#!/bin/sh\necho \"$0 was started\" >> \"$TMPDIR/started\"\nexit 9\n";
    for program in ["git", "uv", "pip", "pip3", "ssh"] {
        env.program(&format!("bin/{program}"), failing);
    }
    let path = format!("{}:{}", env.root().join("bin"), std::env::var("PATH").unwrap());
    let env = env.with_variable("PATH", path);
    // Who finishes an environment unpacks its script, which the first run has left.
    let embedded = env.cache().join("embedded");
    let scripts = || {
        let folders = embedded.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
        folders.filter(|folder| folder.file_name().unwrap().starts_with("finish-")).collect::<Vec<_>>()
    };
    assert_eq!(scripts().len(), 1);
    fs_err::remove_dir_all(&scripts()[0]).unwrap();
    // The repository is gone, too: nothing asks for it.
    fs_err::remove_dir_all(env.root().join("code.git")).unwrap();
    let outcome = env.alo(arguments).expect(0).says_not("installs");
    assert!(!env.root().join("tmp/started").exists(), "something was started");
    assert!(scripts().is_empty(), "an environment was finished");
    outcome
}

/// A plan with a step from a repository, which needs a wheel, and a step of the project that needs this.
fn project(env: &TestEnv, other: &str) {
    let code = Repository::new(&env.root().join("code.git"), "main");
    code.commit(&[("asset_train.py", &asset("import wheel_free\nprint('ran', wheel_free.name)"))]);
    // Packages that need no index: a source tree that pip builds would need one, so they are wheels.
    let wheels = env.root().join("wheels");
    wheel(&wheels, "wheel_free", "1.0", "name = 'from a wheel'\n");
    wheel(&wheels, "wheel_free", "2.0", "name = 'from another wheel'\n");
    let plan = PlanText::new()
        .train(&["input", "train"])
        .requirements("input", other)
        .code("train", &code.url())
        .requirements("train", &format!("['wheel_free==1.0', '--find-links file://{wheels}']"));
    env.plan(&plan);
    env.write("assets/input/asset_input.py", asset("pass"));
}

#[test]
fn a_second_run_starts_no_git_no_uv_no_pip() {
    let env = TestEnv::new();
    project(&env, "[]");
    env.alo(["run"]).expect(0).says("ran from a wheel");
    again(env, &["run"]).says("ran from a wheel");
}

#[test]
fn nor_does_one_of_steps_that_cannot_share_an_environment() {
    let env = TestEnv::new();
    project(&env, &format!("['wheel_free==2.0', '--find-links file://{}']", env.root().join("wheels")));
    env.alo(["run"]).expect(0).says("environment  input (").says("environment  train (");
    again(env, &["run"]).says("ran from a wheel").says("environment  input (").says("environment  train (");
}

#[test]
fn nor_does_a_locked_one_after_a_set_up_alone() {
    let env = TestEnv::new();
    project(&env, "[]");
    env.alo(["fetch"]).expect(0);
    again(env, &["run", "--locked"]).says("ran from a wheel");
}
