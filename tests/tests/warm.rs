//! A second run starts none of git, uv, pip.

use alo_tests::{PlanText, Repository, TestEnv, asset};

#[test]
fn a_second_run_starts_no_git_no_uv_no_pip() {
    let env = TestEnv::new();
    let code = Repository::new(&env.root().join("code.git"), "main");
    code.commit(&[("asset_train.py", &asset("import wheel_free\nprint('ran', wheel_free.name)"))]);
    // A package that needs no index: a source tree that pip builds would need one, so it is a wheel.
    let wheel = alo_tests::wheel(&env.root().join("wheels"), "wheel_free", "1.0", "name = 'from a wheel'\n");
    let plan = PlanText::new()
        .train(&["train"])
        .code("train", &code.url())
        .requirements("train", &format!("['wheel_free @ file://{wheel}']"));
    env.write("experimental_plan.yaml", plan.to_string());
    env.alo(["run"]).expect(0).says("ran from a wheel");

    let failing = "#!/bin/sh\necho \"$0 was started\" >> \"$TMPDIR/started\"\nexit 9\n";
    for program in ["git", "uv", "pip", "pip3", "ssh"] {
        env.program(&format!("bin/{program}"), failing);
    }
    let path = format!("{}:{}", env.root().join("bin"), std::env::var("PATH").unwrap());
    let env = env.with_variable("PATH", path);
    // The repository is gone, too: nothing asks for it.
    fs_err::remove_dir_all(env.root().join("code.git")).unwrap();
    env.alo(["run"]).expect(0).says("ran from a wheel").says_not("installs");
    assert!(!env.root().join("tmp/started").exists(), "something was started");
}
