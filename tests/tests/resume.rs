//! `alo run --resume`: what has not changed is put back, what has is run, and nothing is taken for unchanged that is not.

use alo_tests::{PlanText, TestEnv, asset};

/// An asset that says when it runs, which is said again when its result is put back.
fn counting(run: &str) -> String {
    asset(&format!("self.asset.save_info('ran', show=True)\n{run}"))
}

/// A project of two pipelines in which each step leaves something of every kind.
fn project() -> TestEnv {
    let env = TestEnv::new();
    env.write("data/train/numbers.csv", "1\n2\n3\n").write("data/infer/numbers.csv", "4\n5\n");
    env.plan(plan());
    env.write(
        "assets/input/asset_input.py",
        counting(
            "import glob\n\
             rows = [line for path in sorted(glob.glob(self.asset.get_input_path() + '**/*.csv', recursive=True)) for line in open(path)]\n\
             self.data['rows'] = [int(row) for row in rows]\n\
             self.config['count'] = len(rows)\n\
             open(self.asset.get_extra_output_path() + 'rows', 'w').writelines(rows)",
        ),
    );
    env.write(
        "assets/train/asset_train.py",
        counting(
            "factor = self.asset.check_args('factor', default=2, chng_type='int')\n\
             open(self.asset.get_model_path() + 'model', 'w').write(str(factor * sum(self.data['rows'])))\n\
             open(self.asset.get_report_path() + 'report.html', 'w').write('<p>%d</p>' % self.config['count'])\n\
             self.asset.save_summary('trained', 0.5, probability={1: 0.4, 'b': 0.6})",
        ),
    );
    env.write(
        "assets/inference/asset_inference.py",
        counting(
            "model = int(open(self.asset.get_model_path() + 'model').read())\n\
             self.data['out'] = [model + row for row in self.data['rows']]",
        ),
    );
    env.write(
        "assets/output/asset_output.py",
        counting(
            "with open(self.asset.get_output_path() + 'output.csv', 'w') as table:\n\
             \x20   table.writelines('%d\\n' % row for row in self.data['out'])\n\
             self.asset.save_summary('OK', 0.75, note=str(self.data['out']))",
        ),
    );
    env
}

fn plan() -> PlanText {
    plan_with("factor: 2")
}

fn plan_with(args: &str) -> PlanText {
    PlanText::new()
        .train(&["input", "train"])
        .args("train", args)
        .inference(&["input", "inference", "output"])
        .external("load_train_data_path", "./data/train")
        .external("load_inference_data_path", "./data/infer")
}

/// The decision on every step, as `<pipeline>/<step>` and `reused` or the kind of the reason.
fn decisions(env: &TestEnv, arguments: &[&str]) -> Vec<String> {
    let all: Vec<&str> = ["run", "--resume", "--format", "json"].iter().chain(arguments).copied().collect();
    let events = env.alo(all).events();
    let decided = events.iter().filter(|event| event["event"] == "step_decided");
    decided
        .map(|event| {
            let why = event["why"]["kind"].as_str().or(event["decision"].as_str()).unwrap();
            format!("{}/{} {why}", event["pipeline"].as_str().unwrap(), event["step"].as_str().unwrap())
        })
        .collect()
}

/// Only the steps that ran.
fn ran(env: &TestEnv) -> Vec<String> {
    decisions(env, &[]).into_iter().filter(|decision| !decision.ends_with(" reused")).collect()
}

#[test]
fn what_is_put_back_is_what_a_plain_run_makes() {
    let (env, plain) = (project(), project());
    assert_eq!(ran(&env).len(), 5, "nothing is known at first");
    plain.alo(["run"]).expect(0);
    for _ in 0..2 {
        assert_eq!(ran(&env), Vec::<String>::new());
        assert_eq!(env.results(), plain.results());
        for file in [
            "train_artifacts/models/train/model",
            "train_artifacts/report/report.html",
            "train_artifacts/extra_output/input/rows",
            "inference_artifacts/extra_output/input/rows",
            "inference_artifacts/output/output.csv",
        ] {
            assert_eq!(env.read(file), plain.read(file), "{file}");
        }
    }
    let shown = env.alo(["run", "--resume", "--explain"]).expect(0).says("not run: unchanged since");
    shown.says("unchanged input in").says("score    0.75");
}

