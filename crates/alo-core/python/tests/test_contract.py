"""Both generations of assets, and every call of the asset API, through the real worker."""

import datetime
import sys
import unittest

from tests.engine import WorkerTest, asset

LEGACY = """\
from alolib.asset import Asset
import alolib.common as common
from alolib.exception import *


class UserAsset(Asset):
    def __init__(self, envs, argv, data, config):
        super().__init__(envs, argv, version=1.0)
        self.args = self.asset.load_config('args')
        self.config = config
        self.input_data = data['dataframe']

    @Asset.decorator_run
    def run(self):
        self.config['seen'] = self.args['x_columns']
        return {'dataframe': self.input_data + 1}, self.config
"""


class Generations(WorkerTest):
    def test_a_value_goes_from_step_to_step_through_both_generations(self):
        self.engine.write("input", asset_input=asset("self.data['dataframe'] = 41", "self.config['a'] = 1"))
        self.engine.write("legacy", asset_legacy=LEGACY)
        self.engine.write(
            "check",
            asset_check=asset(
                "assert self.data == {'dataframe': 42}, self.data",
                "assert self.config['seen'] == ['a', 'b'] and self.config['a'] == 1, self.config",
                "assert self.config['meta'] == {'step_name': 'check'}, self.config",
            ),
        )
        self.assert_finished(self.engine.run("input"))
        self.assert_finished(self.engine.run("legacy", {"x_columns": ["a", "b"]}, new_pipeline=False))
        self.assert_finished(self.engine.run("check", new_pipeline=False))

    def test_a_new_pipeline_starts_empty(self):
        self.engine.write("input", asset_input=asset("self.data['x'] = 1", "self.config['y'] = 2"))
        self.engine.write(
            "check",
            asset_check=asset("assert self.data == {} and list(self.config) == ['meta'], (self.data, self.config)"),
        )
        self.assert_finished(self.engine.run("input"))
        self.assert_finished(self.engine.run("check"))

    def test_run_needs_no_decorator(self):
        self.engine.write("train", asset_train=asset().replace("    @Asset.decorator_run\n", ""))
        self.assert_finished(self.engine.run())

    def test_self_and_self_asset_are_one(self):
        self.engine.write(
            "train",
            asset_train=asset(
                "assert self.asset is self and self.load_args() == self.asset.load_args() == {'k': 1}",
                "self.data = {}",
                "self.args, self.input_data = None, None",
                "assert self.asset_args == {'k': 1} and self.asset_envs['step'] == 'train'",
                "assert self.input_data_home == self.project_home + 'input/'",
                "assert self.asset_data == {} and self.asset_config == self.config",
            ),
        )
        self.assert_finished(self.engine.run(args={"k": 1}))

    def test_a_value_that_is_no_dict_is_wrapped(self):
        self.engine.write("input", asset_input=asset("self.data = [1, 2]"))
        self.engine.write("next", asset_next=asset("assert self.data == {'dataframe': [1, 2]}, self.data"))
        self.assert_finished(self.engine.run("input"))
        shape = self.engine.called("save_data")[0]["arguments"]
        self.assertEqual(shape, {"type": "list", "is_dict": False, "keys": []})
        self.assert_finished(self.engine.run("next", new_pipeline=False))

    def test_forgetting_to_save_is_refused_at_run(self):
        self.engine.write(
            "train",
            asset_train="from alolib.asset import Asset\nclass UserAsset(Asset):\n    def run(self):\n        pass\n",
        )
        failed = self.assert_failed(self.engine.run(), stage="run", exception="AssetError", refused=True)
        self.assertEqual((failed["frames"][-1]["line"], failed["frames"][-1]["function"]), (3, "run"))

    def test_a_first_generation_asset_must_return_a_pair(self):
        self.engine.write(
            "legacy",
            asset_legacy=LEGACY.replace("return {'dataframe': self.input_data + 1}, self.config", "return None"),
        )
        self.engine.write("input", asset_input=asset("self.data['dataframe'] = 41"))
        self.assert_finished(self.engine.run("input"))
        failed = self.assert_failed(self.engine.run("legacy", {"x_columns": []}, new_pipeline=False), stage="run")
        self.assertIn("must return `(data, config)`, it returned `NoneType`", failed["message"])


