//! The manual's own plan and skeletons run. Installs pandas and scikit-learn from PyPI.

use alo_tests::{PlanText, Repository, TestEnv, asset};

const PLAN: &str = include_str!("../fixtures/manual/experimental_plan.yaml");
const SKELETON_1_0: &str = include_str!("../fixtures/manual/asset_1_0.py");
const SKELETON_2_1: &str = include_str!("../fixtures/manual/asset_2_1.py");
const SAMPLE_DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/titanic/sample_data");

const INPUT: &str = "import glob
import pandas as pd
from alolib.asset import Asset

class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.args = self.asset.load_args()
        self.config = self.asset.load_config()

    @Asset.decorator_run
    def run(self):
        assert self.args['drop_columns'] is None and self.args['use_all_x'] is False
        tables = glob.glob(self.asset.get_input_path() + '*/*.csv')
        self.config['x_columns'] = self.asset.check_args('x_columns', is_required=True, chng_type='list')
        self.config['y_column'] = self.asset.check_args('y_column')
        self.asset.save_data({'dataframe': pd.concat(map(pd.read_csv, tables))})
        self.asset.save_config(self.config)
";

const TRAIN: &str = "import pickle
import pandas as pd
from alolib.asset import Asset
from sklearn.linear_model import LogisticRegression

class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.config = self.asset.load_config()
        self.data = self.asset.load_data()

    @Asset.decorator_run
    def run(self):
        table = self.data['dataframe']
        x, y = pd.get_dummies(table[self.config['x_columns']]), table[self.config['y_column']]
        model = LogisticRegression(max_iter=1000).fit(x, y)
        with open(self.asset.get_model_path() + 'model.pkl', 'wb') as file:
            pickle.dump(model, file)
        self.asset.save_summary(result=self.asset.check_args('model_type'), score=model.score(x, y))
        self.asset.save_data(self.data)
        self.asset.save_config(self.config)
";

/// It loads what scikit-learn has made, though the plan names scikit-learn for training only, as real plans do.
const INFERENCE: &str = "import pickle
import pandas as pd
from alolib.asset import Asset

class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.config = self.asset.load_config()
        self.data = self.asset.load_data()

    @Asset.decorator_run
    def run(self):
        with open(self.asset.get_model_path() + 'model.pkl', 'rb') as file:
            model = pickle.load(file)
        table = self.data['dataframe']
        table['predicted'] = model.predict(pd.get_dummies(table[self.config['x_columns']]))
        table[['PassengerId', 'predicted']].to_csv(self.asset.get_output_path() + 'output.csv', index=False)
        self.asset.save_summary(result='OK', score=0.613, note='aloalo.csv',
                                probability={'OK': 0.715, 'NG': 0.135, 'NG1': 0.15})
        self.asset.save_data(self.data)
        self.asset.save_config(self.config)
";

/// pandas 1.5.3, which the manual pins, has wheels for Python 3.8 to 3.11 alone.
fn python() -> Option<&'static str> {
    let probe = TestEnv::new();
    probe.plan(PlanText::new().train(&["train"]));
    probe.write("assets/train/asset_train.py", asset("pass"));
    ["3.10", "3.11", "3.9", "3.8"]
        .into_iter()
        .find(|version| probe.alo(["run", "--python", version]).code == Some(0))
}

#[test]
fn the_manuals_titanic_plan_runs_by_pip() {
    titanic(&TestEnv::new().with_shared_cache(), "pip");
}

#[test]
fn the_manuals_titanic_plan_runs_by_uv() {
    titanic(&TestEnv::new().with_uv(), "uv");
}

/// Runs the plan verbatim, but for where data and code lie.
#[track_caller]
fn titanic(env: &TestEnv, installer: &str) {
    let Some(python) = python() else {
        eprintln!("not run: this machine has no Python from 3.8 to 3.11");
        return;
    };
    let input = Repository::new(&env.root().join("input.git"), "tabular");
    input.commit(&[("asset_input.py", INPUT)]);
    let tutorial = Repository::new(&env.root().join("titanic_tutorial.git"), "main");
    tutorial.commit(&[("asset_train.py", TRAIN), ("asset_inference.py", INFERENCE)]);
    let plan = PLAN
        .replace("http://mod.lge.com/hub/smartdata/ml-framework/alov2-module/input.git", &input.url())
        .replace("http://mod.lge.com/hub/dxadvtech/assets/titanic_tutorial.git", &tutorial.url())
        .replace("/nas001/users/ruci.sung/alo_sample_data/titanic_data", SAMPLE_DATA);
    assert!(!plan.contains("mod.lge.com") && !plan.contains("nas001"));
    env.write("config/experimental_plan.yaml", plan);
    env.alo(["run", "--installer", installer, "--python", python]).expect(0).says("numpy<2");
    let run = &env.alo(["history", "--format", "json"]).expect(0).events()[0];
    let packages = run["environments"][0]["packages"].to_string();
    assert!(packages.contains("pandas==1.5.3") && packages.contains("\"numpy==1."), "{packages}");
    let output = env.read("inference_artifacts/output/output.csv");
    assert!(output.starts_with("PassengerId,predicted\n"));
    assert_eq!(output.lines().count(), 419);
    let summary = env.read("inference_artifacts/score/inference_summary.yaml");
    let summary: serde_yaml::Value = serde_yaml::from_str(&summary).unwrap();
    assert_eq!((summary["result"].as_str(), summary["score"].as_f64()), (Some("OK"), Some(0.61)));
    assert_eq!(summary["probability"]["NG"].as_f64(), Some(0.14));
}

#[test]
fn the_manuals_skeletons_run_in_one_pipeline() {
    let Some(python) = python() else {
        eprintln!("not run: this machine has no Python from 3.8 to 3.11");
        return;
    };
    let env = TestEnv::new().with_shared_cache();
    let plan = PlanText::new()
        .train(&["input", "custom_preprocess", "stepname", "check"])
        .args("input", "{x_columns: [Pclass], y_column: Survived, drop_columns: , use_all_x: False}")
        .requirements("input", "[pandas==1.5.3]")
        .external("load_train_data_path", &format!("{SAMPLE_DATA}/train/"));
    env.plan(&plan);
    env.write("assets/input/asset_input.py", INPUT);
    let filled_in = SKELETON_1_0.replace("df = pd.dataframe() ", "df = self.input_data.assign(seen=1)");
    assert_ne!(filled_in, SKELETON_1_0);
    env.write("assets/custom_preprocess/asset_custom_preprocess.py", filled_in);
    env.write("assets/stepname/asset_stepname.py", SKELETON_2_1);
    env.write(
        "assets/check/asset_check.py",
        asset("table = self.data['dataframe']\nassert len(table) == 891 and set(table['seen']) == {1}"),
    );
    env.alo(["run", "--python", python]).expect(0).says("save_data got DataFrame, not a dict");
}
