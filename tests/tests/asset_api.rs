//! Every call of the asset API through the real worker: right use, and wrong use that raises at the asset's own line.

use alo_tests::{PlanText, TestEnv, asset};

/// A train pipeline of one step `train` that does this.
fn train(run: &str) -> TestEnv {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write("assets/train/asset_train.py", asset(run));
    env
}

/// Runs the asset, whose own assertions must hold.
#[track_caller]
fn holds(run: &str) -> TestEnv {
    let env = train(run);
    env.alo(["run"]).expect(0);
    env
}

/// Runs the asset, whose first line must be refused with these words.
#[track_caller]
fn refused(run: &str, exception: &str, words: &str) {
    let env = train(run);
    let outcome = env.alo(["run"]).expect(1);
    let block = outcome.last_block();
    assert!(block.starts_with("error: step `train` failed"), "{outcome:?}");
    let at = format!("asset_train.py\", line 13, in run\n    {}", run.lines().next().unwrap().trim());
    assert!(block.contains(&at), "`{at}` is not the place in\n{outcome:?}");
    assert!(block.contains(&format!("cause: {exception}: ")), "{outcome:?}");
    assert!(block.contains(words), "`{words}` is not said in\n{outcome:?}");
    assert!(
        !block.contains("alolib/") && !block.contains("worker.py"),
        "frames of the engine in\n{outcome:?}"
    );
    let log = block.lines().find_map(|line| line.strip_prefix("log: ")).expect("the log's path");
    assert!(fs_err::read_to_string(log).unwrap().contains(words), "the log has no `{words}`");
}

#[test]
fn load_args_gives_a_copy_of_the_arguments() {
    let env = TestEnv::new();
    let args = "{n: 3, when: 2022-08-22, columns: [a, b], empty: , 건물번호: 7, counts: {1: 25, 0: 1}, half: 1., word: none}";
    env.plan(PlanText::new().train(&["train"]).args("train", args));
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import datetime\n\
             args = self.asset.load_args()\n\
             assert args == {'n': 3, 'when': datetime.date(2022, 8, 22), 'columns': ['a', 'b'], 'empty': None,\n\
             \x20   '건물번호': 7, 'counts': {1: 25, 0: 1}, 'half': 1.0, 'word': 'none'}, args\n\
             assert type(args['half']) is float and list(args)[0] == 'n'\n\
             args['n'] = 4\n\
             assert self.asset.load_args()['n'] == 3",
        ),
    );
    env.alo(["run"]).expect(0);
}

#[test]
fn check_args_gives_values_defaults_and_types() {
    let env = TestEnv::new();
    let args = "{n: 3, text: '4', flag: 'False', null_key: , columns: [a]}";
    env.plan(PlanText::new().train(&["train"]).args("train", args));
    env.write(
        "assets/train/asset_train.py",
        asset(
            "check = self.asset.check_args\n\
             assert check('n') == '3'\n\
             assert check('n', True, '', 'int') == 3\n\
             assert check(arg_key='text', is_required=True, chng_type='float') == 4.0\n\
             assert check('flag', chng_type='bool') is False\n\
             assert check('n', chng_type='list') == [3]\n\
             assert check('columns', chng_type='str') == ['a']\n\
             assert check('absent', default=7, chng_type='int') == 7\n\
             assert check('null_key', default='x') == 'x'\n\
             assert check('absent') == ''\n\
             marker = object()\n\
             assert check('absent', default=marker) is marker",
        ),
    );
    env.alo(["run"]).expect(0);
}

#[test]
fn check_args_refuses_what_is_absent_or_cannot_be_converted() {
    refused("self.asset.check_args('depth', is_required=True)", "ValueError", "needs the argument `depth`");
    refused(
        "self.asset.check_args('x', default='many', chng_type='int')",
        "ValueError",
        "`many`, which is not a whole number",
    );
    refused("self.asset.check_args('x', chng_type='number')", "ValueError", "must be one of `str`, `int`");
}

#[test]
fn data_and_config_pass_from_step_to_step() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["input", "train"]));
    env.write(
        "assets/input/asset_input.py",
        asset("assert self.data == {}\nself.data['table'] = [1, 2]\nself.data['other'] = 3\nself.config['key'] = 'value'"),
    );
    env.write(
        "assets/train/asset_train.py",
        asset(
            "assert self.data == {'table': [1, 2], 'other': 3}\n\
             assert self.asset.load_data(partial_load='tab') == {'table': [1, 2]}\n\
             assert self.config['key'] == 'value'\n\
             meta = self.config['meta']\n\
             assert meta['step_name'] == 'train' and meta['step_number'] == 1 and meta['pipeline'] == 'train_pipeline'\n\
             assert meta['artifacts']['input'].endswith('/input/')",
        ),
    );
    env.alo(["run"]).expect(0);
}

