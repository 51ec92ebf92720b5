//! A model from outside takes the place of the trained one only with a whole inference, and the trained one is never lost.

use alo_tests::{PlanText, TestEnv, asset, eventually};
use rustix::process::{Pid, Signal, kill_process};

/// Infers with the model, fails or waits on request.
const INFERS: &str = "import os, time\n\
    model = open(self.asset.get_model_path() + 'm').read()\n\
    open(self.asset.get_output_path() + 'output.csv', 'w').write(model)\n\
    self.asset.save_summary(result='OK', score=1)\n\
    if os.path.exists('fail'): raise ValueError('no')\n\
    if os.path.exists('wait'):\n\
    \x20   open('waits', 'w').close()\n\
    \x20   while True: time.sleep(1)";

fn plan() -> PlanText {
    PlanText::new().train(&["train"]).inference(&["inference"])
}

/// A project with a trained model, and a model outside that its plan names.
fn trained(plan: PlanText) -> TestEnv {
    let env = TestEnv::new();
    env.plan(&plan);
    env.write(
        "assets/train/asset_train.py",
        asset("open(self.asset.get_model_path() + 'm', 'w').write('mine')"),
    );
    env.write("assets/inference/asset_inference.py", asset(INFERS));
    env.alo(["run", "--mode", "train"]).expect(0);
    env.write("outside/train/m", "outside");
    env.plan(plan.external("load_model_path", "./outside"));
    env
}

fn model(env: &TestEnv) -> String {
    env.read("train_artifacts/models/train/m")
}

fn current_id(env: &TestEnv) -> String {
    let ids = env.read("train_artifacts/log/experimental_history.json");
    serde_json::from_str::<serde_json::Value>(&ids).unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_inference_that_does_not_succeed_leaves_the_trained_model() {
    let env = trained(plan().control("backup_size", "0"));
    let id = current_id(&env);
    env.write("fail", "");
    env.alo(["run", "--mode", "inference"]).expect(1);
    assert_eq!((model(&env), current_id(&env)), ("mine".into(), id.clone()));
    fs_err::remove_file(env.path("fail")).unwrap();

    env.write("wait", "");
    for signal in [Signal::INT, Signal::KILL] {
        let mut child = env.start(["run", "--mode", "inference"]);
        eventually("the step is running", || env.path("waits").exists());
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        child.wait().unwrap();
        assert_eq!((model(&env), current_id(&env)), ("mine".into(), id.clone()), "{signal:?}");
        fs_err::remove_file(env.path("waits")).unwrap();
    }
    fs_err::remove_file(env.path("wait")).unwrap();

    // A model that the step cannot use.
    fs_err::rename(env.path("outside/train"), env.path("outside/other")).unwrap();
    env.alo(["run", "--mode", "inference"]).expect(1).says("no trained model");
    assert_eq!((model(&env), current_id(&env)), ("mine".into(), id.clone()));
    fs_err::rename(env.path("outside/other"), env.path("outside/train")).unwrap();

    env.alo(["run", "--mode", "inference"]).expect(0);
    assert_eq!(env.read("inference_artifacts/output/output.csv"), "outside");
    assert_eq!((model(&env), current_id(&env).as_str()), ("outside".into(), "load-external-model"));
    assert!(fs_err::read_dir(env.path(".alo/staging")).unwrap().next().is_none(), "something was left");

    // The quota spares the training, however often the model from outside is loaded.
    env.write("outside/train/m", "newer");
    env.alo(["run", "--mode", "inference"]).expect(0);
    assert_eq!(model(&env), "newer");
    env.alo(["history", "restore", &id]).expect(0);
    assert_eq!((model(&env), current_id(&env)), ("mine".into(), id));
}

#[test]
fn a_trained_model_that_the_history_has_not_is_recorded_before_it_is_replaced() {
    let env = trained(plan().control("backup_artifacts", "False"));
    env.alo(["run"]).expect(0).says("brings it back");
    assert_eq!(model(&env), "outside");
    let history = env.alo(["history", "--format", "json"]).expect(0).events();
    let kept: Vec<_> = history.iter().filter(|run| run["mode"] == "restore").collect();
    assert_eq!(kept.len(), 1);
    env.alo(["history", "restore", kept[0]["id"].as_str().unwrap()]).expect(0);
    assert_eq!(model(&env), "mine");
}

#[test]
fn a_run_says_that_its_own_model_is_replaced() {
    let env = trained(plan());
    env.alo(["run"]).expect(0).says("the model that this run has trained").says("alo history restore");
    env.alo(["history", "restore", "latest", "--pipeline", "train"]).expect(0);
    assert_eq!(model(&env), "mine");
}

#[test]
fn nothing_is_recorded_twice() {
    let env = trained(plan());
    for _ in 0..2 {
        env.alo(["run", "--mode", "inference"]).expect(0);
    }
    let history = env.alo(["history", "--format", "json"]).expect(0).events();
    assert!(history.iter().all(|run| run["mode"] != "restore"), "{history:?}");
    assert_eq!(history[0]["train_id"], "load-external-model");
}

#[test]
fn a_step_that_runs_again_finds_the_model_from_outside() {
    let env = trained(plan());
    env.alo(["run", "--mode", "inference", "--resume"]).expect(0);
    env.alo(["run", "--mode", "inference", "--resume"]).expect(0);
    assert_eq!(env.read("inference_artifacts/output/output.csv"), "outside");
    env.write("outside/train/m", "newer");
    env.alo(["run", "--mode", "inference", "--resume"]).expect(0);
    assert_eq!(env.read("inference_artifacts/output/output.csv"), "newer");
}
