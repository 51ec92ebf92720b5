//! `alo validate`: every fault of every file, in three formats; the code of assets is read and not run.

use alo_tests::{Outcome, PlanText, Repository, TestEnv, asset};
use serde_json::Value as Json;

const BAD: &str = "user_parameters:\ncontrol:\n  - backup_log: maybe\n  - interface_mode: momory\n";
const WARNED: &str = "name: x\nnamee: y\nuser_parameters:\n  - train_pipeline:\n      - step: a\nasset_source:\n  - train_pipeline:\n      \
                      - step: a\n        source:\n          code: https://host.invalid/a.git\n";

/// An inference pipeline of one step whose asset is this file, validated with `--assets`.
fn assets_of(code: &str) -> (TestEnv, Vec<(String, String, u64, u64)>) {
    let env = TestEnv::new();
    env.plan(PlanText::new().inference(&["infer"]).args("infer", "{depth: 6}"));
    env.write("assets/infer/asset_infer.py", code);
    let found = faults(&env.alo(["validate", "--assets", "--format", "json"]));
    (env, found)
}

/// Severity, code, line and column of every fault of the assets.
fn faults(outcome: &Outcome) -> Vec<(String, String, u64, u64)> {
    let json: Json = serde_json::from_str(&outcome.stdout).unwrap_or_else(|_| panic!("no JSON: {outcome:?}"));
    let mut found = Vec::new();
    for asset in json["plans"][0]["assets"].as_array().expect("assets") {
        for fault in asset["diagnostics"].as_array().expect("diagnostics") {
            let at = |key: &str| fault["span"]["start"][key].as_u64().unwrap_or_default();
            let text = |key: &str| fault[key].as_str().unwrap_or_default().to_owned();
            found.push((text("severity"), text("code"), at("line"), at("column")));
        }
    }
    found
}

/// An asset without fault.
fn good() -> String {
    asset(
        "depth = self.asset.check_args('depth', chng_type='int')\nopen(self.asset.get_output_path() + 'output.csv', 'w').close()\nself.asset.save_summary('OK', 1.0)",
    )
}

#[track_caller]
fn has(code: &str, expected: &[(&str, &str, u64, u64)]) {
    let (_, found) = assets_of(code);
    let found: Vec<_> =
        found.iter().map(|(a, b, line, column)| (a.as_str(), b.as_str(), *line, *column)).collect();
    assert_eq!(found, expected, "{code}");
}

#[test]
fn people_see_every_fault_of_every_file_and_a_count() {
    let env = TestEnv::new();
    env.write("bad.yaml", BAD).write("warned.yaml", WARNED);
    let outcome = env.alo(["validate", "bad.yaml", "warned.yaml", "gone.yaml"]).expect(2);
    assert_eq!(outcome.stdout, "");
    let outcome = outcome.says("bad.yaml:3:17").says("bad.yaml:4:21").says("help: did you mean `memory`?");
    let outcome = outcome.says("warning[unknown-section]").says("there is no file `gone.yaml`");
    assert!(outcome.stderr.trim_end().ends_with("not valid: 3 plans, 3 errors, 1 warning"), "{outcome:?}");
}

#[test]
fn warnings_fail_only_when_it_is_strict() {
    let env = TestEnv::new();
    env.write("warned.yaml", WARNED);
    env.alo(["validate", "warned.yaml"])
        .expect(0)
        .says("valid: 1 plan, 0 errors, 1 warning")
        .says_not("not valid");
    env.alo(["validate", "--strict", "warned.yaml"]).expect(2).says("not valid: 1 plan, 0 errors, 1 warning");
    env.alo(["validate", "--quiet", "warned.yaml"]).expect(0).says("unknown-section").says_not("1 plan");
}