#[test]
fn partial_load_without_a_match_is_refused() {
    refused(
        "self.asset.load_data(partial_load='frame')",
        "ValueError",
        "no key of the data contains `frame`",
    );
}

#[test]
fn what_is_no_dict_is_handed_on_as_dataframe_with_a_warning() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["input", "train"]));
    env.write("assets/input/asset_input.py", asset("self.data = [1, 2]"));
    env.write("assets/train/asset_train.py", asset("assert self.data == {'dataframe': [1, 2]}"));
    env.alo(["run"]).expect(0).says("save_data got list, not a dict");
}

#[test]
fn saving_twice_is_refused() {
    let twice = "self.asset.save_data({}); self.asset.save_data({})";
    refused(twice, "AssetError", "save_data was called a second time");
    let twice = "self.asset.save_config({}); self.asset.save_config({})";
    refused(twice, "AssetError", "save_config was called a second time");
}

#[test]
fn a_config_that_is_no_dict_is_refused() {
    refused("self.asset.save_config([])", "TypeError", "save_config takes a dict, not list");
}

#[test]
fn a_step_that_saves_nothing_fails() {
    let env = train("return");
    let outcome = env.alo(["run"]).expect(1);
    let block = outcome.last_block();
    assert!(block.contains("run() ended without a call of save_data and save_config"), "{outcome:?}");
    assert!(block.contains("asset_train.py\", line 12, in run"), "{outcome:?}");
}

#[test]
fn keys_of_earlier_steps_must_stay() {
    for (line, words) in [
        ("del self.data['table']", "save_data would lose the key `table`"),
        ("self.data = {}", "save_data would lose the keys `other`, `table`"),
        ("self.config = {}", "save_config would lose the key `key`"),
    ] {
        for mode in ["memory", "file"] {
            let env = TestEnv::new();
            let plan = PlanText::new().train(&["input", "train"]).control("interface_mode", mode);
            env.plan(&plan);
            env.write(
                "assets/input/asset_input.py",
                asset("self.data = {'other': 1, 'table': 2}\nself.config['key'] = 1"),
            );
            env.write("assets/train/asset_train.py", asset(line));
            let outcome = env.alo(["run"]).expect(1).says(words);
            assert!(outcome.last_block().contains("asset_train.py\", line 1"), "{outcome:?}");
        }
    }
}

#[test]
fn load_envs_and_attributes_tell_about_the_run() {
    let env = holds(
        "envs = self.asset.load_envs()\n\
         assert envs['project_home'].endswith('/project/') and envs['pipeline'] == 'train_pipeline'\n\
         assert envs['step'] == 'train' and envs['interface_mode'] == 'memory' and envs['alo_version']\n\
         assert envs['artifacts']['train_artifacts'].endswith('/train_artifacts/')\n\
         assert self.asset_envs['step'] == 'train' and self.asset.asset_envs is self.asset_envs\n\
         assert self.asset_args == {} and self.project_home == envs['project_home']\n\
         assert self.input_data_home == envs['project_home'] + 'input/'\n\
         import os\n\
         assert os.getcwd() + '/' == envs['project_home']",
    );
    drop(env);
}

#[test]
fn the_summary_is_written_as_the_contract_says() {
    let env = TestEnv::new();
    let plan = PlanText::new().train(&["train"]).external("save_train_artifacts_path", "exported/");
    env.plan(&plan);
    env.write(
        "assets/train/asset_train.py",
        asset(
            "self.asset.save_summary(result='OK', score=0.61349, note='메모',\n\
             \x20   probability={'OK': 0.715, 'NG': 0.135, 'NG1': 0.15})\n\
             loaded = self.asset.load_summary()\n\
             assert loaded == {'result': 'OK', 'score': 0.61, 'note': '메모',\n\
             \x20   'probability': {'OK': 0.71, 'NG': 0.14, 'NG1': 0.15}}, loaded",
        ),
    );
    env.alo(["run"]).expect(0).says("0.61").says("OK");
    let text = env.read("train_artifacts/score/train_summary.yaml");
    let summary: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!(summary["result"], "OK");
    assert_eq!(summary["score"], 0.61);
    assert_eq!(summary["note"], "메모");
    assert_eq!(summary["file_path"], "exported/");
    assert_eq!(summary["probability"]["OK"], 0.71);
    assert!(summary["version"].is_string());
    let date = summary["date"].as_str().unwrap();
    assert!(date.len() == 19 && date.as_bytes()[10] == b' ', "{date}");
}

