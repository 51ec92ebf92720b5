//! The set-up alone: `alo fetch`, `alo update`, `alo asset eject`, and runs that may not change or ask anything.

use alo_tests::{PlanText, Repository, TestEnv, asset};

/// A plan with a step from a repository and a step of the project, which need a wheel.
fn project(env: &TestEnv) -> Repository {
    let code = Repository::new(&env.root().join("code.git"), "main");
    code.commit(&[("asset_train.py", &asset("import wheel_free\nprint('first', wheel_free.name)"))]);
    let wheel = alo_tests::wheel(&env.root().join("wheels"), "wheel_free", "1.0", "name = 'from a wheel'\n");
    let plan = PlanText::new()
        .train(&["input", "train"])
        .code("train", &code.url())
        .requirements("train", &format!("['wheel_free @ file://{wheel}']"));
    env.plan(&plan);
    env.write("assets/input/asset_input.py", asset("pass"));
    code
}

/// A proxy that is not there: whoever asks a server fails at once.
fn unplugged(env: TestEnv) -> TestEnv {
    ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .fold(env, |env, name| env.with_variable(name, "http://127.0.0.1:1"))
}

#[test]
fn a_fetched_project_runs_without_network() {
    let env = TestEnv::new();
    project(&env);
    let outcome =
        env.alo(["fetch"]).expect(0).says("is ready after").says("step         train").says("environment");
    assert_eq!(outcome.stdout, "");
    assert!(env.path("alo.lock").is_file());
    for untouched in ["history", "train_artifacts", "input"] {
        assert!(!env.path(untouched).exists(), "{untouched}");
    }
    // The server is gone, and no connection can be made.
    fs_err::remove_dir_all(env.root().join("code.git")).unwrap();
    fs_err::remove_dir_all(env.root().join("wheels")).unwrap_or(());
    let lock = env.read("alo.lock");
    let env = unplugged(env);
    env.alo(["run", "--offline", "--locked"]).expect(0).says("first from a wheel");
    assert_eq!(env.read("alo.lock"), lock);
}

#[test]
fn its_last_event_says_all_that_is_ready() {
    let env = TestEnv::new();
    project(&env);
    let outcome = env.alo(["fetch", "--format", "json"]).expect(0);
    assert_eq!(outcome.stderr, "");
    let last = outcome.events().pop().unwrap();
    assert_eq!(last["event"], "fetched");
    let train = &last["report"]["pipelines"][0];
    assert_eq!(train["steps"][1]["code"]["kind"], "git", "{train:#}");
    assert!(train["environments"][0]["packages"].to_string().contains("wheel_free==1.0"), "{train:#}");
}

#[test]
fn what_a_locked_run_would_change_is_told() {
    let env = TestEnv::new();
    project(&env);
    env.alo(["fetch"]).expect(0);
    let (plan, lock) = (env.read("experimental_plan.yaml"), env.read("alo.lock"));
    let other = Repository::new(&env.root().join("other.git"), "main");
    other.commit(&[("asset_train.py", &asset("print('other')"))]);
    env.plan(plan.replace("code.git", "other.git"));
    env.alo(["run", "--locked"]).expect(1).says("alo.lock").says("`train`").says("other.git").says("hint: ");
    env.alo(["fetch", "--locked"]).expect(1).says("other.git");
    assert_eq!(env.read("alo.lock"), lock);
    env.alo(["run"]).expect(0).says("other");
    assert_ne!(env.read("alo.lock"), lock);
}

#[test]
fn an_offline_run_says_what_is_missing() {
    let env = TestEnv::new();
    let plan = PlanText::new().train(&["train"]).code("train", "http://127.0.0.1:1/code.git");
    env.plan(&plan);
    env.alo(["run", "--offline"]).expect(1).says("`train`").says("hint: ").says("alo fetch");
    assert!(!env.path("train_artifacts").exists());
    let env = env.with_variable("ALO_OFFLINE", "1");
    env.alo(["run"]).expect(1).says("alo fetch");
}

#[test]
fn an_update_looks_branches_up_again_and_says_what_has_changed() {
    let env = TestEnv::new();
    let code = project(&env);
    env.alo(["fetch"]).expect(0);
    env.alo(["update"]).expect(0).says("nothing has changed");
    let second = code.commit(&[("asset_train.py", &asset("print('second')"))]).to_string();
    env.alo(["fetch"]).expect(0);
    assert!(!env.read("alo.lock").contains(&second), "fetch obeys the pins");
    env.alo(["update", "input"]).expect(0).says_not(&second[..12]);
    env.alo(["update", "train"]).expect(0).says("step train").says(&format!("-> {}", &second[..12]));
    assert!(env.read("alo.lock").contains(&second));
    env.alo(["run"]).expect(0).says("second");
    env.alo(["update", "--offline"]).expect(2).says("no network may be used").says("hint: leave `--offline`");
    env.alo(["update", "trian"]).expect(2).says("no step `trian`").says("did you mean `train`?");
}

#[test]
fn ejected_code_is_run_once_the_plan_says_local() {
    let env = TestEnv::new();
    let code = project(&env);
    let outcome = env.alo(["asset", "eject", "train"]).expect(0);
    let plan = env.read("experimental_plan.yaml");
    let line = plan.lines().position(|line| line.ends_with(&code.url())).unwrap() + 1;
    outcome
        .says(&format!("experimental_plan.yaml:{line}: `code: {}`", code.url()))
        .says("becomes `code: local`");
    assert_eq!(env.read("experimental_plan.yaml"), plan, "the plan is the user's");
    env.write("assets/train/asset_train.py", asset("print('edited here')"));
    env.plan(plan.replace(&code.url(), "local"));
    env.alo(["run"]).expect(0).says("edited here");
    env.alo(["asset", "eject", "train"]).expect(1).says("already");
    env.alo(["asset", "eject", "trian"]).expect(2).says("did you mean `train`?");
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let env = ["ALO_PYTHON", "ALO_INSTALLER", "ALO_UV"]
        .into_iter()
        .fold(TestEnv::new(), |env, name| env.with_variable(name, ""));
    project(&env);
    env.alo(["fetch"]).expect(0).says("is ready after");
}