#[test]
fn programs_get_json_on_stdout_alone() {
    let env = TestEnv::new();
    env.write("bad.yaml", BAD).write("warned.yaml", WARNED);
    let outcome = env.alo(["validate", "--format", "json", "warned.yaml", "bad.yaml", "."]).expect(2);
    assert_eq!(outcome.stderr, "");
    let json: Json = serde_json::from_str(&outcome.stdout).expect("JSON");
    let plans = json["plans"].as_array().expect("plans");
    let valid: Vec<_> = plans.iter().map(|plan| plan["valid"].as_bool().expect("a boolean")).collect();
    assert_eq!(valid, [true, false, false]);
    let step = &plans[0]["plan"]["pipelines"][0]["steps"][0];
    assert_eq!(step["source"]["url"], "https://host.invalid/a.git");
    assert_eq!(plans[1]["diagnostics"][0]["pointer"], "/control/0/backup_log");
    assert_eq!(plans[1]["plan"], Json::Null);
    assert_eq!(plans[2]["diagnostics"][0]["code"], "file-unreadable");
    assert!(plans[0].get("assets").is_none());
    let strict = env.alo(["validate", "--strict", "--format", "json", "warned.yaml"]).expect(2);
    assert!(strict.stdout.contains("\"valid\":false"), "{strict:?}");
}

#[test]
fn github_gets_an_annotation_for_each_fault() {
    let env = TestEnv::new();
    env.write("bad.yaml", BAD);
    let outcome = env.alo(["validate", "--format", "github", "bad.yaml"]).expect(2);
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{outcome:?}");
    assert!(lines[1].starts_with("::error file=bad.yaml,line=4,col=21,"), "{outcome:?}");
}

#[test]
fn without_a_plan_it_says_where_it_looked() {
    TestEnv::new().alo(["validate"]).expect(2).says("experimental_plan.yaml").says("hint: ");
}

#[test]
fn an_asset_without_fault_has_none() {
    has(&good(), &[]);
}

#[test]
fn the_file_is_missing() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train", "gone"]));
    env.write("assets/train/train.py", asset("pass"));
    let outcome = env.alo(["validate", "--assets"]).expect(2);
    let outcome =
        outcome.says("there is no `asset_train.py`").says("there is no folder").says_not("asset-missing");
    outcome.says("not valid: 1 plan, 2 errors, 0 warnings");
}

#[test]
fn the_file_is_not_python() {
    has("x = 1\ndef f(:\n    pass\n", &[("error", "asset-syntax", 2, 7)]);
}

#[test]
fn the_class_is_missing_or_of_another_kind() {
    has("class Asset:\n    pass\n", &[("error", "asset-class-missing", 1, 1)]);
    has("class UserAsset:\n    pass\n", &[("error", "asset-base-class", 1, 7)]);
    let init = good().replace("(self, asset_structure)", "(self, a, b)");
    has(&init, &[("error", "asset-init", 5, 9)]);
    has(&good().replace("def run", "def main"), &[("error", "asset-run-missing", 4, 7)]);
}

#[test]
fn run_is_not_decorated_or_does_not_save() {
    has(&good().replace("    @Asset.decorator_run\n", "\n"), &[("warning", "asset-run-undecorated", 12, 9)]);
    has(
        &good().replace("self.asset.save_config(self.config)", "pass"),
        &[("error", "asset-save-missing", 12, 9)],
    );
    let in_loop = good().replace("self.asset.save_data(", "for _ in '12': self.asset.save_data(");
    has(&in_loop, &[("warning", "asset-save-repeated", 16, 24)]);
    let twice =
        good().replace("self.asset.save_data(self.data)", "self.asset.save_data(1); self.asset.save_data(2)");
    has(&twice, &[("warning", "asset-save-repeated", 16, 34)]);
}

#[test]
fn an_asset_of_1_0_saves_by_returning() {
    let code = "from alolib.asset import Asset\nclass UserAsset(Asset):\n    def __init__(self, envs, argv, data, config):\n        \
                super().__init__(envs, argv, version=1.0)\n    @Asset.decorator_run\n    def run(self):\n        \
                self.asset.check_args('depth')\n        self.asset.save_summary('OK', 1)\n        \
                self.asset.get_output_path()\n        return {}, {}\n";
    has(code, &[]);
}

