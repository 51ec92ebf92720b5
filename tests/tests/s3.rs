//! One plan whose data, model and results lie in S3, through the built program.

use alo_tests::{PlanText, S3Server, TestEnv, asset};

const SECRET: &str = "s3cr3t-testing";

fn env(server: &S3Server) -> TestEnv {
    let start = TestEnv::new();
    server.variables().into_iter().fold(start, |env, (name, value)| env.with_variable(&name, value))
}

#[test]
fn data_comes_from_s3_and_models_and_results_go_there() {
    let mut server = S3Server::start();
    server.bucket("contents");
    server.put("contents", "data/train/deep/a.csv", "1");
    server.put("contents", "data/test/b.csv", "2");
    let train = env(&server);
    let plan = PlanText::new()
        .train(&["train"])
        .external("load_train_data_path", "s3://contents/data/train/")
        .external("save_train_artifacts_path", "s3://contents/out/");
    train.plan(&plan);
    train.write(
        "assets/train/asset_train.py",
        asset(
            "content = open(self.asset.get_input_path() + 'train/deep/a.csv').read()\n\
             open(self.asset.get_model_path() + 'm', 'w').write('model of ' + content)",
        ),
    );
    let told = train
        .alo(["run"])
        .expect(0)
        .says("1 file, 1 B, 1 copied")
        .says("exported s3://contents/out/model.tar.gz");
    assert!(!format!("{told:?}").contains(SECRET));
    train.alo(["run"]).expect(0).says("1 file, 1 B, 0 copied");

    let inference = env(&server);
    let plan = PlanText::new()
        .inference(&["inference"])
        .external("load_inference_data_path", "s3://contents/data/test/b.csv")
        .external("load_model_path", "s3://contents/out/")
        .external("save_inference_artifacts_path", "s3://contents/out")
        .control("save_inference_format", "zip");
    inference.plan(&plan);
    inference.write(
        "assets/inference/asset_inference.py",
        asset(
            "assert open(self.asset.get_model_path() + 'm').read() == 'model of 1'\n\
             content = open(self.asset.get_input_path() + 'b.csv').read()\n\
             open(self.asset.get_output_path() + 'output.csv', 'w').write(content)\n\
             self.asset.save_summary(result='OK', score=1)",
        ),
    );
    let events = inference.alo(["run", "--format", "json"]).expect(0).events();
    let exported: Vec<_> =
        events.iter().filter(|event| event["event"] == "exported").map(|event| &event["file"]).collect();
    assert_eq!(exported[0], "s3://contents/out/inference_artifacts.zip");
    let keys = server.keys("contents");
    for name in
        ["inference_artifacts.zip", "model.tar.gz", "pipeline.log", "process.log", "train_artifacts.tar.gz"]
    {
        assert!(keys.contains(&format!("out/{name}")), "{name} in {keys:?}");
    }
    let run = &inference.alo(["history", "--format", "json"]).expect(0).events()[0];
    assert_eq!(run["train_id"], "load-external-model");
}

#[test]
fn what_is_wrong_in_s3_is_told_before_any_step() {
    let mut server = S3Server::start();
    server.bucket("contents");
    let env = env(&server);
    let plan = |key: &str, url: &str| PlanText::new().train(&["train"]).external(key, url).to_string();
    env.write("assets/train/asset_train.py", asset("print('has begun')"));
    for (key, url, told) in [
        ("load_train_data_path", "s3://contents/none/", "there is nothing at `s3://contents/none/`"),
        ("load_train_data_path", "s3://absent/x", "there is no such bucket"),
        ("save_train_artifacts_path", "s3://absent/x", "there is no such bucket"),
    ] {
        env.plan(plan(key, url));
        env.alo(["run"]).expect(1).says(told).says("hint:").says_not("has begun").says_not(SECRET);
    }
}
