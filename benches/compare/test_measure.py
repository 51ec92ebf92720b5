"""Tests of the package `measure`.

    python3 -m unittest discover benches/compare
"""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from measure import Command, Failed, Report, duration, environment, report, take_turns
from measure.document import Document
from measure.table import markdown


class Turns(unittest.TestCase):
    def test_the_order_of_each_round_is_drawn_by_lot_and_warm_ups_do_not_count(self):
        order = []
        sides = {name: lambda name=name: order.append(name) or float(len(order)) for name in "abc"}
        with contextlib.redirect_stderr(io.StringIO()):
            times = take_turns(sides, runs=2)
        self.assertEqual("".join(order), "bca" + "acb" + "bca")
        self.assertEqual(times, {"a": [4.0, 9.0], "b": [6.0, 7.0], "c": [5.0, 8.0]})


class Tables(unittest.TestCase):
    def test_ratios_are_of_medians_and_of_pairs(self):
        table = markdown({"alo": [2.0, 2.0, 9.0], "bare": [1.0, 2.0, 3.0]}, base="bare")
        self.assertIn("| alo | 2.000 s | 2.000 s | 9.000 s | 1.00x | 2.00x |", table)

    def test_short_times_are_in_milliseconds(self):
        self.assertEqual([duration(0.0123), duration(1.5), duration(250.4)], ["12.30 ms", "1.500 s", "250 s"])


class Commands(unittest.TestCase):
    def test_what_would_slow_one_side_is_left_out_of_the_environment(self):
        with mock.patch.dict(os.environ, {"PYTHONDONTWRITEBYTECODE": "1", "ALO_OFFLINE": "1", "KEPT": "1"}):
            variables = environment(MORE=2)
        self.assertEqual((variables["KEPT"], variables["MORE"]), ("1", "2"))
        self.assertFalse({"PYTHONDONTWRITEBYTECODE", "ALO_OFFLINE"} & set(variables))

    def test_a_command_that_fails_is_told_with_its_output(self):
        with self.assertRaisesRegex(Failed, "failed with 3: sh -c(.|\n)*because"):
            Command(["sh", "-c", "echo because >&2; exit 3"])()


class Reports(unittest.TestCase):
    def test_a_missed_limit_is_what_it_ends_with(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(report, "RESULTS", Path(folder)):
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                said = Report("test")
                said.limit("fast", 1.04, most=1.05)
                said.limit("faster", 29.0, least=30)
                end = said.finish()
            self.assertTrue(Path(folder, "test.json").exists())
        self.assertEqual(end, "over the limit: faster")
        self.assertIn("**PASS**: fast: 1.04x, at most 1.05x.", printed.getvalue())
        self.assertIn("**MISS**: faster: 29.00x, at least 30.00x.", printed.getvalue())


class Documents(unittest.TestCase):
    def test_blocks_are_replaced_and_limits_repeated_and_prose_stays(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "benchmarks.md")
            blocks = [f"<!-- measured: {name} -->\nold\n<!-- end of {name} -->" for name in ("limits", "one")]
            path.write_text(f"# Title\n\n{blocks[0]}\n\n## One\n\n{blocks[1]}\n\nprose\n\n## Last\n", encoding="utf-8")
            document = Document(path)
            document.replace("one", "**PASS**: of `one`, too: 1.00x, at most 2.00x.")
            document.add_section("two", "Two", "Why.", behind=["one", "absent"])
            document.replace("two", "**MISS**: two: 3.00x, at most 2.00x.")
            document.repeat_limits()
            document.save()
            text = path.read_text(encoding="utf-8")
        self.assertNotIn("old", text)
        self.assertIn("| of `one`, too | 1.00x | at most 2.00x | PASS |\n| two | 3.00x | at most 2.00x | MISS |", text)
        places = [text.index(part) for part in ("## One", "prose", "## Two\n\nWhy.", "## Last")]
        self.assertEqual(places, sorted(places))


if __name__ == "__main__":
    unittest.main()
