//! `alo cache`: what it holds, and what can go while runs go on.

use alo_tests::{PlanText, TestEnv, asset, eventually};

#[test]
fn an_environment_in_use_stays_and_a_pruned_one_is_built_anew() {
    let env = TestEnv::new();
    env.alo(["cache", "info"]).expect(0);
    env.write("experimental_plan.yaml", PlanText::new().train(&["train"]).to_string());
    let waits =
        "import os, time\nopen('running', 'w').close()\nwhile os.path.exists('wait'):\n    time.sleep(0.01)";
    env.write("assets/train/asset_train.py", asset(waits));
    env.write("wait", "");
    let run = env.start(["run"]);
    eventually("the step runs", || env.path("running").exists());

    let info = env.alo(["cache", "info", "--format", "json"]).expect(0).events();
    let environment = &info[0]["environments"][0];
    let key = environment["key"].as_str().unwrap();
    assert!(environment["size"].as_u64().unwrap() > 0 && environment["last_used"].is_string(), "{info:#?}");
    env.alo(["cache", "info"]).expect(0);
    let everything = ["cache", "prune", "--max-size", "0B"];
    env.alo(everything).expect(0).says(&format!("in use: {key}")).says("removed 0 environments");

    fs_err::remove_file(env.path("wait")).unwrap();
    assert!(run.wait_with_output().unwrap().status.success());
    env.alo(["cache", "prune", "--max-size", "0B", "--dry-run"])
        .expect(0)
        .says("would remove 1 environments");
    env.alo(["cache", "prune"]).expect(0).says("removed 0 environments");
    env.alo(everything).expect(0).says("removed 1 environments").says(key);
    assert!(!env.cache().join("envs").join(key).exists());
    env.alo(["run"]).expect(0);
    assert!(env.cache().join("envs").join(key).exists());
}
