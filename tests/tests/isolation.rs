//! Steps do not get into each other's way, and each runs the code that the plan names.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use alo_tests::{PlanText, Repository, TestEnv, asset};

/// Saves what inference must leave.
const RESULT: &str = "open(self.asset.get_output_path() + 'output.csv', 'w').write('predicted\\n1\\n')\n\
                      self.asset.save_summary(result='OK', score=1)\n";

fn inference(run: &str) -> String {
    asset(&format!("{run}\n{RESULT}"))
}

#[test]
fn two_steps_see_their_own_utils() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["input", "train"]));
    for step in ["input", "train"] {
        env.write(&format!("assets/{step}/utils.py"), "from parts import name\nwho = name + '!'\n");
        env.write(&format!("assets/{step}/parts/__init__.py"), format!("name = '{step}'\n"));
        let code = format!(
            "import os, sys\nsys.path.append(os.path.dirname(os.path.abspath(__file__)))\nimport utils\n{}",
            asset(&format!(
                "assert utils.who == '{step}!', utils.who\nimport utils as again\nassert again.who == '{step}!'"
            ))
        );
        env.write(&format!("assets/{step}/asset_{step}.py"), code);
    }
    env.alo(["run"]).expect(0);
}

#[test]
fn the_same_step_name_runs_each_pipelines_own_code() {
    let env = TestEnv::new();
    let train = Repository::new(&env.root().join("train.git"), "main");
    train.commit(&[("asset_input.py", &asset("print('train code')"))]);
    let other = Repository::new(&env.root().join("inference.git"), "main");
    other.commit(&[("asset_input.py", &inference("print('inference code')"))]);
    let plan = PlanText::new()
        .train(&["input"])
        .code("input", &train.url())
        .inference(&["input"])
        .code("input", &other.url());
    env.plan(&plan);
    env.alo(["run"]).expect(0).says("train code").says("inference code");
}

#[test]
fn local_without_a_folder_reuses_the_other_pipelines_source() {
    let env = TestEnv::new();
    let code = Repository::new(&env.root().join("code.git"), "main");
    let run = "kind = self.asset_envs['pipeline']\nprint('shared code in', kind)\n\
               if kind == 'inference_pipeline':\n";
    let body: String = RESULT.lines().map(|line| format!("    {line}\n")).collect();
    code.commit(&[("asset_input.py", &asset(&format!("{run}{body}")))]);
    let plan = PlanText::new().train(&["input"]).code("input", &code.url()).inference(&["input"]);
    env.plan(&plan);
    env.alo(["run"])
        .expect(0)
        .says("shared code in train_pipeline")
        .says("shared code in inference_pipeline");

    // A folder of the step's own comes first.
    env.write("assets/input/asset_input.py", inference("print('own code')"));
    env.alo(["run"]).expect(0).says("shared code in train_pipeline").says("own code");
}

#[test]
fn branches_tags_and_commits_are_followed_and_pinned() {
    let env = TestEnv::new();
    let code = Repository::new(&env.root().join("code.git"), "main");
    code.commit(&[("asset_train.py", &asset("print('first')"))]);
    let plan = |control: &str| {
        let plan = PlanText::new().train(&["train"]).code("train", &code.url());
        plan.to_string().replace("get_asset_source: once", &format!("get_asset_source: {control}"))
    };
    env.plan(plan("once"));
    env.alo(["run"]).expect(0).says("first");
    let lock = env.read("alo.lock");
    let second = code.commit(&[("asset_train.py", &asset("print('second')"))]);

    // `once` keeps the pinned commit.
    env.alo(["run"]).expect(0).says("first").says_not("second");
    assert_eq!(env.read("alo.lock"), lock);

    // `every` looks the branch up again.
    env.plan(plan("every"));
    env.alo(["run"]).expect(0).says("second");
    assert!(env.read("alo.lock").contains(&second.to_string()));

    // The record names the commit.
    let run = &env.alo(["history", "--format", "json"]).expect(0).events()[0];
    assert_eq!(run["steps"][0]["code"]["commit"], second.to_string(), "{run:#}");
}

#[test]
fn a_branch_that_is_not_there_is_named() {
    let env = TestEnv::new();
    let code = Repository::new(&env.root().join("code.git"), "main");
    code.commit(&[("asset_train.py", &asset("pass"))]);
    let plan = PlanText::new().train(&["train"]).code("train", &code.url()).to_string();
    env.plan(plan.replace("branch:", "branch: mian"));
    env.alo(["run"]).expect(1).says("mian").says("step `train`").says("main");
}

#[test]
fn a_repository_that_is_not_there_is_named() {
    let env = TestEnv::new();
    let plan = PlanText::new().train(&["train"]).code("train", "file:///nowhere/code.git");
    env.plan(&plan);
    env.alo(["run"]).expect(1).says("file:///nowhere/code.git").says("step `train`").says("hint: ");
}

#[test]
fn each_pipeline_starts_with_empty_data_and_config() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]).inference(&["inference"]));
    env.write("assets/train/asset_train.py", asset("self.data['x'] = 1\nself.config['y'] = 2"));
    env.write(
        "assets/inference/asset_inference.py",
        inference("assert self.data == {} and set(self.config) == {'meta'}, (self.data, self.config)"),
    );
    env.alo(["run"]).expect(0);
}

/// Python itself goes by whole seconds and sizes: it would run what the module was before.
#[test]
fn a_module_that_changes_within_its_second_runs_as_it_is_now() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write(
        "assets/train/asset_train.py",
        asset("import shared\nopen(self.asset.get_model_path() + 'model', 'w').write(str(shared.VALUE))"),
    );
    let hour = Duration::from_secs(3600);
    let value_of = |value: u8, changed: SystemTime| {
        env.write("assets/train/shared.py", format!("VALUE = {value}\n"));
        let module = File::options().append(true).open(env.path("assets/train/shared.py")).unwrap();
        module.set_modified(changed).unwrap();
        env.alo(["run"]).expect(0);
        env.read("train_artifacts/models/train/model")
    };
    // Not older than what is compiled from it, however slow this machine is.
    let young = SystemTime::now() + hour;
    assert_eq!(value_of(1, young), "1");
    assert_eq!(value_of(2, young), "2");
    // Of a source that has long been what it is, the compiled code is used and stays.
    let old = SystemTime::now() - hour;
    assert_eq!(value_of(3, old), "3");
    let compiled = || {
        let files = fs_err::read_dir(env.path("assets/train/__pycache__")).unwrap().map(Result::unwrap);
        let mut files = files.filter(|file| file.file_name().to_string_lossy().starts_with("shared."));
        files.next().unwrap().metadata().unwrap().ino()
    };
    let first = compiled();
    assert_eq!(value_of(3, old), "3");
    assert_eq!(compiled(), first);
}