#[test]
fn wrong_summaries_are_refused() {
    for (arguments, words) in [
        ("result='x' * 33, score=0.5", "result"),
        ("result=5, score=0.5", "result"),
        ("result='OK', score=1.01", "score"),
        ("result='OK', score=-0.1", "score"),
        ("result='OK', score='0.5'", "score"),
        ("result='OK', score=float('nan')", "score"),
        ("result='OK', score=object()", "object"),
        ("result='OK', score=0.5, note='x' * 129", "note"),
        ("result='OK', score=0.5, note=None", "note"),
        ("result='OK', score=0.5, probability={'OK': 0.2, 'NG': 0.2}", "probability"),
        ("result='OK', score=0.5, probability={'OK': 'much'}", "probability"),
        ("result='OK', score=0.5, probability=[1.0]", "probability"),
    ] {
        refused(&format!("self.asset.save_summary({arguments})"), "ValueError", words);
    }
}

#[test]
fn a_long_result_is_a_warning() {
    let env = train("self.asset.save_summary(result='x' * 26, score=1, note='y' * 101)");
    env.alo(["run"]).expect(0).says("25").says("100");
}

#[test]
fn load_summary_before_it_is_saved_is_refused() {
    refused("self.asset.load_summary()", "AssetError", "no step of this pipeline has saved a summary yet");
}

#[test]
fn folders_exist_and_end_in_a_slash() {
    let env = holds(
        "import os\n\
         for path, end in [\n\
         \x20   (self.asset.get_input_path(), '/input/train/'),\n\
         \x20   (self.asset.get_model_path(), '/train_artifacts/models/train/'),\n\
         \x20   (self.asset.get_output_path(), '/train_artifacts/output/'),\n\
         \x20   (self.asset.get_extra_output_path(), '/train_artifacts/extra_output/train/'),\n\
         \x20   (self.asset.get_report_path(), '/train_artifacts/report/'),\n\
         ]:\n\
         \x20   assert path.endswith(end) and os.path.isdir(path), path\n\
         \x20   if 'input' not in end:\n\
         \x20       open(path + 'left.txt', 'w').write('x')",
    );
    for folder in ["models/train", "output", "extra_output/train", "report"] {
        assert_eq!(env.read(&format!("train_artifacts/{folder}/left.txt")), "x");
    }
}

#[test]
fn use_inference_path_is_refused_in_training() {
    refused(
        "self.asset.get_model_path(use_inference_path=True)",
        "AssetError",
        "is for the inference pipeline",
    );
}

/// Saves what inference must leave.
const RESULT: &str = "open(self.asset.get_output_path() + 'output.csv', 'w').write('predicted\\n1\\n')\n\
                      self.asset.save_summary(result='OK', score=1)\n";

#[test]
fn inference_reads_the_models_of_the_step_of_the_same_base_name() {
    let env = TestEnv::new();
    let plan =
        PlanText::new().train(&["preprocess", "train1", "train2"]).inference(&["preprocess", "inference"]);
    env.plan(&plan);
    let saves =
        |name: &str| asset(&format!("open(self.asset.get_model_path() + '{name}', 'w').write('{name}')"));
    env.write("assets/train1/asset_train.py", saves("one"));
    env.write("assets/train2/asset_train.py", saves("two"));
    env.write(
        "assets/preprocess/asset_preprocess.py",
        asset(
            "path = self.asset.get_model_path() + 'scale'\n\
             if self.asset_envs['pipeline'] == 'train_pipeline':\n\
             \x20   open(path, 'w').write('7')\n\
             assert open(path).read() == '7'",
        ),
    );
    let inference = "import os\n\
         assert sorted(os.listdir(self.asset.get_model_path())) == ['one', 'two']\n\
         assert self.asset.get_model_path().endswith('/train_artifacts/models/train/')\n\
         own = self.asset.get_model_path(use_inference_path=True)\n\
         assert own.endswith('/inference_artifacts/models/inference/')\n\
         open(own + 'tuned', 'w').write('x')\n";
    env.write("assets/inference/asset_inference.py", asset(&format!("{inference}{RESULT}")));
    env.alo(["run"]).expect(0);
    assert_eq!(env.read("inference_artifacts/models/inference/tuned"), "x");
}