#[test]
fn only_what_changed_runs_and_the_reason_is_named() {
    let env = project();
    env.alo(["run", "--resume"]).expect(0);

    env.write("assets/output/asset_output.py", env.read("assets/output/asset_output.py") + "\n# touched\n");
    assert_eq!(ran(&env), ["inference/output code"]);

    env.plan(plan_with("factor: 3"));
    let models = ["inference/input model", "inference/inference model", "inference/output model"];
    assert_eq!(
        ran(&env),
        [&["train/train argument"], &models[..]].concat(),
        "every step of inference may read it"
    );
    assert_eq!(env.read("inference_artifacts/output/output.csv"), "22\n23\n");

    env.plan(plan());
    assert_eq!(ran(&env), Vec::<String>::new(), "what was kept before is still there");
    assert_eq!(env.read("inference_artifacts/output/output.csv"), "16\n17\n");

    env.write("data/infer/numbers.csv", "4\n6\n");
    let shown = env.alo(["run", "--resume", "--explain"]).expect(0);
    shown.says("input data: `infer/numbers.csv` has changed");
    assert_eq!(env.read("inference_artifacts/output/output.csv"), "16\n18\n");

    // It leaves the same as before, so what follows need not run.
    env.write("assets/input/asset_input.py", env.read("assets/input/asset_input.py") + "\n# touched\n");
    assert_eq!(ran(&env), ["train/input code", "inference/input code"]);

    let more = env.read("assets/input/asset_input.py").replace("len(rows)", "len(rows) + 1");
    env.write("assets/input/asset_input.py", more);
    let train = ["train/input code", "train/train earlier"];
    let inference = ["inference/input code", "inference/inference earlier", "inference/output earlier"];
    assert_eq!(ran(&env), [&train[..], &inference[..]].concat());
}

#[test]
fn a_failed_run_goes_on_where_it_failed() {
    let env = project();
    let good = env.read("assets/train/asset_train.py");
    env.write("assets/train/asset_train.py", counting("raise RuntimeError('no')"));
    env.alo(["run", "--resume"]).expect(1);
    assert_eq!(ran(&env), ["train/train not_kept"], "it failed last time, and does again");
    env.write("assets/train/asset_train.py", good);
    let decided = ran(&env);
    assert_eq!(decided[0], "train/train code");
    assert!(!decided.contains(&"train/input never_ran".to_owned()), "{decided:?}");
    assert_eq!(env.read("inference_artifacts/output/output.csv"), "16\n17\n");
}

#[test]
fn a_damaged_result_is_not_used() {
    let env = project();
    env.alo(["run", "--resume"]).expect(0);
    let kept: Vec<_> = files(&env.path(".alo/steps/train"));
    assert!(kept.len() >= 6, "{kept:?}");
    for file in kept {
        // What was made again may have other names: the summary has another date.
        let Ok(good) = fs_err::read(&file) else { continue };
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        fs_err::write(&file, &bad).unwrap();
        let decided = ran(&env);
        assert!(!decided.is_empty(), "{file} was used although it is damaged");
        assert_eq!(env.read("train_artifacts/models/train/model"), "12");
        assert_eq!(ran(&env), Vec::<String>::new(), "it was made again: {file}");
    }
}