class Calls(WorkerTest):
    def test_every_call_carries_exactly_its_arguments_and_its_place(self):
        lines = [
            "self.asset.load_envs()",
            "self.asset.check_args('a')",
            "self.asset.check_args(arg_key='b', is_required=True, default=None, chng_type='list')",
            "self.asset.save_summary('OK', 0.5, note='n', probability={'a': 1.0})",
            "self.asset.save_summary(result='OK', score=1)",
            "self.asset.load_summary()",
            "self.asset.get_input_path()",
            "self.asset.get_model_path(use_inference_path=True)",
            "self.asset.get_output_path()",
            "self.asset.get_extra_output_path()",
            "self.asset.get_report_path()",
            "self.asset.save_info('i', show=True)",
            "self.asset.save_warning(7)",
        ]
        self.engine.write("train", asset_train=asset(*lines))
        self.assert_finished(self.engine.run(args={"b": [1]}))
        got = [(call["call"], call["arguments"]) for call in self.engine.calls]
        plain = {"is_required": False, "default": "", "chng_type": "str"}
        self.assertEqual(
            got,
            [
                ("load_args", {}),
                ("load_envs", {}),
                ("check_args", dict(plain, arg_key="a")),
                ("check_args", {"arg_key": "b", "is_required": True, "default": None, "chng_type": "list"}),
                ("save_summary", {"result": "OK", "score": 0.5, "note": "n", "probability": {"a": 1.0}}),
                ("save_summary", {"result": "OK", "score": 1, "note": "", "probability": {}}),
                ("load_summary", {}),
                ("get_input_path", {}),
                ("get_model_path", {"use_inference_path": True}),
                ("get_output_path", {}),
                ("get_extra_output_path", {}),
                ("get_report_path", {}),
                ("log", {"level": "info", "message": "i", "show": True}),
                ("log", {"level": "warning", "message": "7", "show": False}),
                ("save_data", {"type": "dict", "is_dict": True, "keys": []}),
                ("save_config", {"type": "dict", "is_dict": True, "keys": ["meta"]}),
            ],
        )
        for number, call in enumerate(self.engine.calls[1:14]):
            self.assertEqual(call["at"], {"file": "asset_train.py", "line": 13 + number, "function": "run"})

    def test_the_place_is_the_innermost_line_of_the_step(self):
        self.engine.write(
            "train",
            asset_train=asset("import helper", "helper.log(self)"),
            helper="def log(a):\n    a.save_info('x')\n",
        )
        self.assert_finished(self.engine.run())
        self.assertEqual(self.engine.called("log")[0]["at"], {"file": "helper.py", "line": 2, "function": "log"})

    def test_a_refusal_is_raised_at_the_line_of_the_asset(self):
        for name, base in (
            ("ValueError", "ValueError"),
            ("TypeError", "TypeError"),
            ("AssetError", "AssetError"),
            (None, "AssetError"),
            ("eval", "AssetError"),
            ("SystemExit", "AssetError"),
            ("UnicodeDecodeError", "AssetError"),
        ):
            with self.subTest(name):
                self.engine.answers["get_report_path"] = {"refused": {"message": "no report", "exception": name}}
                self.engine.write("train", asset_train=asset("x = 1", "self.asset.get_report_path()"))
                failed = self.assert_failed(
                    self.engine.run(), stage="run", exception=base, message="no report", refused=True
                )
                self.assertEqual(failed["frames"][-1]["line"], 14)
                self.assertEqual(failed["frames"][-1]["text"], "self.asset.get_report_path()")
                self.assertEqual(len(failed["frames"]), 1)
                self.assertNotIn("alolib/asset.py", failed["traceback"])

    def test_an_asset_may_catch_a_refusal_and_go_on(self):
        self.engine.answers["get_report_path"] = {"refused": {"message": "no report"}}
        self.engine.write(
            "train",
            asset_train=asset(
                "try:", "    self.asset.get_report_path()", "except RuntimeError as e:", "    self.data['e'] = str(e)"
            ),
        )
        self.engine.write("next", asset_next=asset("assert self.data['e'] == 'no report'"))
        self.assert_finished(self.engine.run())
        self.assert_finished(self.engine.run("next", new_pipeline=False))

    def test_saving_twice_is_refused(self):
        self.engine.write("train", asset_train=asset("self.asset.save_data(self.data)"))
        failed = self.assert_failed(self.engine.run(), message="`save_data` was called twice")
        self.assertEqual(failed["frames"][-1]["text"], "self.asset.save_data(self.data)")

    def test_partial_load_gives_the_keys_asked_for(self):
        self.engine.write("input", asset_input=asset("self.data.update({'train/a': 1, 'train/b': 2, 'c': 3})"))
        self.engine.write(
            "next",
            asset_next=asset("assert self.asset.load_data(partial_load='train/') == {'train/a': 1, 'train/b': 2}"),
        )
        self.assert_finished(self.engine.run("input"))
        self.assert_finished(self.engine.run("next", new_pipeline=False))

    def test_a_default_that_is_no_plain_value_comes_back_itself(self):
        self.engine.write(
            "train",
            asset_train=asset("marker = object()", "assert self.asset.check_args('absent', default=marker) is marker"),
        )
        self.assert_finished(self.engine.run())
        self.assertEqual(self.engine.called("check_args")[0]["arguments"]["default"]["$opaque"], "object")

    def test_custom_configs_are_read(self):
        self.engine.write(
            "train", asset_train=asset("c = self.asset.read_custom_config('c.ini')", "assert c['s']['k'] == 'v'")
        )
        with open(self.engine.project + "/c.ini", "wb") as file:
            file.write(b"\xef\xbb\xbf[s]\nk = v\n")
        self.engine.answers["read_custom_config"] = {"result": {"ini": self.engine.project + "/c.ini"}}
        self.assert_finished(self.engine.run())
        self.engine.answers["read_custom_config"] = {"result": {"yaml": {"$map": [[1, {"$date": "2022-08-22"}]]}}}
        self.engine.write(
            "train",
            asset_train=asset(
                "import datetime",
                "c = self.asset.read_custom_config('c.yaml')",
                "assert c == {1: datetime.date(2022, 8, 22)}, c",
            ),
        )
        self.assert_finished(self.engine.run())

    def test_other_loggers_and_helpers_of_the_original_work(self):
        self.engine.write(
            "train",
            asset_train=asset(
                "from alolib.exception import print_color, value_error",
                "from alolib.common import check_path, replace_pattern",
                "self.asset.logger.asset_info('one', 'blue')",
                "self.logger.asset_warning('two')",
                "print_color('coloured', 'red')",
                "assert replace_pattern('a/b/a', 'a', 'x', -1) == 'a/b/x'",
            ),
        )
        self.assert_finished(self.engine.run())
        self.assertEqual([call["arguments"]["message"] for call in self.engine.called("log")], ["one", "two"])
        self.assertEqual([call["at"]["line"] for call in self.engine.called("log")], [15, 16])
        self.assertIn("\033[91mcoloured\033[0m", self.engine.output())

    def test_prints_come_before_the_call_that_follows_them(self):
        self.engine.write(
            "train", asset_train=asset("print('before')", "self.asset.save_info('call')", "print('after')")
        )
        self.engine.start()
        while True:
            message = self.engine.receive()
            if message["call"] == "log":
                self.assertEqual(self.engine.output(), "before\n")
            self.engine.send(self.engine.answer(message["call"], message["arguments"]))
            if message["call"] == "log":
                break
        self.assert_finished(self.engine.finish())
        self.assertEqual(self.engine.output(), "before\nafter\n")