#[test]
fn inference_without_a_model_names_the_train_step_to_run() {
    for (step, words) in [("inference", "with a step `train`"), ("preprocess", "with a step `preprocess`")] {
        let env = TestEnv::new();
        env.plan(PlanText::new().inference(&[step]));
        let run = format!("self.asset.get_model_path()\n{RESULT}");
        env.write(&format!("assets/{step}/asset_{step}.py"), asset(&run));
        env.alo(["run"]).expect(1).says(words).says("line 13, in run");
    }
}

#[test]
fn the_report_is_for_training() {
    let env = TestEnv::new();
    env.plan(PlanText::new().inference(&["output"]));
    env.write("assets/output/asset_output.py", asset(&format!("self.asset.get_report_path()\n{RESULT}")));
    env.alo(["run"]).expect(1).says("get_report_path is for the train pipeline").says("line 13, in run");
}

#[test]
fn custom_configs_are_read_from_the_input() {
    let env = TestEnv::new();
    let plan = PlanText::new().train(&["train"]).external("load_train_data_path", "./data/");
    env.plan(&plan);
    env.write("data/a.ini", "[section]\nkey = value\n");
    env.write("data/b.yaml", "when: 2022-08-22\nflag: yes\n");
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import datetime\n\
             assert self.asset.read_custom_config('data/a.ini')['section']['key'] == 'value'\n\
             config = self.asset.read_custom_config('data/b.yaml')\n\
             assert config == {'when': datetime.date(2022, 8, 22), 'flag': True}, config",
        ),
    );
    env.alo(["run"]).expect(0);
}

#[test]
fn custom_configs_elsewhere_or_of_another_kind_are_refused() {
    refused("self.asset.read_custom_config('nothing.ini')", "ValueError", "there is no file `nothing.ini`");
    refused(
        "self.asset.read_custom_config('../../experimental_plan.yaml')",
        "ValueError",
        "outside the input folder",
    );
}

#[test]
fn messages_are_logged_with_the_assets_line() {
    let env = train(
        "self.asset.save_info('seen', show=True)\nself.asset.save_warning('odd')\nprint('printed 한글')\n\
         import sys; print('to stderr', file=sys.stderr)",
    );
    let outcome = env.alo(["run"]).expect(0).says("printed 한글").says("to stderr").says("warning: odd");
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.rfind("seen") > outcome.stderr.rfind("finished in"), "not repeated: {outcome:?}");
    let log = env.read("train_artifacts/log/pipeline.log");
    for line in [
        "|USER|INFO|asset_train.py(13)|run()] seen",
        "|USER|WARNING|asset_train.py(14)|run()] odd",
        "|USER|INFO|asset_train.py(0)|stdout()] printed 한글",
        "|USER|INFO|asset_train.py(0)|stderr()] to stderr",
    ] {
        assert!(log.contains(line), "`{line}` is not in\n{log}");
    }
    let order: Vec<_> = ["seen", "odd", "printed", "to stderr"].map(|word| log.find(word)).into();
    assert!(order.is_sorted(), "not in order:\n{log}");
    assert!(env.read("train_artifacts/log/process.log").contains("|ALO|INFO|"));
}

#[test]
fn save_error_ends_the_run_with_its_message() {
    refused("self.asset.save_error('the sensor is off')", "AssetError", "the sensor is off");
}

#[test]
fn assets_of_the_first_generation_run() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["input", "train"]).args("train", "{n: 3}"));
    env.write("assets/input/asset_input.py", asset("self.data['dataframe'] = [1, 2]"));
    env.write(
        "assets/train/asset_train.py",
        "from alolib.asset import Asset\nimport alolib.common as common\nfrom alolib.exception import *\n\
         class UserAsset(Asset):\n\
         \x20   def __init__(self, envs, argv, data, config):\n\
         \x20       super().__init__(envs, argv, version=1.0)\n\
         \x20       self.args = self.asset.load_config('args')\n\
         \x20       self.config = config\n\
         \x20       self.input_data = data['dataframe']\n\
         \x20   @Asset.decorator_run\n\
         \x20   def run(self):\n\
         \x20       assert self.args == {'n': 3} and self.asset.check_args('n', chng_type='int') == 3\n\
         \x20       assert self.asset.get_model_path() and self.asset.get_report_path() and self.asset.get_output_path()\n\
         \x20       self.asset.save_summary('OK', 0.5)\n\
         \x20       return {'dataframe': self.input_data + [3]}, self.config\n",
    );
    env.alo(["run"]).expect(0);
}
