"""What names a run is found wherever the process remembers it, and nowhere else."""

import array
import functools
import os
import pickle
import sys
import types
import unittest

from alolib import _traces

#: Made when it is asked for: a constant of this file would be found.
_PARTS = ("20260101T0000", "00Z-12345678", "-name")


def run():
    return "".join(_PARTS)


def path():
    return "/project/.alo/staging/" + run() + "/train_artifacts/"


class TracesTest(unittest.TestCase):
    def in_values(self, values):
        return _traces.in_values(_traces.Trace(run()), values)

    def in_process(self):
        return _traces.in_process(_traces.Trace(run()))

    def setUp(self):
        self.assertIsNone(self.in_process())
        self.module = sys.modules["traced"] = types.ModuleType("traced")
        self.addCleanup(sys.modules.pop, "traced")

    def tearDown(self):
        self.module.__dict__.clear()
        self.module = None

    def test_values_are_looked_through_in_every_width(self):
        for form in ("utf-8", "utf-16", "utf-16-be", "utf-32", "utf-32-be"):
            for before in (0, 1, _traces._PIECE - 40, 3 * _traces._PIECE):
                text = b"." * before + path().encode(form)
                self.assertIn("names the folder", self.in_values({"text": text}))
                apart = pickle.PickleBuffer(bytearray(text))
                self.assertIn("names the folder", self.in_values({"apart": apart}), (form, before))

    def test_values_that_do_not_name_the_run_are_free(self):
        other = path().replace("12345678", "12345679")
        numbers = pickle.PickleBuffer(array.array("d", [1.0, 2.0]))
        self.assertIsNone(self.in_values({"other": other, "numbers": numbers, "bytes": bytearray(other, "utf-8")}))
        self.assertIn("cannot be looked through", self.in_values({"call": lambda: 1}))

    def test_globals_of_modules_are_told_by_their_name(self):
        self.module.OUT = path()
        self.assertIn("`traced.OUT` names", self.in_process())

    def test_what_is_no_module_may_lie_among_them(self):
        class Strange:
            __slots__ = ()

            def __getattr__(self, name):
                raise RuntimeError(name)

        sys.modules["strange"] = Strange()
        self.addCleanup(sys.modules.pop, "strange")
        self.assertIsNone(self.in_process())
        self.module.OUT = path()
        self.assertIn("`traced.OUT` names", self.in_process())

    def test_variables_are_told_by_their_name(self):
        os.environ["TRACED"] = path()
        try:
            self.assertIn("`TRACED` names", self.in_process())
        finally:
            del os.environ["TRACED"]

    def test_what_objects_hold_is_found(self):
        class Slots:
            __slots__ = ("held",)

        for hold in (lambda held: {"a": [{"b": (held,)}]}, lambda held: {held}, functools.partial(functools.partial, print)):
            self.module.held = hold(path())
            self.assertIsNotNone(self.in_process())
        self.module.held = Slots()
        self.assertIsNone(self.in_process())
        for held in (path(), bytearray(path(), "utf-32"), array.array("I", map(ord, path())).tobytes()):
            self.module.held.held = held
            self.assertIsNotNone(self.in_process())

    def test_generators_and_closures_are_found(self):
        def closed(held):
            return lambda: held

        def begun(held):
            yield held
            yield held

        self.module.closed = closed(path())
        self.assertIsNotNone(self.in_process())
        del self.module.closed
        self.module.begun = begun(path())
        self.assertIsNotNone(self.in_process())
        next(self.module.begun)
        self.assertIsNotNone(self.in_process())

    def test_what_packages_remember_by_their_arguments_does_not_count(self):
        import linecache
        import re
        import urllib.parse
        import warnings

        linecache.getline(path() + "file.py", 1)
        re.compile(re.escape(path()))
        urllib.parse.urlsplit(path())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            registry = self.module.__warningregistry__ = {}
            warnings.warn_explicit(path(), UserWarning, "traced.py", 1, registry=registry)
        self.assertIsNone(self.in_process())

        @functools.lru_cache()
        def out():
            return path()

        self.module.out = out
        self.assertIsNone(self.in_process())
        out()
        self.assertIsNotNone(self.in_process())


if __name__ == "__main__":
    unittest.main()
