//! What makes runs fast changes no bit: files between steps and copies of workers against the plain way. Installs the
//! packages of the Titanic example from PyPI.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use alo_tests::{PlanText, TestEnv, asset};
use serde_json::Value as Json;

/// Those of the example, so that the environment is shared with its tests.
const PACKAGES: &str = "[pandas==2.2.3, numpy==2.2.6, scipy==1.15.3, scikit-learn==1.6.1]";

/// Values of all kinds that steps hand on.
const MAKE: &str = "import datetime, decimal
import numpy, pandas


def make():
    random = numpy.random.default_rng(5)
    rows = 20_000
    texts = ['text %d' % n for n in range(rows)]
    table = pandas.DataFrame({'a': random.random(rows), 'b': random.random(rows), 'n': numpy.arange(rows)})
    table['text'] = texts
    table['some'] = [None if n % 7 == 0 else float('nan') if n % 7 == 1 else '글자 %d' % n for n in range(rows)]
    table['few'] = ['yes' if n % 3 else 'no' for n in range(rows)]
    table['mixed'] = [n if n % 2 else 'x%d' % n for n in range(rows)]
    table['big'] = [2 ** 70 + n for n in range(rows)]
    table['kind'] = pandas.Categorical(table['few'], categories=['no', 'yes', 'never'], ordered=True)
    table['time'] = pandas.date_range('2024-02-29', periods=rows, freq='s')
    table['zone'] = table['time'].dt.tz_localize('Asia/Seoul')
    table['delta'] = table['time'] - table['time'][0]
    table['whole'] = pandas.array([None if n % 5 == 0 else n for n in range(rows)], dtype='Int64')
    table['flag'] = pandas.array([None if n % 5 == 0 else n % 2 == 0 for n in range(rows)], dtype='boolean')
    table['string'] = pandas.array(texts, dtype='string')
    table['sparse'] = pandas.arrays.SparseArray([1.0 if n % 100 == 0 else 0.0 for n in range(rows)], fill_value=0.0)
    table['month'] = table['time'].dt.to_period('M')
    table['a'] = table['a'] * 2
    table.loc[3, 'b'] = float('nan')
    by_two = table[['few', 'n', 'a']].set_index(['few', 'n'])
    block = random.random((4000, 25))
    shared, inner = random.random(50_000), [1, 2]
    return {
        'table': table, 'by two': by_two, 'series': table['text'].iloc[::3], 'empty': table.iloc[:0],
        'backwards': table[['a', 'text']].iloc[::-1], 'columns': pandas.DataFrame([[1, 2]], columns=[('x', 1), ('y', 2)]),
        'shared': shared, 'shared again': [shared], 'part': shared[100:40_000], 'view': block[:, 1:], 'sparse view': block[::3, ::5],
        'fortran': numpy.asfortranarray(block), 'turned': block.T, 'none': numpy.zeros((0, 3)), 'scalar': numpy.float32(0.1),
        'times': numpy.arange(20_000).astype('M8[s]'), 'records': numpy.zeros(9000, [('a', 'i4'), ('b', 'M8[D]')]),
        'complex': numpy.array([1 + 2j]), 'words': numpy.array(['a', 'bcd']), 'bytes': bytes(10_000),
        'texts by columns': numpy.asfortranarray(numpy.array([['%d/%d' % (n, k) for k in range(3)] for n in range(9000)], object)),
        'objects': numpy.array([decimal.Decimal(n) / 7 for n in range(12_000)], object),
        'stray': numpy.array([*texts, datetime.date(2024, 2, 29)], object), 'lists': numpy.array([inner, [3, 4], None], object),
        'nested': {1: {'deep': [inner, inner, {'set': {3}, 'tuple': (None, 2 ** 80, -0.0, float('inf'))}]}, 'when': datetime.datetime(2024, 2, 29)},
    }
";

/// Writes down what values are, by nothing but Python's own types.
const DESCRIBE: &str = "import hashlib
import numpy, pandas


