//! A machine is prepared with `alo fetch` and then unplugged: the network is really gone.
#![expect(clippy::print_stderr, reason = "a test that cannot be done here says so")]

use alo_tests::{IndexServer, PlanText, Repository, TestEnv, asset, wheel};

use crate::http_backend::{HttpBackend, Manners};

#[path = "../../crates/alo-assets/tests/setup/git_machine.rs"]
mod git_machine;
#[path = "../../crates/alo-assets/tests/setup/http_backend.rs"]
mod http_backend;

#[test]
fn a_fetched_project_runs_where_there_is_no_network() {
    let env = TestEnv::new();
    let code = Repository::new(&env.root().join("srv/code"), "main");
    code.commit(&[("asset_train.py", &asset("import wheel_free\nprint('ran', wheel_free.name)"))]);
    wheel(&env.root().join("wheels"), "wheel_free", "1.0", "name = 'from a wheel'\n");
    let index = IndexServer::start(&env.root().join("wheels"), "Basic bWU6aW5kZXg=");
    let Some(server) = HttpBackend::start(&env.root().join("srv"), Manners::default()) else {
        eprintln!("not run: this machine has no git program to serve a repository");
        return;
    };
    let plan = |step: &str| {
        PlanText::new()
            .train(&["input", step])
            .code(step, &server.url("code/.git"))
            .requirements(step, "[wheel_free]")
            .to_string()
    };
    env.write("assets/input/asset_input.py", asset("pass"));
    let env = env.with_variable("PIP_INDEX_URL", index.url("me:index@"));
    env.plan(plan("train"));

    // What is missing is told at once, and nothing is touched.
    env.alo_without_network(["run", "--offline"]).expect(1).says("`train`").says("alo fetch");
    assert!(server.requests.lock().unwrap().is_empty() && index.served() == 0);
    env.alo_without_network(["fetch"]).expect(1).says("step `train`");
    assert!(server.requests.lock().unwrap().is_empty());

    env.alo(["fetch"]).expect(0);
    assert!(!server.requests.lock().unwrap().is_empty() && index.served() > 0);
    let lock = env.read("alo.lock");
    // `once` asks nobody, so that it needs no `--offline`.
    for arguments in [&["run", "--offline", "--locked"][..], &["run", "--offline"], &["run"], &["fetch"]] {
        let outcome = env.alo_without_network(arguments).expect(0);
        assert_eq!(outcome.stderr.contains("ran from a wheel"), arguments[0] == "run", "{outcome:?}");
    }
    assert_eq!(env.read("alo.lock"), lock);
}

#[test]
fn what_both_pipelines_lack_is_told_before_either_runs() {
    let env = TestEnv::new();
    env.write("assets/input/asset_input.py", asset("print('it ran')"));
    env.write("assets/inference/asset_inference.py", asset("pass"));
    let plan = PlanText::new()
        .train(&["input", "train"])
        .code("train", "https://code.example/train.git")
        .inference(&["input", "inference"])
        .requirements("inference", "[no_such_wheel==1.0]");
    env.plan(&plan);
    for command in [&["run", "--offline"][..], &["fetch", "--offline"]] {
        let outcome = env.alo_without_network(command).expect(1);
        let outcome = outcome.says("step `train`: the default branch of `https://code.example/train.git`");
        let outcome =
            outcome.says("no-such-wheel==1.0").says("train and inference pipelines").says("alo fetch");
        assert!(!outcome.stderr.contains("it ran"), "{outcome:?}");
    }
}
