"""Steps that fail: the asset's own frames, the true cause, and a worker that goes on."""

import signal
import unittest

from tests.engine import WorkerTest, asset


class Failures(WorkerTest):
    def failing(self, content, step="train", **expected):
        """Runs an asset that fails, then one that does not, in the same worker."""
        self.engine.write(step, **{"asset_" + step: content})
        failed = self.assert_failed(self.engine.run(step), **expected)
        self.assertEqual(
            [word for word in ("alolib/", "worker.py", "importlib") if word in failed["traceback"]], [], failed
        )
        self.engine.write("fine", asset_fine=asset())
        self.assert_finished(self.engine.run("fine"))
        return failed

    def test_in_run(self):
        failed = self.failing(
            asset("row = {}", "row['Pclass']"), stage="run", exception="KeyError", message="'Pclass'", refused=False
        )
        self.assertEqual(failed["missing_module"], None)
        self.assertEqual(failed["exit_code"], None)
        self.assertEqual([frame["function"] for frame in failed["frames"]], ["run"])
        self.assertEqual(failed["frames"][0]["line"], 14)
        self.assertEqual(failed["frames"][0]["text"], "row['Pclass']")
        self.assertTrue(failed["frames"][0]["file"].endswith("/train/asset_train.py"))
        self.assertTrue(failed["traceback"].startswith("Traceback (most recent call last):\n"))
        self.assertTrue(failed["traceback"].endswith("KeyError: 'Pclass'\n"))

    def test_in_init(self):
        failed = self.failing(asset().replace("self.args =", "1 / 0 #"), stage="init", exception="ZeroDivisionError")
        self.assertEqual(failed["frames"][-1]["function"], "__init__")

    def test_at_import(self):
        failed = self.failing("import no_such_package.part\n", stage="import", exception="ModuleNotFoundError")
        self.assertEqual(failed["missing_module"], "no_such_package")
        self.assertEqual(failed["frames"][-1]["line"], 1)

    def test_a_missing_module_behind_another_error(self):
        failed = self.failing(
            asset(
                "try:", "    import no_such", "except ImportError as e:", "    raise RuntimeError('install it') from e"
            ),
            stage="run",
            exception="RuntimeError",
        )
        self.assertEqual(failed["missing_module"], "no_such")
        self.assertIn("direct cause", failed["traceback"])

    def test_a_syntax_error(self):
        failed = self.failing("x = 1\ndef broken(:\n", stage="import", exception="SyntaxError")
        self.assertEqual(failed["frames"][-1]["line"], 2)
        self.assertEqual(failed["frames"][-1]["text"], "def broken(:")
        self.assertIn('asset_train.py", line 2', failed["traceback"])

    def test_a_file_that_is_no_python(self):
        self.failing("x = '\0'\n", stage="import")

    def test_a_file_that_is_not_there(self):
        self.assert_failed(self.engine.run("absent"), stage="import", exception="FileNotFoundError")

    def test_no_user_asset(self):
        failed = self.failing(
            "from alolib.asset import Asset\nclass MyAsset(Asset):\n    pass\n", stage="class", frames=[]
        )
        self.assertEqual(failed["message"], "`asset_train.py` has no class `UserAsset`; it defines `MyAsset`")

    def test_a_user_asset_of_another_kind(self):
        failed = self.failing("class UserAsset:\n    def run(self):\n        pass\n", stage="class")
        self.assertIn("does not derive from", failed["message"])
        failed = self.failing("from alolib.asset import Asset\nclass UserAsset(Asset):\n    pass\n", stage="class")
        self.assertIn("no method `run`", failed["message"])
        failed = self.failing(asset().replace("(self, asset_structure)", "(self, a, b)"), stage="class")
        self.assertIn("takes `a, b`", failed["message"])

    def test_exits(self):
        for line, code in (
            ("sys.exit(3)", 3),
            ("sys.exit()", 0),
            ("sys.exit('words')", 1),
            ("sys.exit(-1)", 255),
            ("sys.exit(10**30)", 0),
        ):
            with self.subTest(line):
                failed = self.failing(asset("import sys", line), stage="run", exception="SystemExit", exit_code=code)
                self.assertEqual(failed["frames"][-1]["text"], line)
        self.assertEqual(self.failing(asset("raise SystemExit('bye')"))["message"], "bye")

    def test_print_error_of_the_original_ends_the_step(self):
        failed = self.failing("from alolib.exception import *\n" + asset("print_error('bad data')"), exit_code=1)
        self.assertIn("bad data", failed["message"])

    def test_other_ways_out(self):
        self.failing(asset("raise KeyboardInterrupt"), exception="KeyboardInterrupt")
        self.failing(asset("raise GeneratorExit"), exception="GeneratorExit")
        self.failing(asset("raise MemoryError"), exception="MemoryError")
        failed = self.failing(asset("def f(): f()", "f()"), exception="RecursionError")
        self.assertLessEqual(len(failed["frames"]), 100)

    def test_an_exception_that_cannot_be_shown(self):
        lines = ["class Odd(Exception):", "    def __str__(self): raise ValueError", "raise Odd"]
        self.failing(asset(*lines), exception="Odd")
        self.failing(asset("raise ValueError('a\\udcffb')"), message="a\\udcffb")
        lines = ["class Odd(SyntaxError):", "    filename = text = property(lambda self: 1 / 0)", "raise Odd('x')"]
        self.failing(asset(*lines), exception="Odd", message="x")
        failed = self.failing(asset("raise ValueError('x' * 10**7)"), exception="ValueError")
        self.assertLess(len(failed["message"]), 30_000)
        self.assertLess(len(failed["traceback"]), 300_000)

    def test_a_signal_for_the_asset(self):
        self.engine.write("train", asset_train=asset("self.asset.save_info('ready')", "while True: pass"))
        self.engine.start()
        while True:
            message = self.engine.receive()
            self.engine.send(self.engine.answer(message["call"], message["arguments"]))
            if message["call"] == "log":
                break
        self.engine.process.send_signal(signal.SIGINT)
        self.assert_failed(self.engine.finish(), stage="run", exception="KeyboardInterrupt")

    def test_a_crash_leaves_the_stack(self):
        self.engine.write("train", asset_train=asset("import os, signal", "os.kill(os.getpid(), signal.SIGSEGV)"))
        self.assertIsNone(self.engine.run())
        self.assertEqual(self.engine.process.wait(60), -signal.SIGSEGV)
        with open(self.engine.project + "/crash.txt", encoding="utf-8") as file:
            stack = file.read()
        self.assertIn("Segmentation fault", stack)
        self.assertIn('asset_train.py", line 14 in run', stack)

    def test_a_quick_exit_is_the_asset_s_own(self):
        self.engine.write("train", asset_train=asset("import os", "os._exit(3)"))
        self.assertIsNone(self.engine.run())
        self.assertEqual(self.engine.process.wait(60), 3)

    def test_a_call_cut_short_by_a_signal_handler_takes_no_other_s_answer(self):
        self.engine.write(
            "train",
            asset_train=asset(
                "import signal",
                "def late(*_): raise TimeoutError('late')",
                "signal.signal(signal.SIGUSR1, late)",
                "try:",
                "    self.asset.get_report_path()",
                "    assert False",
                "except TimeoutError:",
                "    pass",
                "assert self.asset.get_output_path() == 'the output', 'answers are mixed up'",
            ),
        )
        self.engine.answers["get_output_path"] = {"result": "the output"}
        self.engine.start()
        while True:
            message = self.engine.receive()
            if message["call"] == "get_report_path":
                break
            self.engine.send(self.engine.answer(message["call"], message["arguments"]))
        self.engine.process.send_signal(signal.SIGUSR1)
        # The signal is on its way before the answer is, so the handler runs before the call can return.
        self.engine.send({"result": "the report"})
        self.assert_finished(self.engine.finish())


if __name__ == "__main__":
    unittest.main()