fn files(folder: &camino::Utf8Path) -> Vec<camino::Utf8PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir_utf8().unwrap() {
        let path = entry.unwrap().path().to_owned();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn a_step_that_touches_the_world_is_run_again() {
    let reasons = [
        ("open(self.project_home + 'beside', 'w').write('x')", "it wrote outside its folders"),
        ("import os; os.makedirs(self.project_home + 'made', exist_ok=True)", "it wrote outside its folders"),
        (
            "import os\npipe = self.project_home + 'pipe'\nos.path.lexists(pipe) or os.mkfifo(pipe)",
            "it wrote outside its folders",
        ),
        (
            "import tempfile; open(tempfile.gettempdir() + '/left', 'w').close()",
            "it wrote outside its folders",
        ),
        (
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))",
            "it opened a connection",
        ),
        ("import subprocess; subprocess.run(['true'])", "it started another program"),
        (
            "import multiprocessing as m; p = m.get_context('spawn').Process(); p.start(); p.join()",
            "it started another program",
        ),
        ("self.config['run'] = self.asset.load_envs()['run_id'][:8]", "it asked for the id of its run"),
        ("self.config['run'] = {**self.asset_envs}.get('run_id')[:8]", "it asked for the id of its run"),
        ("self.config['model'] = self.asset.get_model_path()", "it left a path or id of its run in `config`"),
        (
            "open(self.asset.get_output_path() + 'x', 'w').write(self.asset.get_output_path())",
            "it left a path or id of its run in `output/x`",
        ),
        (
            "import os; os.symlink('model', self.asset.get_model_path() + 'link')",
            "it left something that cannot be put back",
        ),
        (
            "import builtins; builtins.KEPT = open(self.asset.get_model_path() + 'm', 'w'); builtins.KEPT.write('x')",
            "it left something unfinished: `",
        ),
        (
            "import atexit\nmodel = self.asset.get_model_path() + 'm'\natexit.register(lambda: open(model, 'w').close())",
            "it left something unfinished: the call of `<lambda>` at the end of the interpreter",
        ),
        (
            "import threading\nmodel = self.asset.get_model_path() + 'm'\n\
             write = lambda: (threading.main_thread().join(), open(model, 'w').close())\n\
             threading.Thread(target=write, name='writer').start()",
            "it left something unfinished: the thread `writer`, which is running",
        ),
    ];
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    for (run, reason) in reasons {
        env.write("assets/train/asset_train.py", asset(run));
        env.alo(["run", "--resume"]).expect(0);
        env.alo(["run", "--resume", "--explain"])
            .expect(0)
            .says(&format!("its last result was not kept: {reason}"));
    }
}

#[test]
fn what_is_closed_or_has_ended_with_the_step_is_kept() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import logging, tempfile, threading\n\
             from concurrent.futures import ThreadPoolExecutor\n\
             self.model = open(self.asset.get_model_path() + 'm', 'w')\n\
             self.itself = self\n\
             with ThreadPoolExecutor(2) as pool:\n\
             \u{20}   pool.submit(self.model.write, 'whole').result()\n\
             self.folder = tempfile.TemporaryDirectory()\n\
             thread = threading.Thread(target=print)\n\
             thread.start(); thread.join()",
        ),
    );
    env.alo(["run", "--resume"]).expect(0);
    assert_eq!(ran(&env), Vec::<String>::new());
    assert_eq!(env.read("train_artifacts/models/train/m"), "whole");
}

#[test]
fn a_file_that_a_step_reads_elsewhere_is_looked_at_again() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write("common/lookup.txt", "one").write("common/shared.py", "VALUE = 1\n");
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import os, sys\n\
             sys.path.append(self.project_home + 'common')\n\
             import shared\n\
             text = open(self.project_home + 'common/lookup.txt').read() + str(shared.VALUE) + str(os.path.exists('absent') and open('absent').read())\n\
             text += str(os.environ.get('WISH'))\n\
             open(self.asset.get_model_path() + 'model', 'w').write(text)",
        ),
    );
    env.alo(["run", "--resume"]).expect(0);
    assert_eq!(ran(&env), Vec::<String>::new());
    env.write("common/lookup.txt", "two");
    assert_eq!(ran(&env), ["train/train read"]);
    env.write("common/shared.py", "VALUE = 2\n");
    assert_eq!(ran(&env), ["train/train read"]);
    assert!(env.read("train_artifacts/models/train/model").starts_with("two2"));
    let env = env.with_variable("WISH", "more");
    assert_eq!(ran(&env), ["train/train variable"]);
    assert!(env.read("train_artifacts/models/train/model").ends_with("more"));
}

