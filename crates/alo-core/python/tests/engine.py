"""The other end of the socket: starts the real worker as a process and speaks the protocol with it.

It answers calls in the plainest way that lets an asset run, and keeps what it was asked, so that a test can look at it.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import unittest

PYTHON = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Engine:
    """One worker, and the project folder its steps work in."""

    def __init__(self, environment=None):
        self.project = os.path.realpath(tempfile.mkdtemp(prefix="alo-worker-"))
        self.calls = []
        self.answers = {}
        ours, theirs = socket.socketpair()
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        variables.update({"PYTHONDONTWRITEBYTECODE": "1"}, **(environment or {}))
        self._stdout = open(os.path.join(self.project, "stdout.txt"), "wb")
        self._stderr = open(os.path.join(self.project, "stderr.txt"), "wb")
        self.process = subprocess.Popen(
            [sys.executable, "-u", os.path.join(PYTHON, "worker.py")],
            stdin=theirs,
            stdout=self._stdout,
            stderr=self._stderr,
            env=variables,
            start_new_session=True,
            # A shell in the background lets its children ignore Ctrl-C, and they theirs.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        theirs.close()
        ours.settimeout(60)
        self.socket = ours
        self._lines = ours.makefile("rb")
        self.hello = self.receive()["hello"]

    def receive(self):
        """Reads one message; None when the worker has closed its end."""
        line = self._lines.readline()
        return json.loads(line) if line else None

    def send(self, message):
        """Sends one message."""
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def write(self, folder, **files):
        """Writes files of a step: `asset_train=…` becomes `asset_train.py`."""
        target = os.path.join(self.project, folder)
        os.makedirs(target, exist_ok=True)
        for name, content in files.items():
            with open(os.path.join(target, name + ".py"), "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(content))
        return target

    def start(self, step="train", args=None, new_pipeline=True, **hand_off):
        """Orders a step whose files lie in the folder of its name."""
        base = "".join(letter for letter in step if letter.isalpha() or letter == "_")
        folder = os.path.join(self.project, step)
        self.args = args or {}
        self.keys = {"data": [], "config": []} if new_pipeline else self.keys
        self.saved = []
        self.send(
            {
                "run_step": {
                    "new_pipeline": new_pipeline,
                    "step": step,
                    "module": "asset_" + base,
                    "file": os.path.join(folder, "asset_%s.py" % base),
                    "folder": folder,
                    "args": self.args,
                    "envs": {"project_home": self.project + "/", "pipeline": "train_pipeline", "step": step},
                    "meta": {"step_name": step},
                    "cwd": self.project,
                    "hand_off": {
                        key: hand_off.get(key)
                        for key in ("load_data", "load_config", "save_data", "save_config", "spare", "environments", "next_here")
                    },
                    "crash_file": os.path.join(self.project, "crash.txt"),
                }
            }
        )

    def finish(self):
        """Answers calls until the step is over; gives its outcome (None when the worker died)."""
        while True:
            message = self.receive()
            if message is None:
                return None
            if "done" in message:
                return message["done"]
            self.calls.append(message)
            self.send(self.answer(message["call"], message["arguments"]))

    def run(self, step="train", args=None, **order):
        """Orders a step and sees it through."""
        self.start(step, args, **order)
        return self.finish()

    def answer(self, call, arguments):
        """Answers one call; what a test has put into `answers` goes first."""
        if call in self.answers:
            return self.answers[call]
        if call == "load_args":
            return {"result": self.args}
        if call == "check_args":
            return {"result": self.args.get(arguments["arg_key"], {"$default": True})}
        if call == "load_data":
            return {"result": [key for key in self.keys["data"] if arguments["partial_load"] in key]}
        if call in ("save_data", "save_config"):
            what = call[len("save_") :]
            if what in self.saved:
                return {"refused": {"message": "`%s` was called twice" % call, "exception": "AssetError"}}
            self.saved.append(what)
            self.keys[what] = arguments["keys"] if arguments["is_dict"] else ["dataframe"]
            return {"result": {"wrap": not arguments["is_dict"]} if what == "data" else {}}
        if call == "step_end":
            missing = [what for what in ("data", "config") if what not in self.saved]
            if missing:
                return {"refused": {"message": "`save_%s` was not called" % missing[0]}}
            return {"result": {}}
        if call == "log" and arguments["level"] == "error":
            return {"refused": {"message": arguments["message"]}}
        if call.startswith("get_"):
            return {"result": self.project + "/"}
        return {"result": None}

    def called(self, name):
        """Gives the calls of a name, in order."""
        return [call for call in self.calls if call["call"] == name]

    def output(self, stream="stdout"):
        """Gives what the worker has printed so far."""
        with open(os.path.join(self.project, stream + ".txt"), "rb") as file:
            return file.read().decode("utf-8", "replace")

    def shut_down(self):
        """Ends the worker in the orderly way; gives its exit code."""
        self.send({"shutdown": {}})
        return self.process.wait(60)

    def close(self):
        """Ends whatever is left."""
        self._lines.close()
        self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._stdout.close()
        self._stderr.close()
        shutil.rmtree(self.project, ignore_errors=True)


class WorkerTest(unittest.TestCase):
    """A test with a worker of its own."""

    def setUp(self):
        self.engine = Engine()
        self.addCleanup(self.engine.close)

    def assert_finished(self, outcome):
        """Fails with the asset's traceback if the step failed."""
        self.assertEqual(outcome, {"finished": {}}, (outcome or {}).get("failed", {}).get("traceback"))

    def assert_failed(self, outcome, **expected):
        """Checks fields of a failed outcome and gives it."""
        self.assertIn("failed", outcome)
        failed = outcome["failed"]
        for key, value in expected.items():
            self.assertEqual(failed[key], value, failed)
        return failed


#: An asset that does as it is told by the lines put in its `run`.
ASSET = """\
from alolib.asset import Asset


class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.args = self.asset.load_args()
        self.config = self.asset.load_config()
        self.data = self.asset.load_data()

    @Asset.decorator_run
    def run(self):
%s
        self.asset.save_data(self.data)
        self.asset.save_config(self.config)
"""


def asset(*lines):
    """Gives an asset whose `run` starts with these lines."""
    return ASSET % "\n".join("        " + line for line in lines)