#[test]
fn inference_leaves_nothing() {
    let code = asset("self.asset.check_args('depth')");
    let expected = [("error", "asset-summary-missing", 4, 7), ("error", "asset-output-missing", 4, 7)];
    has(&code, &expected);
}

#[test]
fn what_own_modules_do_counts_and_what_cannot_be_seen_makes_a_warning() {
    let env = TestEnv::new();
    env.plan(PlanText::new().inference(&["infer"]));
    env.write(
        "assets/infer/asset_infer.py",
        format!("import engine\n{}", asset("engine.finish(self.asset)")),
    );
    let look = || faults(&env.alo(["validate", "--assets", "--format", "json"]));
    env.write(
        "assets/infer/engine.py",
        "def finish(asset):\n    asset.get_output_path()\n    asset.save_summary('OK', 1)\n",
    );
    assert_eq!(look(), []);
    env.write("assets/infer/engine.py", "from other import finish\n");
    let severities: Vec<_> = look().into_iter().map(|(severity, ..)| severity).collect();
    assert_eq!(severities, ["warning", "warning"]);
}

#[test]
fn arguments_are_read_through_check_args() {
    let unread = good().replace("self.asset.check_args('depth', chng_type='int')", "self.args['depth']");
    has(&unread, &[("warning", "asset-arg-unread", 13, 27)]);
    has(&good().replace("check_args('depth'", "check_args('de' + 'pth'"), &[]);
    has(&good().replace("'int'", "'integer'"), &[("error", "asset-arg-type", 13, 58)]);
}

#[test]
fn the_code_is_read_and_not_run() {
    let (env, _) = assets_of("");
    let trace = env.path("trace");
    env.write("assets/infer/asset_infer.py", format!("open('{trace}', 'w').close()\n{}", good()));
    env.alo(["validate", "--assets"]).expect(0);
    assert!(!trace.exists());
    assert!(!env.path("assets/infer/__pycache__").exists());
}

#[test]
fn nothing_is_started_unless_assets_are_asked_for() {
    let env = TestEnv::new();
    let started = env.root().join("started");
    for name in ["python", "python3", "python3.10", "git", "uv"] {
        env.program(&format!("bin/{name}"), &format!("#!/bin/sh\necho {name} >> '{started}'\nexit 1\n"));
    }
    let env = env.with_variable("PATH", "");
    let path = env.root().join("bin").into_string();
    let env = env.with_variable("PATH", path).with_variable("PYENV_ROOT", "/nowhere");
    env.plan(PlanText::new().inference(&["infer"]));
    env.write("assets/infer/asset_infer.py", good());
    env.alo(["validate"]).expect(0);
    assert!(!started.exists());
    assert!(!env.cache().exists());
    env.alo(["validate", "--assets"]);
    assert!(started.exists());
}

#[test]
fn code_of_git_is_looked_at_once_it_was_fetched() {
    let env = TestEnv::new();
    let repository = Repository::new(&env.root().join("code"), "main");
    repository.commit(&[("asset_train.py", &asset("pass").replace("@Asset.decorator_run", "#"))]);
    env.plan(PlanText::new().train(&["train"]).code("train", &repository.url()));
    env.alo(["validate", "--assets"]).expect(0).says("note[asset-not-fetched]").says("was never fetched");
    assert!(!env.path("alo.lock").exists());
    env.alo(["run"]).expect(0);
    env.alo(["validate", "--assets"]).expect(0).says("asset-run-undecorated").says_not("asset-not-fetched");
}

#[test]
fn the_skeletons_of_init_and_asset_new_have_no_fault_and_run() {
    let env = TestEnv::new();
    env.alo(["init"]).expect(0);
    env.alo(["validate", "--assets", "--strict"]).expect(0).says("valid: 1 plan, 0 errors, 0 warnings");
    let plan = PlanText::new().train(&["first", "second2"]).to_string();
    env.plan(plan);
    for step in ["first", "second2"] {
        env.alo(["asset", "new", step]).expect(0);
    }
    env.alo(["validate", "--assets", "--strict"]).expect(0);
    env.alo(["run"]).expect(0);
}