#[test]
fn what_a_step_looks_at_elsewhere_without_opening_it_counts() {
    let env = TestEnv::new();
    let plan = PlanText::new().train(&["train"]).external("load_train_data_path", "./data");
    env.plan(&plan);
    env.write("data/rows", "1").write("sized", "1").write("c/a/x", "").write("d/t", "1").write("v1/f", "1");
    env.write("v2/f", "2").write("common/shared.py", "VALUE = 1\n");
    env.write(
        "assets/train/asset_train.py",
        asset(
            "import glob, os, pathlib, sys\n\
             home = self.project_home\n\
             import shared\n\
             sys.path.append(home + 'plugins')\n\
             try:\n\
             \u{20}   import optional\n\
             except ImportError:\n\
             \u{20}   optional = None\n\
             seen = [os.path.exists(home + 'flag'), os.path.getsize(home + 'sized'), os.path.isdir(home + 'folder'),\n\
             \u{20}   pathlib.Path(home, 'flag2').exists(), os.access(home + 'flag3', os.R_OK), glob.glob(home + 'c/*/t'),\n\
             \u{20}   os.readlink(home + 'link'), open(home + 'current/f').read(), shared.VALUE, str(optional),\n\
             \u{20}   os.read(os.open('t', os.O_RDONLY, dir_fd=os.open(home + 'd', os.O_RDONLY)), 9),\n\
             \u{20}   open('/proc/self/cwd/v2/f').read(), sorted(os.listdir(self.asset.get_input_path() + 'data')),\n\
             \u{20}   sorted(name for name in os.listdir(os.path.dirname(__file__)) if name[0] != '_'),\n\
             \u{20}   oct(os.stat(os.path.dirname(__file__) + '/script').st_mode)]\n\
             open(self.asset.get_model_path() + 'model', 'w').write(repr(seen))",
        ),
    );
    env.write("assets/train/script", "");
    let link = |target: &str, name: &str| {
        let name = env.path(name);
        let _ = fs_err::remove_file(&name);
        fs_err::os::unix::fs::symlink(target, name).unwrap();
    };
    link("v1", "link");
    link("v1", "current");
    link("../../common/shared.py", "assets/train/shared.py");
    env.alo(["run", "--resume"]).expect(0);
    assert_eq!(ran(&env), Vec::<String>::new());
    let write = |name: &str, text: &str| _ = env.write(name, text);
    let folder = |name: &str| fs_err::create_dir_all(env.path(name)).unwrap();
    let changes: [(&str, &dyn Fn()); 15] = [
        ("flag", &|| write("flag", "")),
        ("size", &|| write("sized", "12")),
        ("folder", &|| folder("folder")),
        ("pathlib", &|| write("flag2", "")),
        ("access", &|| write("flag3", "")),
        ("glob", &|| write("c/a/t", "")),
        ("link", &|| link("v2", "link")),
        ("folder that is a link", &|| link("v2", "current")),
        ("link out of the code", &|| write("common/shared.py", "VALUE = 22\n")),
        ("module that appears", &|| write("plugins/optional.py", "")),
        ("in an open folder", &|| write("d/t", "2")),
        ("/proc", &|| write("v2/f", "3")),
        ("empty folder of data", &|| folder("data/empty")),
        ("empty folder of code", &|| folder("assets/train/empty")),
        ("mode", &|| {
            let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            fs_err::set_permissions(env.path("assets/train/script"), all).unwrap();
        }),
    ];
    for (what, change) in changes {
        let before = env.read("train_artifacts/models/train/model");
        change();
        assert_eq!(ran(&env), ["train/train read"], "{what}");
        assert_ne!(env.read("train_artifacts/models/train/model"), before, "{what}");
        assert_eq!(ran(&env), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn what_a_module_reads_when_it_is_loaded_counts_for_every_step_that_has_it() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["input", "train"]));
    env.write("common/setting", "1");
    let module = "import os\nVALUE = open(os.path.join(os.path.dirname(__file__), 'setting')).read()\n";
    env.write("common/shared.py", module);
    let import = "import sys; sys.path.append(self.project_home + 'common')\nimport shared";
    env.write("assets/input/asset_input.py", asset(import));
    let write = "open(self.asset.get_model_path() + 'model', 'w').write(shared.VALUE)";
    env.write("assets/train/asset_train.py", asset(&format!("{import}\n{write}")));
    env.alo(["run", "--resume"]).expect(0);
    assert_eq!(ran(&env), Vec::<String>::new());
    env.write("common/setting", "2");
    assert_eq!(ran(&env), ["train/input read", "train/train read"]);
    assert_eq!(env.read("train_artifacts/models/train/model"), "2");
}

