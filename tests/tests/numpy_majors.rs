//! Real packages of two NumPy majors in one pipeline, and a pin that overrides. Installs NumPy and pandas from PyPI.

use alo_tests::{PlanText, TestEnv, asset};

/// Makes a table and arrays, and writes down what they are in a way that no version of NumPy or pandas changes.
const MAKE: &str = "import digests, numpy, pandas
assert numpy.__version__.startswith('1.'), numpy.__version__
table = pandas.DataFrame({
    'number': [1, 2, 3],
    'part': [0.1, float('nan'), -1e300],
    'text': ['a', None, '\u{d55c}\u{ad6d}\u{c5b4}'],
    'flag': [True, False, True],
    'time': pandas.to_datetime(['2024-02-29 12:34:56.789', None, '1969-12-31'], format='ISO8601'),
    'zone': pandas.to_datetime(['2024-02-29', '2024-03-01', '2024-03-02']).tz_localize('Asia/Seoul'),
    'kind': pandas.Categorical(['low', 'high', 'low'], categories=['low', 'mid', 'high'], ordered=True),
    'whole': pandas.array([1, None, 3], dtype='Int64'),
}, index=pandas.Index([10, 20, 30], name='id'))
arrays = {
    'large': numpy.arange(60_000, dtype='float64').reshape(3, 200, 100),
    'small': numpy.array([1, 2], dtype='uint8'),
    'column': numpy.asfortranarray(numpy.arange(6, dtype='int32').reshape(2, 3)),
    'complex': numpy.array([1 + 2j]),
    'text': numpy.array(['a', 'bcd']),
    'time': numpy.array(['2024-02-29', 'NaT'], dtype='datetime64[s]'),
    'record': numpy.array([(1, 2.5)], dtype=[('a', 'i4'), ('b', 'f8')]),
    'scalar': numpy.float32(0.1),
    'empty': numpy.zeros((0, 3)),
    'texts': numpy.array(['text %d' % i for i in range(20_000)] + [None, float('nan'), 7, 0.1, b'x', '\u{ac00}'], 'object'),
    'texts by columns': numpy.asfortranarray(numpy.array([['%d/%d' % (i, k) for k in range(3)] for i in range(9000)], 'object')),
    'texts that recur': numpy.array(['yes', 'no'] * 10_000, 'object'),
}
";

/// Compares with what [`MAKE`] has written down.
const COMPARE: &str = "import json, digests
digests.same(json.load(open(PLACE)), digests.of(self.data['table'], self.data['arrays']))
";

/// Says what a table and arrays are, by nothing but Python's own types.
const DIGESTS: &str = "import hashlib
import numpy


def of(table, arrays):
    return {
        'types': {str(name): str(kind) for name, kind in table.dtypes.items()},
        'csv': table.to_csv(),
        'index': [str(table.index.name), str(table.index.dtype), table.index.tolist()],
        'categories': [table['kind'].cat.categories.tolist(), bool(table['kind'].cat.ordered)],
        'codes': table['kind'].cat.codes.tolist(),
        'arrays': {name: array(value) for name, value in arrays.items()},
    }


def array(value):
    value = numpy.asarray(value)
    # The bytes of objects are their addresses.
    content = repr(value.tolist()).encode() if value.dtype == object else value.tobytes(order='C')
    digest = hashlib.sha256(content).hexdigest()
    return [str(value.dtype), list(value.shape), bool(value.flags.f_contiguous), digest]


def same(then, now):
    for key in then:
        assert then[key] == now[key], (key, then[key], now[key])
    assert then.keys() == now.keys()
";

fn first_python<'a>(versions: &[&'a str]) -> Option<&'a str> {
    let probe = TestEnv::new();
    probe.plan(PlanText::new().train(&["train"]));
    probe.write("assets/train/asset_train.py", asset("pass"));
    let found = versions.iter().find(|version| probe.alo(["run", "--python", version]).code == Some(0));
    if found.is_none() {
        eprintln!("not run: this machine has none of Python {versions:?}");
    }
    found.copied()
}