def lines(value):
    name = type(value).__name__
    if isinstance(value, pandas.DataFrame):
        yield '%s %s' % (name, value.shape)
        yield from lines(value.index)
        yield from lines(value.columns)
        for number in range(value.shape[1]):
            yield from lines(value.iloc[:, number])
    elif isinstance(value, (pandas.Series, pandas.Index)):
        yield '%s %r %s %r' % (name, value.name if isinstance(value, pandas.Series) else list(value.names), value.dtype, getattr(value, 'freq', None))
        if isinstance(value, pandas.Series):
            yield from lines(value.index)
        yield objects(value.tolist())
    elif isinstance(value, numpy.ndarray):
        yield '%s %s %s %s' % (name, value.dtype, value.shape, value.flags.writeable)
        yield objects(value.tolist()) if value.dtype.hasobject else digest(value.tobytes())
    elif isinstance(value, dict):
        for key, item in value.items():
            yield '%s %r:' % (name, key)
            yield from lines(item)
    elif isinstance(value, (list, tuple)):
        yield '%s %d' % (name, len(value))
        for item in value:
            yield from lines(item)
    else:
        yield '%s %r' % (name, value)


def objects(values):
    return digest(repr([(type(value).__name__, value) for value in values]).encode())


def digest(memory):
    return hashlib.sha256(memory).hexdigest()


def identities(data):
    deep = data['nested'][1]['deep']
    return [data['shared'] is data['shared again'][0], deep[0] is deep[1], deep[0] is data['lists'][0],
            data['table']['few'][1] is data['table']['few'][2], data['fortran'].flags.f_contiguous]
";

/// Files by their path, as they are.
type Files = BTreeMap<String, Vec<u8>>;

/// The artifacts in a folder of a project, but for logs and the date of summaries.
fn files(env: &TestEnv, folder: &str) -> Files {
    let mut found = BTreeMap::new();
    let mut folders = vec![env.path(folder)];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            let name = path.strip_prefix(env.path(folder)).unwrap().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.contains('/') && !name.starts_with("log/") {
                let content = fs_err::read(&path).unwrap();
                let lines = content.split_inclusive(|byte| *byte == b'\n');
                found.insert(
                    name,
                    lines.filter(|line| !line.starts_with(b"date:")).flatten().copied().collect(),
                );
            }
        }
    }
    found
}

/// Fails, and names the files, unless both have the same ones with the same bits.
#[track_caller]
fn same(ours: &Files, theirs: &Files) {
    let names = ours.keys().chain(theirs.keys());
    let different: std::collections::BTreeSet<_> =
        names.filter(|name| ours.get(*name) != theirs.get(*name)).collect();
    assert!(different.is_empty(), "{different:?}");
}

#[test]
fn values_come_by_files_as_by_memory_and_by_a_plain_pickle() {
    let look = "import describe\n\
                folder = self.asset.get_extra_output_path()\n\
                for number, (name, value) in enumerate(self.data.items()):\n\
                \x20   with open('%s%02d.txt' % (folder, number), 'w') as file:\n\
                \x20       file.write('\\n'.join([name, *describe.lines(value)]))\n\
                with open(folder + 'identities.txt', 'w') as file:\n\
                \x20   file.write(repr(describe.identities(self.data)))\n\
                self.data['shared'] += 1\n\
                self.data['times'][:] = 0\n\
                self.data['table'].iloc[0, 0] = 7.0\n\
                assert self.data['shared again'][0][0] == self.data['shared'][0]";
    let left = |mode: &str, pass: &str| {
        let env = TestEnv::new().with_shared_cache();
        let steps = ["make", "pass", "look"];
        let plan =
            steps.iter().fold(PlanText::new().train(&steps), |plan, step| plan.requirements(step, PACKAGES));
        env.plan(plan.control("interface_mode", mode));
        env.write("assets/make/asset_make.py", asset("import making\nself.data.update(making.make())"));
        env.write("assets/make/making.py", MAKE);
        env.write("assets/pass/asset_pass.py", asset(pass));
        env.write("assets/look/asset_look.py", asset(look));
        env.write("assets/look/describe.py", DESCRIBE);
        env.alo(["run"]).expect(0);
        files(&env, "train_artifacts")
    };
    let by_memory = left("memory", "pass");
    let identities = String::from_utf8_lossy(&by_memory["extra_output/look/identities.txt"]).into_owned();
    assert_eq!((by_memory.len(), identities.as_str()), (26, "[True, True, True, True, True]"));
    same(&left("file", "pass"), &by_memory);
    let plain = "import pickle\nself.data = pickle.loads(pickle.dumps(self.data))";
    same(&left("memory", plain), &by_memory);
}

