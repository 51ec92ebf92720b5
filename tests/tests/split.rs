//! Steps of one pipeline that cannot share an environment.

use alo_tests::{PlanText, TestEnv, asset};

/// A wheel that stands for NumPy: both majors name their array otherwise, and the class of each is found by its module.
fn requirement(env: &TestEnv, version: &str) -> String {
    let code = format!("major = '{version}'\n");
    let wheel = alo_tests::wheel(&env.root().join("wheels"), "fakenumpy", version, &code);
    format!("['fakenumpy=={version}', '--find-links file://{}']", wheel.parent().unwrap())
}

#[test]
fn two_steps_that_pin_different_majors_run_in_one_pipeline() {
    let env = TestEnv::new();
    let (one, two) = (requirement(&env, "1.26.4"), requirement(&env, "2.2.6"));
    let plan = PlanText::new()
        .train(&["input", "train", "report"])
        .requirements("input", &one)
        .requirements("train", &two)
        .requirements("report", &one);
    env.plan(&plan);
    let step = |major: &str, run: &str| {
        asset(&format!("import fakenumpy, os\nassert fakenumpy.major == '{major}', fakenumpy.major\n{run}"))
    };
    env.write(
        "assets/input/asset_input.py",
        step(
            "1.26.4",
            "self.data['rows'] = {'a': bytearray(b'x' * 100_000), 'b': [1, 2.5, None]}\nself.config['k'] = 1",
        ),
    );
    let check = "assert self.data['rows'] == {'a': bytearray(b'x' * 100_000), 'b': [1, 2.5, None]}\n\
                 assert self.config['k'] == 1 and 'meta' in self.config";
    env.write(
        "assets/train/asset_train.py",
        step("2.2.6", &format!("{check}\nself.data['seen'] = os.getpid()")),
    );
    env.write(
        "assets/report/asset_report.py",
        step("1.26.4", &format!("{check}\nassert self.data['seen'] != os.getpid()")),
    );
    env.alo(["run"])
        .expect(0)
        .says("environment  input, report (Python")
        .says("environment  train (Python")
        .says("exclude each other");
    let run = &env.alo(["history", "--format", "json"]).expect(0).events()[0];
    assert_eq!(run["environments"].as_array().map(Vec::len), Some(2), "{run:#}");
}