class Values(unittest.TestCase):
    def test_what_goes_out_comes_back(self):
        from alolib import _values

        zone = datetime.timezone(datetime.timedelta(hours=9))
        for value in [
            None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**63, -(10**30), 1.5, 1e300, float("inf"), float("-inf"),
            "", "글자", "\0\n\x7f", [], [1, [2]], {}, {"a": {"b": [None]}}, {1: 2, None: 3, 1.5: 4}, {"$date": "no date"},
            {"$map": 1}, {(1, 2): 3}, datetime.date(2022, 8, 22), datetime.datetime(2022, 8, 22, 10, 0, 0, 123000),
            datetime.datetime(2022, 8, 22, 10, tzinfo=zone), b"", b"\x00\xff",
        ]:  # fmt: skip
            back = _values.loads(_values.dumps(_values.encode(value)))
            self.assertEqual(back, value)
            self.assertIs(type(back), type(value))
        nan = _values.loads(_values.dumps(_values.encode(float("nan"))))
        self.assertNotEqual(nan, nan)

    def test_what_has_no_form_of_its_own(self):
        from alolib import _values

        class Odd:
            def __str__(self):
                raise RuntimeError("no")

        self.assertEqual(_values.encode((1, 2)), [1, 2])
        self.assertEqual(_values.encode({3}), [3])
        self.assertEqual(_values.encode(Odd()), {"$opaque": "Odd", "str": "<no text: RuntimeError>"})
        self.assertEqual(_values.encode("a\udcffb"), "a\\udcffb")
        deep = []
        for _ in range(100_000):
            deep = [deep]
        self.assertLess(len(_values.dumps(_values.encode(deep))), 1000)
        circle = {}
        circle["self"] = circle
        _values.dumps(_values.encode(circle))
        long = _values.encode(type("Long", (), {"__str__": lambda self: "x" * 10**6})())
        self.assertEqual(len(long["str"]), 200)

    def test_the_engines_ways_of_writing_a_time(self):
        from alolib import _values

        utc = datetime.timezone.utc
        for written, expected in [
            ("2022-08-22T10:00:00Z", datetime.datetime(2022, 8, 22, 10, tzinfo=utc)),
            ("2022-08-22T10:00:00.5+00:00", datetime.datetime(2022, 8, 22, 10, 0, 0, 500000, tzinfo=utc)),
            ("2022-08-22T10:00:00.123456789", datetime.datetime(2022, 8, 22, 10, 0, 0, 123456)),
        ]:
            self.assertEqual(_values.loads(b'{"$datetime": "%s"}' % written.encode()), expected)


class Handshake(WorkerTest):
    def test_the_worker_introduces_itself_and_ends_when_told(self):
        expected = {"protocol": 1, "python": "%d.%d.%d" % sys.version_info[:3], "pid": self.engine.process.pid}
        self.assertEqual(self.engine.hello, expected)
        self.assertEqual(self.engine.shut_down(), 0)
        self.assertEqual((self.engine.output(), self.engine.output("stderr")), ("", ""))

    def test_the_worker_ends_quietly_when_the_engine_is_gone(self):
        self.engine.socket.shutdown(2)
        self.assertEqual(self.engine.process.wait(60), 1)
        self.assertEqual((self.engine.output(), self.engine.output("stderr")), ("", ""))


if __name__ == "__main__":
    unittest.main()