/// A project that hands a table of 8 MB on by four steps, which change little of it.
fn table_through(mode: &str) -> TestEnv {
    let env = TestEnv::new().with_shared_cache();
    let steps = ["make", "column", "cell", "look"];
    let plan =
        steps.iter().fold(PlanText::new().train(&steps), |plan, step| plan.requirements(step, PACKAGES));
    env.plan(plan.control("interface_mode", mode));
    let make = "import numpy, pandas\n\
                table = pandas.DataFrame(numpy.random.default_rng(1).random((40_000, 25))).add_prefix('x')\n\
                self.data.update(table=table, times=numpy.arange(300_000).astype('M8[s]'), same=numpy.arange(300_000.0))";
    let column =
        "table = self.data['table']\ntable['x0'] = table['x1'] * 2\nself.data['view'] = table.to_numpy()[:9]";
    let cell = "self.data['table'].loc[7, 'x3'] = 7.0\nself.data['same'][5:] -= 5\nself.data['part'] = self.data['same'][9:]";
    let look = "import describe\n\
                with open(self.asset.get_extra_output_path() + 'values.txt', 'w') as file:\n\
                \x20   file.write('\\n'.join(describe.lines(self.data)))";
    for (step, body) in steps.into_iter().zip([make, column, cell, look]) {
        env.write(&format!("assets/{step}/asset_{step}.py"), asset(body));
    }
    env.write("assets/look/describe.py", DESCRIBE);
    env
}

#[test]
fn files_that_refer_to_those_of_earlier_steps_change_no_bit() {
    let memory = table_through("memory");
    memory.alo(["run"]).expect(0);
    let by_memory = files(&memory, "train_artifacts");
    let env = table_through("file");
    let run = || {
        env.alo(["run"]).expect(0);
        same(&files(&env, "train_artifacts"), &by_memory);
    };
    let reused = || {
        let outcome = env.alo(["run", "--resume", "--format", "json"]).expect(0);
        same(&files(&env, "train_artifacts"), &by_memory);
        outcome.events().iter().filter(|event| event["decision"] == "reused").count()
    };
    let value = |step: &str, other: &str| {
        let path = env.path(&format!(".asset_interface/train_pipeline/{step}_data.pkl{other}"));
        fs_err::metadata(path).expect("there")
    };
    run();
    assert_eq!(value("column", "-1").ino(), value("make", "").ino(), "the other columns lie there");
    assert!(value("column", "").len() < 600_000);

    // The next run writes the files of this one anew.
    let inodes = || ["make", "column", "cell"].map(|step| value(step, "").ino());
    let before = inodes();
    run();
    assert_eq!(inodes(), before);
    let left = env.path(".asset_interface/train_pipeline").read_dir_utf8().unwrap();
    let left = left.filter(|entry| entry.as_ref().unwrap().file_name().ends_with(".old"));
    assert_eq!(left.count(), 0);

    // A run that failed is gone on with from files that refer to others.
    let good = env.read("assets/look/asset_look.py");
    env.write("assets/look/asset_look.py", format!("{good}        raise RuntimeError('no')\n"));
    env.alo(["run"]).expect(1);
    env.write("assets/look/asset_look.py", &good);
    assert_eq!(reused(), 3);
    assert_eq!(reused(), 4);

    // What they refer to is looked at, too.
    let kept = env.path(".alo/steps/train/column").read_dir_utf8().unwrap().next().unwrap().unwrap();
    let other = kept.path().join("data-1");
    let mut content = fs_err::read(&other).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs_err::remove_file(&other).unwrap();
    fs_err::write(&other, content).unwrap();
    assert_eq!(reused(), 3);
}

