"""Packages that are imported before their steps: the steps see, print and change what they would without it."""

import os
import random
import shutil
import tempfile
import textwrap
import unittest

from alolib._import_scan import Scan
from tests.engine import Engine, WorkerTest, asset


class EarlyImports(WorkerTest):
    def install(self, **modules):
        """Makes modules that the worker finds as those of its environment."""
        self.packages = tempfile.mkdtemp(prefix="alo-packages-")
        self.addCleanup(shutil.rmtree, self.packages)
        for name, content in modules.items():
            with open(os.path.join(self.packages, name + ".py"), "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(content))
        self.begin_anew()

    def begin_anew(self):
        """Starts another worker in an environment with these modules."""
        self.engine.close()
        self.engine = Engine({"PYTHONPATH": self.packages})
        self.addCleanup(self.engine.close)

    def order_imports(self, *steps, all=True, first=None):
        """Lets the worker import what steps need, as if `first` began the pipeline, or each of them one of its own."""
        folders = [os.path.join(self.engine.project, step) for step in steps]
        named = [
            {"is_first": first in (step, None), "file": os.path.join(folder, "asset_%s.py" % step), "folder": folder}
            for step, folder in zip(steps, folders)
        ]
        self.engine.send({"import": {"steps": named, "all": all}})

    def import_early(self, *steps, first=None):
        """Lets the worker import what steps need, all of it; tells whether it lives on."""
        self.order_imports(*steps, first=first)
        return self.engine.receive() == {"imported": {}}

    def test_it_is_imported_before_the_step(self):
        self.install(early_one="", early_two="")
        self.engine.write("one", asset_one="import early_one\n" + asset())
        self.engine.write("two", asset_two="import part\n" + asset("assert part.early_two"), part="import early_two\n")
        self.engine.write(
            "look", asset_look=asset("import sys", "assert {'early_one', 'early_two'} <= set(sys.modules)")
        )
        self.assertTrue(self.import_early("one", "two"))
        self.assert_finished(self.engine.run("look"))
        self.assert_finished(self.engine.run("one"))
        self.assert_finished(self.engine.run("two"))

    def test_of_later_steps_only_what_is_known_to_be_harmless_is_imported(self):
        self.install(early_one="", early_two="")
        self.engine.write("one", asset_one="import early_one\n" + asset())
        self.engine.write("two", asset_two="import wave\nimport early_two\nimport colorsys\n" + asset())
        look = "print([name in sys.modules for name in ('early_one', 'wave', 'early_two', 'colorsys')])"
        self.engine.write("look", asset_look=asset("import sys", look))
        self.assertTrue(self.import_early("one", "two", first="one"))
        self.assert_finished(self.engine.run("look"))
        self.assertEqual(self.engine.output(), "[True, True, False, False]\n")
        self.assert_finished(self.engine.run("two"))

    def test_what_it_prints_is_printed_by_its_step(self):
        self.install(
            noisy="import os, sys\nprint('from noisy')\nos.write(1, b'by descriptor\\n')\nsys.stderr.write('error of noisy\\n')\n"
        )
        self.engine.write("one", asset_one=asset("print('in one')"))
        self.engine.write("two", asset_two="import noisy\n" + asset("print('in two')"))
        self.assertTrue(self.import_early("one", "two"))
        self.assertEqual(self.engine.output() + self.engine.output("stderr"), "")
        self.assert_finished(self.engine.run("one"))
        self.assertEqual(self.engine.output(), "in one\n")
        self.assert_finished(self.engine.run("two"))
        self.assert_finished(self.engine.run("two"))
        self.assertEqual(self.engine.output(), "in one\nfrom noisy\nby descriptor\nin two\nin two\n")
        self.assertEqual(self.engine.output("stderr"), "error of noisy\n")

    def test_what_it_prints_is_kept_over_another_order_for_the_same_step(self):
        self.install(noisy="print('from noisy')\n")
        self.engine.write("one", asset_one="import noisy\n" + asset("print('in one')"))
        self.assertTrue(self.import_early("one", "one"))
        self.assertTrue(self.import_early("one"))
        self.assert_finished(self.engine.run("one"))
        self.assertEqual(self.engine.output(), "from noisy\nin one\n")

    def test_what_it_changes_changes_with_its_step(self):
        self.install(
            meddler="""
                import os, signal, sys, warnings
                os.environ["MEDDLED"] = "yes"
                os.environ.pop("GONE", None)
                warnings.simplefilter("error", ResourceWarning)
                sys.path.append("/somewhere/else")
                signal.signal(signal.SIGUSR1, signal.SIG_IGN)
                os.chdir("/")
                """
        )
        look = [
            "import os, signal, sys, warnings",
            "seen = [os.environ.get('MEDDLED'), '/somewhere/else' in sys.path,",
            "    signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN,",
            "    any(f[0] == 'error' and f[2] is ResourceWarning for f in warnings.filters),",
            "    os.environ.get('GONE'), os.getcwd() == %r]" % self.engine.project,
        ]
        before, after = [None, False, False, False, "there", True], ["yes", True, True, True, None, False]
        self.engine.write("one", asset_one=asset("import os", "os.environ['GONE'] = 'there'"))
        self.assert_finished(self.engine.run("one"))
        self.engine.write("two", asset_two=asset(*look, "assert seen == %r, seen" % before))
        self.engine.write("three", asset_three="import meddler\n" + asset(*look, "assert seen == %r, seen" % after))
        self.assertTrue(self.import_early("three"))
        self.assert_finished(self.engine.run("two"))
        self.assert_finished(self.engine.run("three"))

    def test_steps_say_and_change_the_same_as_without_it(self):
        self.install(
            alpha="""
                import os, sys, warnings
                sys.order = getattr(sys, "order", []) + [__name__]
                print("from alpha as", os.path.basename(sys.argv[0]))
                os.environ["ALPHA"] = str(len(sys.order))
                import beta
                warnings.simplefilter("ignore", ResourceWarning)
                """,
            beta="import sys, warnings\nsys.order = getattr(sys, 'order', []) + [__name__]\nwarnings.warn('old beta')\n",
            gamma="import sys\nsys.order = getattr(sys, 'order', []) + [__name__]\nsys.stderr.write('from gamma\\n')\n",
        )
        look = [
            "import os, random, sys, warnings",
            "print(sys.order[-3:], os.environ.get('ALPHA'), random.random(), os.path.relpath(os.getcwd(), %r))",
            "print([(f[0], f[2].__name__) for f in warnings.filters], len(sys.path), os.path.basename(sys.argv[0]))",
        ]
        said = []
        for early in (True, False):
            self.begin_anew()
            here = [line % self.engine.project if "%r" in line else line for line in look]
            self.engine.write("one", asset_one="import beta\n" + asset("import random", "random.seed(7)"))
            self.engine.write("two", asset_two="import alpha, json\nfrom part import half\n" + asset(*here), part="import gamma\nhalf = 1\n")
            self.engine.write("three", asset_three="import alpha\n" + asset(*here, "import gamma"))
            if early:
                self.assertTrue(self.import_early("one", "two", "three"))
            for step in ("one", "two", "three"):
                self.assert_finished(self.engine.run(step))
            said.append((self.engine.output(), self.engine.output("stderr").replace(self.engine.project, "")))
        self.assertIn("from alpha as asset_two.py\n['beta', 'alpha', 'gamma'] 2 ", said[0][0])
        self.assertIn("old beta", said[0][1])
        self.assertEqual(*said)

    def test_generators_that_an_import_moves_are_moved_in_their_place(self):
        self.install(
            draws="import random\nrandom.random()\n", seeds="import random\nrandom.seed(3)\n", still="import random\n"
        )
        for package, lives in (("draws", False), ("seeds", False), ("still", True)):
            with self.subTest(package):
                self.begin_anew()
                self.engine.write("one", asset_one=asset("import random", "random.seed(7)"))
                self.engine.write("two", asset_two="import %s\n" % package + asset())
                self.assertEqual(self.import_early("one", "two"), lives)
        # Nothing runs before the first step; but copies would all go on from there.
        self.begin_anew()
        self.engine.write("two", asset_two="import seeds\n" + asset("import random", "print(random.random())"))
        self.order_imports("two", all=False)
        self.assertEqual(self.engine.receive(), {"imported": {}})
        self.assert_finished(self.engine.run("two"))
        self.assertEqual(float(self.engine.output()), random.Random(3).random())
        self.begin_anew()
        self.engine.write("two", asset_two="import seeds\n" + asset())
        self.assertFalse(self.import_early("two"))

    def test_a_variable_set_before_an_import_is_seen_by_it(self):
        self.install(reader="import os\nSEEN = os.environ.get('KNOB')\n")
        setting = {
            "one": "import os\nos.environ['KNOB'] = 'one'\nimport reader\n",
            "two": "from os import putenv, environ\nenviron.update(KNOB='two')\nimport reader\n",
            "three": "import part\nimport reader\n",
        }
        for step, code in setting.items():
            with self.subTest(step):
                self.begin_anew()
                self.engine.write(
                    step,
                    **{"asset_" + step: code + asset("assert reader.SEEN == %r, reader.SEEN" % step)},
                    part="import os\nos.environ['KNOB'] = 'three'\n",
                )
                self.assertTrue(self.import_early(step))
                self.assert_finished(self.engine.run(step))

    def test_a_variable_set_by_a_step_is_seen_by_the_imports_of_the_next(self):
        self.install(reader="import os\nSEEN = os.environ.get('KNOB')\n")
        self.engine.write("one", asset_one=asset("import os", "os.environ['KNOB'] = 'set'"))
        self.engine.write("two", asset_two="import reader\n" + asset("assert reader.SEEN == 'set', reader.SEEN"))
        self.assertTrue(self.import_early("one", "two"))
        self.assert_finished(self.engine.run("one"))
        self.assert_finished(self.engine.run("two"))

    def test_a_file_of_the_step_goes_before_a_package_of_that_name(self):
        self.install(shared="KIND = 'installed'\n", other="")
        self.engine.write(
            "one", asset_one="import shared, other\n" + asset("assert shared.KIND == 'own'"), shared="KIND = 'own'\n"
        )
        self.assertTrue(self.import_early("one"))
        self.assert_finished(self.engine.run("one"))

    def test_a_process_whose_early_imports_went_wrong_runs_no_step(self):
        self.install(
            raises="import half\nraise ValueError\n",
            exits="import sys\nsys.exit(0)\n",
            half="",
            needs="import shared\n",
            shared="",
        )
        for name, own in [("raises", None), ("exits", None), ("needs", "shared")]:
            with self.subTest(name):
                self.engine.write("one", **{"asset_one": "import %s\n" % name + asset(), own or "plain": ""})
                self.assertFalse(self.import_early("one"))
                self.assertEqual(self.engine.process.wait(60), 1)
                self.begin_anew()

    def test_what_is_absent_stops_nothing(self):
        self.install(there="", instead="")
        self.engine.write(
            "one",
            asset_one="try:\n    import not_there_at_all\nexcept ImportError:\n    import instead\nimport there\n" + asset(),
        )
        self.engine.write("two", asset_two="import xml.not_there_either\n" + asset())
        self.engine.write(
            "look", asset_look=asset("import sys", "assert {'there', 'instead'} <= set(sys.modules), sys.modules")
        )
        self.assertTrue(self.import_early("one", "two"))
        self.assert_finished(self.engine.run("look"))
        self.assert_finished(self.engine.run("one"))
        self.assert_failed(self.engine.run("two"), stage="import", exception="ModuleNotFoundError")

    def test_the_engine_need_not_wait(self):
        gate = os.path.join(tempfile.mkdtemp(prefix="alo-gate-"), "gate")
        self.addCleanup(shutil.rmtree, os.path.dirname(gate))
        os.mkfifo(gate)
        self.install(slow="open(%r).read()\n" % gate, unneeded="")
        self.engine.write("one", asset_one="import slow, unneeded\n" + asset())
        self.engine.write(
            "look", asset_look=asset("import sys", "assert 'slow' in sys.modules and 'unneeded' not in sys.modules")
        )
        self.order_imports("one", all=False)
        # It opens when the worker has come to the import, and ends with it.
        with open(gate, "w"):
            self.engine.start("look")
        self.assertEqual(self.engine.receive(), {"imported": {}})
        self.assert_finished(self.engine.finish())
        self.assert_finished(self.engine.run("one"))


class Scans(unittest.TestCase):
    def scan(self, code, **files):
        folder = tempfile.mkdtemp(prefix="alo-scan-")
        for name, content in dict(files, asset_x=code).items():
            path = os.path.join(folder, *name.split("__in__")) + ".py"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(content))
        return Scan(os.path.join(folder, "asset_x.py"), folder)

    def assert_imports(self, expected, code, goes_on=True, **files):
        scan = self.scan(code, **files)
        self.assertEqual((scan.imports, scan.goes_on), (expected, goes_on))

    def test_imports_at_the_top_count(self):
        self.assert_imports(
            [("numpy", ()), ("os.path", ()), ("sklearn.compose", ("A", "B"))],
            '"""Text."""\nimport numpy as np, os.path\nX = 3\nfrom sklearn.compose import A, B\nfrom alolib.asset import Asset\n',
        )

    def test_imports_of_functions_do_not(self):
        self.assert_imports([], "def run():\n    import numpy\nclass A:\n    def b(self):\n        import pandas\n")

    def test_a_call_ends_the_list(self):
        for code in (
            "import warnings\nwarnings.simplefilter('ignore')\n",
            "import matplotlib\nmatplotlib.use('Agg')\n",
            "import os\nX = os.getcwd()\n",
            "import os\nos.environ['A'] = '1'\n",
            "import os\nif os.sep == '/':\n    pass\n",
            "import os\nfor a in ():\n    pass\n",
            "import os\n@decorated\ndef f(): pass\n",
            "import os\ndef f(a=set_up()): pass\n",
        ):
            with self.subTest(code):
                self.assertEqual(len(self.scan(code + "import numpy\n").imports), 1)

    def test_changes_anywhere_end_the_list_of_the_following_steps(self):
        for change in ("os.environ['A'] = '1'", "sys.path.append('x')", "os.putenv('A', 'b')", "os.system('pip')"):
            with self.subTest(change):
                self.assert_imports(
                    [("os", ()), ("sys", ())], "import os, sys\ndef run():\n    %s\n" % change, goes_on=False
                )

    def test_own_modules_are_read_not_imported(self):
        self.assert_imports(
            [("numpy", ()), ("scipy", ()), ("pandas", ("x",)), ("re", ())],
            "import utils\nfrom lib import part\nimport re\n",
            utils="import numpy\nimport utils\n",
            lib__in____init__="import scipy\n",
            lib__in__part="from pandas import x\nfrom . import other\n",
            lib__in__other="",
        )

    def test_what_may_be_absent_has_another_way(self):
        self.assert_imports(
            [[[("cudf", ())], [("pandas", ())]], ("re", ())],
            "try:\n    import cudf as pd\nexcept ImportError:\n    import pandas as pd\nimport re\n",
        )

    def test_a_file_that_is_no_python_imports_nothing(self):
        self.assert_imports([], "import numpy\ndef", goes_on=False)
        self.assert_imports([], "import numpy\nx = '\0'\n", goes_on=False)


if __name__ == "__main__":
    unittest.main()
