#!/usr/bin/env python3
"""Times a cold `alo run` of the Titanic example, until its first step starts and whole, against uv and pip and a plain script.

    python3 benches/compare/cold_setup.py [--alo target/release/alo] [--python PYTHON3.10] [--runs 7] [--no-pip]

Every turn makes the example's environment anew, once for each side: by `uv venv` and `uv pip install`, twice (two identical
programs differ, too: the A/A pair shows by how much), with `--compile-bytecode`, by `alo run`, and by pip. The plain script
runs in each environment of uv right after it was made. What is downloaded is kept by uv's and pip's own caches, which all sides
share and a first turn fills; alo's cache is emptied of everything but what it knows of interpreters. uv comes from PyPI into an
environment of the bench, and is found on PATH by all sides. It prints a Markdown table, and fails if the results differ.
Standard library only.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import warm_titanic

ROOT = warm_titanic.ROOT
KEPT = {"interpreters", "git", "tools", "uv"}
BARE = Path(__file__).with_name("titanic_bare.py")
UV, COMPILED, PIP = "uv", "uv --compile-bytecode", "pip"
READY, AGAIN = f"{UV}: environment", f"{UV}: environment, again"
FIRST, WHOLE = "alo: first step starts", "alo: whole first run"


def main():
    options = parse_options()
    alo = warm_titanic.find_alo(options.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as folder:
        folder = Path(folder)
        bench = Bench(folder, alo, options.python or find_python())
        times = {}
        for turn in range(-1, options.runs):  # the first turn only fills caches
            for side, seconds in bench.turn(turn, options.pip).items():
                if turn >= 0:
                    times.setdefault(side, []).append(seconds)
                print(f"{turn + 1}: {side}: {seconds:.3f} s", file=sys.stderr)
        print_table(times)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alo", help="the program to measure; default: target/release/alo, else alo on PATH")
    parser.add_argument("--python", help="the interpreter of all environments; default: python3.10")
    parser.add_argument("--runs", type=int, default=7, help="turns that count (default 7)")
    parser.add_argument("--no-pip", dest="pip", action="store_false", help="leaves pip out")
    return parser.parse_args()


def find_python():
    """A Python 3.10 that runs: on PATH there may be a shim of that name that does not."""
    places = [shutil.which("python3.10"), *map(str, sorted(Path.home().glob(".pyenv/versions/3.10.*/bin/python")))]
    for place in filter(None, places):
        asked = subprocess.run([place, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
        if asked.returncode == 0:
            return asked.stdout.strip()
    sys.exit("no Python 3.10: name an interpreter with --python")


class Bench:
    """A folder with a uv, the caches, and what each turn makes."""

    def __init__(self, folder, alo, python):
        self.folder, self.alo, self.python = folder, alo, python
        tools = folder / "tools"
        subprocess.run([python, "-m", "venv", tools], check=True)
        subprocess.run([tools / "bin/pip", "install", "--quiet", "uv"], check=True)
        left_out = ("PYTHON", "UV_", "PIP_", "VIRTUAL_ENV", "ALO_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        # Only uv is taken from there: its Python is not to be found on PATH.
        path = folder / "bin"
        path.mkdir()
        (path / "uv").symlink_to(tools / "bin/uv")
        self.uv = str(path / "uv")
        self.environment.update(
            PATH=f"{path}:{os.environ['PATH']}",
            UV_CACHE_DIR=str(folder / "uv-cache"),
            PIP_CACHE_DIR=str(folder / "pip-cache"),
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            ALO_CACHE_DIR=str(folder / "alo-cache"),
            ALO_PYTHON=python,
        )
        plan = (ROOT / "examples/titanic/experimental_plan.yaml").read_text(encoding="utf-8")
        # The example's requirements are lines of their own, all of them pins.
        self.packages = sorted(set(re.findall(r"^\s*- ([\w-]+==[\w.]+)$", plan, re.MULTILINE)))

    def turn(self, number, with_pip):
        """Makes everything once, in an order that another side begins each turn; gives seconds by what was made."""
        sides = [self.plain, self.compiled, self.alo_run, self.again] + [self.with_pip] * with_pip
        shift = number % len(sides)
        seconds = {}
        for side in sides[shift:] + sides[:shift]:
            place = self.folder / side.__name__
            place.mkdir()
            seconds.update(side(place))
            shutil.rmtree(place)
        return seconds

    def plain(self, place):
        made = self.uv_environment(place)
        return {READY: made, f"{UV}: environment + script": made + self.script(place)}

    def compiled(self, place):
        made = self.uv_environment(place, "--compile-bytecode")
        return {f"{COMPILED}: environment": made, f"{COMPILED}: environment + script": made + self.script(place)}

    def again(self, place):
        return {AGAIN: self.uv_environment(place)}

    def with_pip(self, place):
        made = self.seconds(self.python, "-m", "venv", place / "venv")
        made += self.seconds(place / "venv/bin/python", "-m", "pip", "install", "--quiet", *self.packages)
        return {f"{PIP}: environment": made, f"{PIP}: environment + script": made + self.script(place)}

    def alo_run(self, place):
        for part in (self.folder / "alo-cache").glob("*"):
            if part.name not in KEPT:
                shutil.rmtree(part)
        for part in ("assets", "sample_data", "experimental_plan.yaml"):
            warm_titanic.copy(ROOT / "examples/titanic" / part, place / part)
        command = [self.alo, "run", place / "experimental_plan.yaml", "--format", "json"]
        start = time.perf_counter()
        first, lines = None, []
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True) as alo:
            for line in alo.stdout:
                lines.append(line)
                if first is None and is_first_step(line):
                    first = time.perf_counter() - start
        whole = time.perf_counter() - start
        if alo.returncode != 0 or first is None:
            sys.exit(f"failed with {alo.returncode}: {command}\n{''.join(lines)}")
        self.same_result(place / "inference_artifacts/output/output.csv")
        return {FIRST: first, WHOLE: whole}

    def uv_environment(self, place, *more):
        made = self.seconds(self.uv, "venv", "--quiet", "--python", self.python, place / "venv")
        return made + self.seconds(
            self.uv, "pip", "install", "--quiet", "--python", place / "venv/bin/python", *more, *self.packages
        )

    def script(self, place):
        seconds = self.seconds(place / "venv/bin/python", BARE, ROOT / "examples/titanic", place / "bare")
        self.same_result(place / "bare/output.csv")
        return seconds

    def same_result(self, file):
        """Keeps the first result, and compares all others with it."""
        kept = self.folder / "output.csv"
        if kept.exists():
            warm_titanic.compare(file, kept)
        else:
            shutil.copy(file, kept)

    def seconds(self, *command):
        return warm_titanic.measure([str(part) for part in command], self.environment).seconds


def is_first_step(line):
    try:
        return json.loads(line).get("event") == "step_started"
    except ValueError:
        return False


def print_table(times):
    medians = {what: statistics.median(seconds) for what, seconds in times.items()}
    best = min(medians[f"{UV}: environment + script"], medians[f"{COMPILED}: environment + script"])
    print(f"Machine: {platform.platform()}, {os.cpu_count()} cores, {warm_titanic.cpu_name()}, load {os.getloadavg()[2]:.1f}.\n")
    print(f"| what | median of {len(times[READY])} | fastest | slowest | ratio |")
    print("| --- | --: | --: | --: | --: |")
    for what in sorted(medians, key=lambda what: ("script" in what or what == WHOLE, medians[what])):
        base = best if "script" in what or what == WHOLE else medians[READY]
        low, high = min(times[what]), max(times[what])
        print(f"| {what} | {medians[what]:.2f} s | {low:.2f} s | {high:.2f} s | {medians[what] / base:.2f}x |")


if __name__ == "__main__":
    main()
