"""Values that go from step to step as files, within one worker and between two."""

import mmap
import os
import shutil
import stat
import unittest

from tests.engine import Engine, WorkerTest, asset

try:
    import numpy
except ImportError:
    numpy = None

#: A class of the asset whose large memory pickles out of band, as NumPy's arrays do.
BLOCK = """\
import pickle


class Block:
    def __init__(self, memory):
        self.memory = memory

    def __reduce_ex__(self, protocol):
        return Block, (pickle.PickleBuffer(self.memory),)
"""


def map_of(path):
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


class HandOff(WorkerTest):
    def through_files(self, first, second, other_worker=False):
        """Runs step `one` and step `two` with files between them."""
        paths = {what: os.path.join(self.engine.project, "%s.pkl" % what) for what in ("data", "config")}
        first = self.engine.run("one", save_data=paths["data"], save_config=paths["config"])
        self.assert_finished(first)
        engine = self.engine
        if other_worker:
            engine = Engine()
            self.addCleanup(engine.close)
            engine.keys = self.engine.keys
            os.symlink(os.path.join(self.engine.project, "two"), os.path.join(engine.project, "two"))
        second = engine.run("two", new_pipeline=False, load_data=paths["data"], load_config=paths["config"])
        self.assert_finished(second)
        return paths

    def test_values_are_as_in_memory(self):
        lines = [
            "self.data.update(a=[1, 2], b='글자', c={1: None})",
            "self.data['d'] = self.data['a']",
            "self.config['k'] = 1.5",
        ]
        self.engine.write("one", asset_one=asset(*lines))
        self.engine.write(
            "two",
            asset_two=asset(
                "assert self.data == {'a': [1, 2], 'b': '글자', 'c': {1: None}, 'd': [1, 2]}, self.data",
                "assert self.data['d'] is self.data['a']",
                "assert self.config == {'meta': {'step_name': 'two'}, 'k': 1.5}, self.config",
            ),
        )
        paths = self.through_files("one", "two")
        self.assertEqual(stat.S_IMODE(os.stat(paths["data"]).st_mode), 0o600)
        self.assertEqual([name for name in os.listdir(self.engine.project) if name.endswith(".part")], [])

    def test_large_memory_is_mapped_writable_and_apart_from_the_file(self):
        self.engine.write(
            "one",
            asset_one="import block\n"
            + asset(
                "self.data['b'] = block.Block(bytearray(b'x' * 100_000))", "self.data['r'] = block.Block(bytes(9000))"
            ),
            block=BLOCK,
        )
        self.engine.write(
            "two",
            asset_two=asset(
                "memory = self.data['b'].memory",
                "assert type(memory) is memoryview and not memory.readonly and self.data['r'].memory.readonly",
                "assert bytes(memory) == b'x' * 100_000",
                "memory[:3] = b'abc'",
            ),
        )
        for other_worker in (False, True):
            with self.subTest(other_worker=other_worker):
                paths = self.through_files("one", "two", other_worker)
                with open(paths["data"], "rb") as file:
                    content = file.read()
                self.assertIn(b"x" * 100_000, content)
                self.assertNotIn(b"abcx", content)
                self.assertEqual(content.index(b"x" * 100_000) % 4096, 0)

    def test_a_class_of_one_step_hides_no_module_of_another(self):
        self.engine.write(
            "one",
            asset_one="from utils import Pair\n" + asset("self.data['p'] = Pair(1, 2)"),
            utils="import deep\nclass Pair(deep.Base):\n    def __init__(self, a, b):\n        self.sum = a + b\n",
            deep="class Base:\n    kind = 'one'\n",
        )
        self.engine.write(
            "two",
            asset_two="import utils\n"
            + asset(
                "assert self.data['p'].sum == 3 and self.data['p'].kind == 'one'",
                "assert utils.OWN and not hasattr(utils, 'Pair')",
                "import sys",
                "assert 'deep' not in sys.modules",
            ),
            utils="OWN = True\n",
        )
        self.engine.write("three", asset_three=asset("assert self.data['p'].sum == 3"))
        paths = self.through_files("one", "two", other_worker=True)
        self.through_files("one", "two")
        again = os.path.join(self.engine.project, "again.pkl")
        hand = {"load_data": paths["data"], "load_config": paths["config"], "save_data": again}
        self.assert_finished(self.engine.run("two", new_pipeline=False, **hand))
        self.assert_finished(self.engine.run("three", new_pipeline=False, load_data=again))

    def test_classes_of_packages_and_of_the_asset_s_own_file_are_found(self):
        self.engine.write("one/bare", part="class Bare:\n    pass\n")
        self.engine.write(
            "one/full",
            __init__="",
            part="from full import other\nclass Full:\n    kind = other.KIND\n",
            other="KIND = 7\n",
        )
        self.engine.write(
            "one",
            asset_one="from bare.part import Bare\nfrom full.part import Full\nclass Own:\n    pass\n"
            + asset("self.data.update(bare=Bare(), full=Full(), own=Own())"),
        )
        self.engine.write(
            "two",
            asset_two=asset(
                "import sys",
                "assert [type(v).__name__ for v in self.data.values()] == ['Bare', 'Full', 'Own'], self.data",
                "assert self.data['full'].kind == 7 and not {'bare', 'full', 'asset_one'} & set(sys.modules)",
            ),
        )
        self.through_files("one", "two")
        self.through_files("one", "two", other_worker=True)

    def test_what_cannot_be_pickled_is_named_at_the_line_that_saves(self):
        self.engine.write("one", asset_one=asset("self.data.update(good=1, bad=lambda: 0)"))
        path = os.path.join(self.engine.project, "data.pkl")
        failed = self.assert_failed(self.engine.run("one", save_data=path), stage="run", exception="AssetError")
        self.assertIn("`data['bad']`", failed["message"])
        self.assertEqual(failed["frames"][-1]["text"], "self.asset.save_data(self.data)")
        self.assertEqual([name for name in os.listdir(self.engine.project) if "data.pkl" in name], [])

    def test_a_folder_that_is_gone(self):
        self.engine.write("one", asset_one=asset())
        failed = self.assert_failed(self.engine.run("one", save_data=self.engine.project + "/no/data.pkl"), stage="run")
        self.assertIn("cannot write the step's data to", failed["message"])

    def test_a_broken_file(self):
        self.engine.write("one", asset_one=asset())
        path = os.path.join(self.engine.project, "data.pkl")
        for content in (
            b"",
            b"nonsense",
            b"alo hand-off 1\n{",
            b"alo hand-off 1\n" + b'{"index": 4096, "index_length": 2}' + b"\0" * 5000,
        ):
            with open(path, "wb") as file:
                file.write(content)
            failed = self.assert_failed(self.engine.run("one", load_data=path), stage="init")
            self.assertIn("cannot read the data handed on", failed["message"])

    def test_memory_is_let_go_when_a_file_has_it(self):
        self.engine.write(
            "one",
            asset_one="import sys, weakref\nclass Big(dict): pass\n"
            + asset("self.data['big'] = big = Big()", "sys.big = weakref.ref(big)").replace(
                "save_data(self.data)", "save_data({})"
            ),
        )
        self.engine.write("two", asset_two=asset("import sys", "assert sys.big() is None"))
        self.assert_finished(self.engine.run("one", save_data=self.engine.project + "/data.pkl"))
        self.assert_finished(self.engine.run("two"))

    def between(self, first, second, lines, check):
        """Hands on from a worker that sees the packages `first` to one that sees `second`; gives the outcome there."""
        packages = {"first": first, "second": second}
        engines = {}
        for side, files in packages.items():
            folder = os.path.join(self.engine.project, side)
            for path, content in files.items():
                path = os.path.join(folder, path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as file:
                    file.write(content)
            engines[side] = Engine({"PYTHONPATH": folder})
            self.addCleanup(engines[side].close)
        path = os.path.join(self.engine.project, "data.pkl")
        engines["first"].write("one", asset_one=asset(*lines))
        self.assert_finished(engines["first"].run("one", save_data=path))
        engines["second"].keys = engines["first"].keys
        engines["second"].write("two", asset_two=asset(*check))
        environments = ["the environment of `one`", "the environment of `two`"]
        return engines["second"].run("two", new_pipeline=False, load_data=path, environments=environments)

    def test_what_the_other_environment_lacks_is_named(self):
        package = {"rare/__init__.py": "", "rare/model.py": "class Forest:\n    trees = 3\n"}
        lines = ["from rare.model import Forest", "self.data.update(a=[{}], b={'m': [Forest()]}, f=Forest(), z=0)"]
        for keep, key, kind in ((("a", "b", "z"), "'b'", "dict"), (("f",), "'f'", "rare.model.Forest")):
            with self.subTest(keep=keep):
                kept = "self.data = {key: self.data[key] for key in %r}" % (keep,)
                failed = self.assert_failed(self.between(package, {}, [*lines, kept], ["pass"]), stage="init")
                self.assertEqual(
                    failed["message"],
                    "cannot take `data[%s]` (%s) over from the step before: it was made in the environment of `one` and "
                    "cannot be loaded in the environment of `two`, which has no module `rare`" % (key, kind),
                )
                self.assertEqual(failed["missing_module"], "rare")

    def test_what_another_version_says_otherwise_is_named(self):
        old = {"shape.py": "class Box:\n    def __reduce__(self):\n        return Box, ()\n"}
        new = {"shape.py": "class Box:\n    def __init__(self, side):\n        pass\n"}
        lines = ["import shape", "self.data['box'] = shape.Box()"]
        failed = self.assert_failed(self.between(old, new, lines, ["pass"]), stage="init")
        self.assertIn("cannot take `data['box']` (shape.Box) over", failed["message"])
        self.assertIn("TypeError", failed["traceback"])

    def test_both_majors_of_numpy_read_each_other_s_names(self):
        def numpy_of(version, core):
            code = "class Dtype:\n    def __reduce__(self):\n        return make, ()\ndef make():\n    return Dtype()\n"
            return {
                "numpy/__init__.py": "__version__ = '%s'\n" % version,
                "numpy/%s/__init__.py" % core: "",
                "numpy/%s/numeric.py" % core: code,
            }

        one, two = numpy_of("1.26.4", "core"), numpy_of("2.2.6", "_core")
        for first, second, core, other in ((one, two, "core", "_core"), (two, one, "_core", "core")):
            with self.subTest(core=core):
                lines = ["from numpy.%s import numeric" % core, "self.data['t'] = numeric.Dtype()"]
                check = ["assert type(self.data['t']).__module__ == 'numpy.%s.numeric'" % other]
                self.assert_finished(self.between(first, second, lines, check))

    def test_a_full_place_is_told(self):
        self.engine.write(
            "one",
            asset_one="import resource\n"
            + asset(
                "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))",
                "self.data['b'] = bytes(4 << 20)",
            ),
        )
        path, spare = os.path.join(self.engine.project, "data.pkl"), os.path.join(self.engine.project, "spare")
        os.mkdir(spare)
        failed = self.assert_failed(self.engine.run("one", save_data=path, spare=spare), stage="run")
        self.assertIn("cannot write the step's data to `%s/data.pkl`: File too large; make room" % spare, failed["message"])
        left = os.listdir(spare) + [name for name in os.listdir(self.engine.project) if "data.pkl" in name]
        self.assertEqual(left, [])

    @unittest.skipIf(numpy is None, "NumPy is not installed here")
    def test_arrays_of_objects_are_as_in_memory(self):
        make = """
            import numpy
            def make():
                texts = ["text %d" % i for i in range(20_000)]
                mixed = numpy.array([*texts, None, float("nan"), True, 7, 0.1, b"x", "\\ud800"], dtype=object)
                held = [[i] for i in range(20_000)]
                return dict(
                    mixed=mixed, columns=numpy.asfortranarray(mixed[:18_000].reshape(3, 6000)), strided=mixed[::2],
                    recurring=numpy.array(["yes", "no"] * 10_000, dtype=object),
                    lists=numpy.array([*held, None], dtype=object)[:-1], held=held, few=numpy.array(["a", None], dtype=object),
                )
            """
        check = [
            "import making",
            "for name, value in making.make().items():",
            "    got = self.data[name]",
            "    assert type(got) is type(value) and repr(list(got)) == repr(list(value)), name",
            "    if name != 'held':",
            "        assert (got.dtype, got.shape, got.flags.writeable) == (value.dtype, value.shape, True), name",
            "        assert got.flags.f_contiguous == (name == 'columns' or got.ndim == 1), name",
            "assert self.data['recurring'][0] is self.data['recurring'][2]",
            "assert all(a is b for a, b in zip(self.data['lists'], self.data['held']))",
            "self.data['mixed'][0] = 3",
        ]
        for step in ("one", "two"):
            self.engine.write(step, making=make)
        # What an array of lists holds is what the list of them holds, before and after.
        first = ["import making", "self.data.update(making.make())", "self.data['held'] = list(self.data['lists'])"]
        self.engine.write("one", asset_one=asset(*first))
        self.engine.write("two", asset_two=asset(*check))
        self.through_files("one", "two", other_worker=True)

    @unittest.skipIf(numpy is None, "NumPy is not installed here")
    def test_columns_are_the_same_from_the_file_and_from_what_is_kept_of_it(self):
        make = """
            import numpy
            class Odd(str):
                pass
            def make():
                texts = ["text %d" % i for i in range(20_000)]
                stray = numpy.array([*texts, None], dtype=object)
                stray[1] = Odd("stray")  # no sample sees it
                return dict(
                    numbers=numpy.arange(400_000.0), texts=numpy.array(texts, dtype=object), stray=stray,
                    again=numpy.array([2**70 + i for i in range(20_000)], dtype=object),
                )
            """
        check = [
            "import making",
            "made = making.make()",
            "for name, value in made.items():",
            "    got = self.data[name]",
            "    assert got.dtype == value.dtype and got.flags.writeable and got.shape == value.shape, name",
            "    assert got.tolist() == value.tolist(), name",
            "assert type(self.data['stray'][1]).__name__ == 'Odd'",
            "assert (self.data['texts'][5] is sys.kept[5]) == self.args['here']",
            "from alolib import _handoff",
            "assert not _handoff._at_hand",
        ]
        for step in ("one", "two"):
            self.engine.write(step, making=make)
        first = ["import making, sys", "self.data.update(making.make())", "sys.kept = list(self.data['texts'])"]
        self.engine.write("one", asset_one=asset(*first))
        self.engine.write("two", asset_two=asset("import sys", *check))
        data, config = (os.path.join(self.engine.project, "%s.pkl" % what) for what in ("data", "config"))
        for here in (True, False):
            with self.subTest(here=here):
                self.assert_finished(self.engine.run("one", save_data=data, save_config=config, next_here=here))
                args = {"here": here}
                self.assert_finished(self.engine.run("two", args, new_pipeline=False, load_data=data, load_config=config))
        self.assert_finished(self.engine.run("one", save_data=data, save_config=config, next_here=True))
        # A file that has come to be another is read, whatever is kept.
        os.utime(data, ns=(0, 0))
        args = {"here": False}
        self.assert_finished(self.engine.run("two", args, new_pipeline=False, load_data=data, load_config=config))

    @unittest.skipIf(numpy is None, "NumPy is not installed here")
    def test_a_full_place_is_told_whoever_writes(self):
        lines = [
            "import numpy",
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))",
            "self.data['numbers'] = numpy.arange(400_000.0)",
            "self.data['texts'] = numpy.array(['text %d' % i for i in range(20_000)], dtype=object)",
        ]
        self.engine.write("one", asset_one="import resource\n" + asset(*lines))
        path = os.path.join(self.engine.project, "data.pkl")
        failed = self.assert_failed(self.engine.run("one", save_data=path), stage="run")
        self.assertIn("File too large; make room", failed["message"])
        self.assertEqual([name for name in os.listdir(self.engine.project) if "data.pkl" in name], [])

    @unittest.skipIf(numpy is None, "NumPy is not installed here")
    def test_parts_of_arrays_and_times_are_mapped_as_they_lie(self):
        make = """
            import numpy
            def make():
                block = numpy.arange(60_000.0).reshape(2400, 25)
                fixed = block[:, 1:]
                fixed.flags.writeable = False
                return dict(
                    columns=block.T[1:], rows=block[1:-1, :-1], fixed=fixed, times=numpy.arange(20_000).astype("M8[s]"),
                    sparse=block[:, ::5], backwards=block[::-1], same=numpy.broadcast_to(numpy.float64(2), (20_000,)),
                    records=numpy.zeros((9000, 2), [("a", "i4"), ("b", "M8[D]")])[:, 0],
                )
            """
        check = [
            "import making, numpy, os",
            "for name, value in making.make().items():",
            "    got = self.data[name]",
            "    assert got.dtype == value.dtype and numpy.array_equal(got, value), name",
            "    if name in ('columns', 'rows', 'fixed', 'times'):",
            "        assert got.strides == value.strides and got.flags.writeable == value.flags.writeable, name",
            "        assert not got.flags.owndata, name",
            "self.data['columns'][:] = 0",
            "assert self.data['rows'][0, 1] == 26",
        ]
        for step in ("one", "two"):
            self.engine.write(step, making=make)
        self.engine.write("one", asset_one=asset("import making", "self.data.update(making.make())"))
        self.engine.write("two", asset_two=asset(*check))
        self.through_files("one", "two", other_worker=True)

    @unittest.skipIf(numpy is None, "NumPy is not installed here")
    def test_arrays_that_nobody_changed_are_not_written_again(self):
        make = """
            import numpy
            def make(start=0):
                return numpy.arange(start, start + 400_000.0).reshape(4000, 100)
            """
        for step in ("one", "two", "three", "four"):
            self.engine.write(step, making=make)
        self.engine.write("one", asset_one=asset("import making", "self.data.update(a=making.make(), b=making.make(7)[:3000])"))
        two = [
            "a = self.data['a']",
            "self.data.update(c=a[1:, 1:].T + 1, part=a[5:2005], seen=float(a.sum()))",
            "sys.kept = self.data['b']",
        ]
        self.engine.write("two", asset_two="import sys\n" + asset(*two))
        three = [
            "import making, numpy",
            "assert numpy.array_equal(self.data['a'], making.make())",
            "assert numpy.array_equal(self.data['part'], making.make()[5:2005])",
            "assert numpy.array_equal(self.data['c'], (making.make()[1:, 1:] + 1).T)",
            "assert not numpy.shares_memory(self.data['a'], self.data['part'])",
            "assert self.data['a'].flags.writeable",
            "self.data['b'][-1, -1] = -1.0",
            "self.data['part'][0, 0] = -1.0",
        ]
        self.engine.write("three", asset_three=asset(*three))
        four = [
            "import making, numpy",
            "assert numpy.array_equal(self.data['a'], making.make())",
            "b, part = making.make(7)[:3000], making.make()[5:2005]",
            "b[-1, -1] = part[0, 0] = -1.0",
            "assert numpy.array_equal(self.data['b'], b) and numpy.array_equal(self.data['part'], part)",
        ]
        self.engine.write("four", asset_four=asset(*four))
        files = self.chain("one", "two", "three", "four")
        # Two arrays lie in the file of `one`; a part of one and what was made of it have memory of their own.
        self.assertGreater(files["one"].st_size, 5_600_000)
        self.assertEqual(files["two-1"].st_ino, files["one"].st_ino)
        self.assertTrue(4_700_000 < files["two"].st_size < 5_000_000, files["two"].st_size)
        # What has not been changed is most of either file.
        self.assertEqual({files["three-1"].st_ino, files["three-2"].st_ino}, {files["one"].st_ino, files["two"].st_ino})
        self.assertTrue(4_000_000 < files["three"].st_size < 4_100_000, files["three"].st_size)
        self.assertNotIn("three-3", files)

    def chain(self, *steps):
        """Runs steps one after the other, each reading what the one before has saved; gives what is known of their files."""
        loads = {}
        for step in steps:
            saves = {"save_" + what: os.path.join(self.engine.project, "%s.%s" % (step, what)) for what in ("data", "config")}
            self.assert_finished(self.engine.run(step, new_pipeline=not loads, **loads, **saves))
            loads = {key.replace("save", "load"): path for key, path in saves.items()}
        names = [name for name in os.listdir(self.engine.project) if ".data" in name]
        self.assertEqual([name for name in names if name.endswith(".part")], [])
        return {name.replace(".data", ""): os.stat(os.path.join(self.engine.project, name)) for name in names}

    @unittest.skipIf(numpy is None, "NumPy is not installed here")
    def test_what_can_be_referred_to_no_more_is_written(self):
        self.engine.write("one", asset_one=asset("import numpy", "self.data['a'] = numpy.arange(400_000.0)"))
        check = "assert (self.data['a'] == numpy.arange(400_000.0)).all()"
        same = "import numpy, os\n" + asset(check)
        self.engine.write("three", asset_three=same)
        path = os.path.join(self.engine.project, "one.data")
        for name, lines in (
            ("gone", ["os.unlink(%r)" % path]),
            ("touched", ["os.utime(%r, ns=(0, 0))" % path]),
            ("replaced", ["os.unlink(%r)" % path, "open(%r, 'w').close()" % path]),
            ("taken", ["open(%r, 'w').close()" % os.path.join(self.engine.project, "two.data-1")]),
            ("little", ["self.data['a'] = self.data['a'][:150_000]", "self.data['rest'] = numpy.arange(150_000, 4e5)"]),
        ):
            with self.subTest(name):
                if name == "little":
                    joined = "self.data['a'] = numpy.concatenate([self.data['a'], self.data['rest']])"
                    self.engine.write("three", asset_three="import numpy\n" + asset(joined, check))
                self.engine.write("two", asset_two="import numpy, os\n" + asset(*lines))
                files = self.chain("one", "two", "three")
                self.assertGreater(files["two"].st_size, 3_200_000)
                for left in ("two.data-1", "three.data-1"):
                    if os.path.exists(os.path.join(self.engine.project, left)):
                        os.unlink(os.path.join(self.engine.project, left))

    @unittest.skipIf(numpy is None, "NumPy is not installed here")
    def test_a_value_that_fails_leaves_no_second_names(self):
        self.engine.write("one", asset_one=asset("import numpy", "self.data['a'] = numpy.arange(400_000.0)"))
        limited = [
            "import numpy",
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))",
            "self.data['b'] = numpy.arange(400_000.0)",
        ]
        self.engine.write("two", asset_two="import resource\n" + asset(*limited))
        data, config, second = (os.path.join(self.engine.project, name) for name in ("one.data", "config", "two.data"))
        self.assert_finished(self.engine.run("one", save_data=data, save_config=config))
        failed = self.engine.run("two", new_pipeline=False, load_data=data, load_config=config, save_data=second)
        self.assertIn("File too large", self.assert_failed(failed, stage="run")["message"])
        self.assertEqual([name for name in os.listdir(self.engine.project) if name.startswith("two.")], [])
        self.assertEqual(os.stat(data).st_nlink, 1)

    @unittest.skipIf(numpy is None, "NumPy is not installed here")
    def test_the_file_of_the_last_run_is_written_anew(self):
        make = "import numpy\ndef make(count):\n    return dict(a=numpy.arange(float(count)), b=numpy.arange(9001.0), c=numpy.ones(9003))"
        for step in ("one", "two"):
            self.engine.write(step, making=make)
        self.engine.write("one", asset_one=asset("import making", "self.data.update(making.make(self.args['count']))"))
        check = "assert numpy.array_equal(self.data[name], value), name"
        each = "for name, value in making.make(self.args['count']).items():"
        self.engine.write("two", asset_two=asset("import making, numpy", each, "    " + check))
        data, config = (os.path.join(self.engine.project, "%s.pkl" % what) for what in ("data", "config"))

        def run(count):
            args = {"count": count}
            self.assert_finished(self.engine.run("one", args, save_data=data, save_config=config))
            self.assert_finished(self.engine.run("two", args, new_pipeline=False, load_data=data, load_config=config))
            with open(data, "rb") as file:
                return os.fstat(file.fileno()), file.read()

        first = {count: run(count) for count in (300_000, 20_000, 400_000)}
        for count in (20_000, 400_000, 300_000):
            os.chmod(data, 0o644)
            os.rename(data, data + ".old")
            old = os.stat(data + ".old").st_ino
            status, content = run(count)
            self.assertEqual(status.st_ino, old)
            self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
            self.assertTrue(content == first[count][1], "what the old file had is in it")
        os.unlink(data)
        for name, take in (
            ("link", lambda: os.link(data, data + ".other")),
            ("symbolic link", lambda: (os.rename(data, data + ".other"), os.symlink(data + ".other", data))),
            ("folder", lambda: (os.unlink(data), os.mkdir(data))),
            ("open", lambda: opened.append(open(data, "rb"))),
            ("open for writing", lambda: opened.append(open(data, "r+b"))),
            ("mapped", lambda: opened.append(map_of(data))),
        ):
            with self.subTest(name):
                opened = []
                run(20_000)
                take()
                os.rename(data, data + ".old")
                held = os.stat(data + ".old").st_ino
                status, content = run(400_000)
                self.assertNotEqual(status.st_ino, held)
                self.assertTrue(content == first[400_000][1])
                for file in opened:
                    self.assertEqual(file[:] if name == "mapped" else file.read(), first[20_000][1])
                    file.close()
                for left in (data, config, data + ".other"):
                    if os.path.exists(left):
                        os.unlink(left)
                shutil.rmtree(data + ".old", ignore_errors=True)

    @unittest.skipIf(numpy is None, "NumPy is not installed here")
    def test_arrays(self):
        self.engine.write(
            "one",
            asset_one=asset(
                "import numpy as np",
                "a = np.arange(10_000.0).reshape(100, 100)",
                "b = a.copy(); b.flags.writeable = False",
                "self.data.update(a=a, t=a.T, s=a[::2, ::2], b=b, small=np.ones(3), o=np.array(['x', None], dtype=object))",
            ),
        )
        self.engine.write(
            "two",
            asset_two=asset(
                "import numpy as np",
                "a = np.arange(10_000.0).reshape(100, 100)",
                "d = self.data",
                "assert (d['a'] == a).all() and (d['t'] == a.T).all() and (d['s'] == a[::2, ::2]).all()",
                "assert d['a'].flags.writeable and d['small'].flags.writeable and not d['b'].flags.writeable",
                "d['a'] += 1",
                "assert list(d['o']) == ['x', None]",
            ),
        )
        self.through_files("one", "two")
        self.through_files("one", "two", other_worker=True)


if __name__ == "__main__":
    unittest.main()