#[test]
fn a_variable_of_the_session_counts_for_a_step_that_reads_it() {
    let env = TestEnv::new().with_variable("COLUMNS", "80").with_variable("ALO_STAGE", "dev");
    env.plan(PlanText::new().train(&["input", "train"]));
    env.write("assets/input/asset_input.py", asset("pass"));
    let read =
        "import os, shutil\nself.data['seen'] = (os.getenv('ALO_STAGE'), shutil.get_terminal_size().columns)";
    env.write("assets/train/asset_train.py", asset(read));
    env.alo(["run", "--resume"]).expect(0);
    let env = env.with_variable("SSH_TTY", "/dev/pts/1");
    assert_eq!(ran(&env), Vec::<String>::new());
    let env = env.with_variable("COLUMNS", "99");
    assert_eq!(ran(&env), ["train/train variable"]);
    let env = env.with_variable("ALO_STAGE", "prod");
    assert_eq!(ran(&env), ["train/train variable"]);
    assert_eq!(ran(&env), Vec::<String>::new());
}

#[test]
fn a_file_that_changes_after_a_step_has_read_it_is_not_what_it_has_read() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    env.write("lookup", "one more");
    // What a C library does by itself is what somebody else does.
    let run = "import ctypes\n\
               text = open(self.project_home + 'lookup').read()\n\
               ctypes.CDLL(None).truncate((self.project_home + 'lookup').encode(), 3)\n\
               open(self.asset.get_model_path() + 'model', 'w').write(text)";
    env.write("assets/train/asset_train.py", asset(run));
    env.alo(["run", "--resume"]).expect(0);
    assert_eq!(
        (env.read("train_artifacts/models/train/model").as_str(), env.read("lookup").as_str()),
        ("one more", "one")
    );
    env.alo(["run", "--resume", "--explain"])
        .expect(0)
        .says("lookup`, which it read, was changed while it ran");
    assert_eq!(env.read("train_artifacts/models/train/model"), "one");
}

#[test]
fn random_numbers_and_variables_go_on_where_a_step_left_them() {
    let write = |env: &TestEnv, tail: &str| {
        env.plan(PlanText::new().train(&["input", "train"]));
        let seeds = "import os, random\nrandom.seed(7); random.random(); os.environ['MARK'] = 'set'";
        env.write("assets/input/asset_input.py", asset(seeds));
        let draws = "import os, random\n\
                     open(self.asset.get_model_path() + 'model', 'w').write(repr(random.random()) + os.environ['MARK'])";
        env.write("assets/train/asset_train.py", asset(&format!("{draws}{tail}")));
    };
    let (env, plain) = (TestEnv::new(), TestEnv::new());
    write(&env, "");
    env.alo(["run", "--resume"]).expect(0);
    write(&env, "\npass");
    assert_eq!(ran(&env), ["train/train code"]);
    write(&plain, "");
    plain.alo(["run"]).expect(0);
    assert_eq!(
        env.read("train_artifacts/models/train/model"),
        plain.read("train_artifacts/models/train/model")
    );
}

#[test]
fn what_a_step_changes_of_its_process_is_there_for_the_next_one() {
    // What the first step does, what the second sees of it, and whether a file can bring it back.
    let changes = [
        ("import decimal; decimal.getcontext().prec = 5", "str(__import__('decimal').Decimal(1) / 3)", true),
        ("import os; os.umask(0o077)", "oct(__import__('os').umask(0))", true),
        ("import sys; sys.setrecursionlimit(4321)", "__import__('sys').getrecursionlimit()", true),
        ("import sys; sys.path.append(self.project_home + 'common')", "__import__('shared').VALUE", true),
        ("import logging; logging.getLogger().setLevel(10)", "__import__('logging').getLogger().level", true),
        ("import warnings; warnings.simplefilter('error')", "__import__('warnings').filters[0]", true),
        ("import builtins; builtins.SHARED = 5", "__import__('builtins').SHARED", false),
        (
            "import sys; sys.path.append(self.project_home + 'common')\nimport shared; shared.LIST.append(1)",
            "__import__('shared').LIST",
            false,
        ),
    ];
    let env = TestEnv::new();
    env.write("common/shared.py", "VALUE = 1\nLIST = []\n");
    env.plan(PlanText::new().train(&["input", "train"]));
    for (change, sees, is_kept) in changes {
        let see = format!("open(self.asset.get_model_path() + 'model', 'w').write(repr({sees}))");
        env.write("assets/input/asset_input.py", asset(change));
        env.write("assets/train/asset_train.py", asset(&see));
        env.alo(["run", "--resume"]).expect(0);
        let seen = env.read("train_artifacts/models/train/model");
        env.write("assets/train/asset_train.py", asset(&format!("{see}\npass")));
        let ran = ran(&env);
        assert_eq!(ran.len(), if is_kept { 1 } else { 2 }, "{change}: {ran:?}");
        assert_eq!(env.read("train_artifacts/models/train/model"), seen, "{change}");
        if !is_kept {
            env.alo(["run", "--resume", "--explain"]).expect(0).says("changed what later steps see");
        }
    }
}