#[test]
fn tables_and_arrays_pass_between_two_numpy_majors_both_ways() {
    let Some(python) = first_python(&["3.10", "3.11", "3.12"]) else { return };
    for mode in ["memory", "file"] {
        let env = TestEnv::new().with_uv();
        let old = "[numpy==1.26.4, pandas==2.1.4]";
        let plan = PlanText::new()
            .train(&["input", "train", "report"])
            .requirements("input", old)
            .requirements("train", "[numpy==2.2.6, pandas==2.2.3]")
            .requirements("report", old)
            .control("interface_mode", mode);
        env.plan(&plan);
        for step in ["input", "train", "report"] {
            env.write(&format!("assets/{step}/digests.py"), DIGESTS);
        }
        let place = format!("'{}'", env.path("digests.json"));
        let compare = COMPARE.replace("PLACE", &place);
        let make = format!(
            "{MAKE}import json\njson.dump(digests.of(table, arrays), open({place}, 'w'))\n\
             self.data['table'], self.data['arrays'] = table, arrays"
        );
        env.write("assets/input/asset_input.py", asset(&make));
        let major = |major: &str| format!("import numpy\nassert numpy.__version__.startswith('{major}.')\n");
        // What NumPy 2 makes itself goes back to NumPy 1.
        let again = "import numpy\n\
                     self.data['arrays'] = {name: numpy.array(value, order='K', copy=True)\n\
                     \x20   for name, value in self.data['arrays'].items()}\n\
                     self.data['table'] = self.data['table'].copy(deep=True)";
        env.write("assets/train/asset_train.py", asset(&format!("{}{compare}{again}", major("2"))));
        env.write("assets/report/asset_report.py", asset(&format!("{}{compare}", major("1"))));
        env.alo(["run", "--python", python])
            .expect(0)
            .says("environment  input, report (Python")
            .says("environment  train (Python")
            .says("because      the steps run in 2 environments, since `numpy==1.26.4` of `input` and `numpy==2.2.6` of `train`");
        let run = &env.alo(["history", "--format", "json"]).expect(0).events()[0];
        assert_eq!(run["environments"].as_array().map(Vec::len), Some(2), "{run:#}");
    }
}

fn a_forced_pin_wins(env: &TestEnv) {
    // pandas 1.5.3 has wheels up to Python 3.11, NumPy 1.25 from 3.9 on.
    let Some(python) = first_python(&["3.10", "3.11", "3.9"]) else { return };
    let plan = PlanText::new()
        .train(&["input", "train"])
        .requirements("input", "[pandas==1.5.3]")
        .requirements("train", "[requirements.txt, numpy==1.25.2 --force-reinstall, pandas==1.5.3]");
    env.plan(&plan);
    env.write("assets/train/requirements.txt", "numpy==1.24.4\n");
    let check = "import numpy, os, pandas\nassert numpy.__version__ == '1.25.2', numpy.__version__\n\
                 assert pandas.__version__ == '1.5.3' and pandas.DataFrame({'a': [1]}).a.sum() == 1";
    for step in ["input", "train"] {
        env.write(&format!("assets/{step}/asset_{step}.py"), asset(check));
    }
    env.alo(["run", "--python", python]).expect(0);
    let run = &env.alo(["history", "--format", "json"]).expect(0).events()[0];
    let packages = run["environments"][0]["packages"].to_string();
    assert!(packages.contains("\"numpy==1.25.2\""), "{packages}");
}

#[test]
fn a_forced_pin_wins_by_pip() {
    a_forced_pin_wins(&TestEnv::new().with_shared_cache());
}

#[test]
fn a_forced_pin_wins_by_uv() {
    a_forced_pin_wins(&TestEnv::new().with_uv());
}