/// A project that trains a model of scikit-learn, with an input that does this before it hands on its table.
fn project(input: &str) -> TestEnv {
    let env = TestEnv::new().with_shared_cache().with_variable("OMP_NUM_THREADS", "2");
    let plan = PlanText::new()
        .train(&["input", "train"])
        .requirements("input", PACKAGES)
        .requirements("train", PACKAGES)
        .args("train", "{depth: 1, seed: null}");
    env.plan(&plan);
    let make = "random = numpy.random.default_rng(1)\n\
                self.data['x'] = random.random((300, 4))\n\
                self.data['y'] = (self.data['x'].sum(axis=1) > 2).astype(int)";
    env.write("assets/input/asset_input.py", format!("import numpy\n{}", asset(&format!("{input}\n{make}"))));
    let train = "if self.args['seed'] is not None: numpy.random.seed(self.args['seed'])\n\
                 from sklearn.ensemble import RandomForestClassifier\n\
                 model = RandomForestClassifier(10, max_depth=self.args['depth'])\n\
                 model.fit(self.data['x'], self.data['y'])\n\
                 numpy.save(self.asset.get_model_path() + 'seen.npy', model.predict_proba(self.data['x']))\n\
                 numpy.save(self.asset.get_extra_output_path() + 'random.npy', numpy.random.random(50))\n\
                 self.asset.save_summary(result='ok', score=float(model.score(self.data['x'], self.data['y'])))";
    env.write("assets/train/asset_train.py", format!("import numpy\n{}", asset(train)));
    env
}

/// What each run of a sweep has left, in the order of the settings, and what the sweep said.
fn swept(env: &TestEnv, settings: &[&str]) -> (Vec<Files>, String) {
    let sets = settings.iter().flat_map(|set| ["--set", set]);
    let outcome = env.alo(["sweep", "--format", "json"].into_iter().chain(sets)).expect(0);
    let report = outcome.events().last().unwrap()["report"].clone();
    let mut runs: Vec<Json> = report["runs"].as_array().unwrap().clone();
    runs.sort_by_key(|run| run["values"].to_string());
    let left = runs.iter().map(|run| files(env, &format!("history/train/{}", run["run"].as_str().unwrap())));
    (left.collect(), outcome.stdout)
}

/// What `alo run` leaves with a depth and a seed.
fn run(env: &TestEnv, depth: usize, seed: u32) -> Files {
    let plan = env.read("experimental_plan.yaml");
    let set = plan.replace("depth: 1, seed: null", &format!("depth: {depth}, seed: {seed}"));
    assert_ne!(set, plan);
    env.plan(set);
    env.alo(["run"]).expect(0);
    env.plan(plan);
    files(env, "train_artifacts")
}

#[test]
fn a_seeded_run_of_a_sweep_leaves_the_bits_of_alo_run() {
    let env = project("pass");
    let (left, _) = swept(&env, &["train.depth=1:3", "train.seed=7"]);
    assert_eq!(left.len(), 3);
    for (depth, left) in (1..).zip(left) {
        assert!(left.contains_key("models/train/seen.npy") && left.contains_key("score/train_summary.yaml"));
        same(&left, &run(&env, depth, 7));
    }
}

#[test]
fn runs_of_a_sweep_draw_other_numbers_unless_they_seed_them() {
    let (left, _) = swept(&project("pass"), &["train.depth=1:3"]);
    let numbers: std::collections::BTreeSet<_> =
        left.iter().map(|files| &files["extra_output/train/random.npy"]).collect();
    assert_eq!(numbers.len(), 3);
}

#[test]
fn a_worker_with_a_pool_of_threads_is_not_copied() {
    let pool = "from sklearn.ensemble import HistGradientBoostingClassifier\n\
                x = numpy.arange(4000.0).reshape(1000, 4)\n\
                HistGradientBoostingClassifier(max_iter=2).fit(x, x[:, 0] > 900)\n\
                with open('/proc/self/status') as status:\n\
                \x20   threads = [line for line in status if line.startswith('Threads:')]\n\
                assert threads != ['Threads:\\t1\\n'], threads";
    let env = project(pool);
    let (left, said) = swept(&env, &["train.depth=1:2", "train.seed=7"]);
    assert!(said.contains("threads of it would be missing in a copy"), "{said}");
    for (depth, left) in (1..).zip(left) {
        same(&left, &run(&env, depth, 7));
    }
}