#[test]
fn filters_of_warnings_that_are_gone_with_their_block_do_not_count() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["train"]));
    let run = "import warnings\nwith warnings.catch_warnings():\n\u{20}   warnings.resetwarnings()\n\
               \u{20}   warnings.simplefilter('ignore', type('Own', (Warning,), {}))";
    env.write("assets/train/asset_train.py", asset(run));
    env.alo(["run", "--resume"]).expect(0);
    assert_eq!(ran(&env), Vec::<String>::new());
}

#[test]
fn data_that_is_loaded_once_is_what_it_was_until_it_is_looked_at_again() {
    let env = project();
    env.plan(plan().control("get_external_data", "once"));
    assert_eq!(ran(&env).len(), 5, "nothing is known at first");
    env.write("data/infer/numbers.csv", "4\n6\n");
    assert_eq!(ran(&env), Vec::<String>::new());
    assert_eq!(env.read("inference_artifacts/output/output.csv"), "16\n17\n");
    env.plan(plan().control("get_external_data", "every"));
    env.alo(["run", "--resume"]).expect(0);
    assert_eq!(env.read("inference_artifacts/output/output.csv"), "16\n18\n");
}

#[test]
fn permissions_come_back_as_they_were() {
    let env = TestEnv::new();
    env.plan(PlanText::new().train(&["input", "train"]));
    env.write(
        "assets/input/asset_input.py",
        asset(
            "import os\n\
             made = self.asset.get_extra_output_path()\n\
             for name, mode in (('secret', 0o600), ('fixed', 0o444), ('script', 0o755)):\n\
             \u{20}   open(made + name, 'w').write(name)\n\
             \u{20}   os.chmod(made + name, mode)\n\
             os.mkdir(made + 'closed', 0o700)",
        ),
    );
    let changes = "import os\nos.chmod(self.asset.get_extra_output_path().replace('train/', 'input/') + 'secret', 0o640)";
    env.write("assets/train/asset_train.py", asset(changes));
    let modes = || {
        ["secret", "fixed", "script", "closed"].map(|name| {
            let meta = fs_err::metadata(env.path("train_artifacts/extra_output/input").join(name)).unwrap();
            format!("{:o}", std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777)
        })
    };
    env.alo(["run", "--resume"]).expect(0);
    assert_eq!(modes(), ["640", "444", "755", "700"]);
    assert_eq!(ran(&env), Vec::<String>::new());
    assert_eq!(modes(), ["640", "444", "755", "700"]);
}

#[test]
fn names_of_arguments_of_different_types_are_different() {
    let env = TestEnv::new();
    let write = |args: &str| {
        env.plan(PlanText::new().train(&["train"]).args("train", args));
    };
    let run = "open(self.asset.get_model_path() + 'model', 'w').write(repr(self.args))";
    env.write("assets/train/asset_train.py", asset(run));
    for (args, seen) in [("1: a", "{1: 'a'}"), ("\"1\": a", "{'1': 'a'}"), ("true: a", "{True: 'a'}")] {
        write(args);
        assert_eq!(ran(&env).len(), 1, "{args}");
        assert_eq!(env.read("train_artifacts/models/train/model"), seen);
    }
}

#[test]
fn without_resume_every_step_runs_and_says_so() {
    let env = project();
    env.alo(["run", "--resume"]).expect(0);
    env.alo(["run", "--explain"])
        .expect(0)
        .says("runs: every step does without `--resume`")
        .says_not("not run");
}
