#!/usr/bin/env python3
"""Times a cold `alo run` of the Titanic example, until its first step starts and whole, against uv and pip and a plain script.

    python3 benches/compare/cold_setup.py [--alo target/release/alo] [--python PYTHON3.10] [--runs 7] [--no-pip]

Every turn makes the example's environment anew, once for each side and in an order drawn by lot (with a fixed seed): by `uv venv`
and `uv pip install`, twice (two identical programs differ, too: the A/A pair shows by how much; alo is held against both
together), with `--compile-bytecode`, by `alo run`, and by pip. The plain script runs in each environment of uv right after it
was made. What is downloaded is kept by uv's and pip's own caches, which all sides share and a first turn fills; alo's cache is
emptied of everything but what it knows of interpreters. uv comes from PyPI into an environment of the bench, and is found on
PATH by all sides. It fails over 1.15 times uv and the better of its two ways, or if the results differ.
Standard library only.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import titanic
from measure import Command, Report, environment, find_alo, find_python, median, options

KEPT = {"interpreters", "git", "tools", "uv"}
UV, COMPILED, PIP = "uv", "uv --compile-bytecode", "pip"
READY, SCRIPT = f"{UV}: environment", f"{UV}: environment + script"
LIMIT = 1.15
FIRST, WHOLE = "alo: first step starts", "alo: whole first run"


def main():
    given = parse_options()
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as folder:
        bench = Bench(Path(folder), find_alo(given.alo), given.python or find_python("3.10"))
        report = Report("cold_setup", {"TMP": folder})
        report.note(f"With {Command([bench.uv, '--version'], bench.environment).run().stdout.strip()}.")
        times = {}
        for turn in range(-1, given.runs):  # the first turn only fills caches
            for side, seconds in bench.turn(turn, given.pip).items():
                if turn >= 0:
                    times.setdefault(side, []).append(seconds)
                print(f"{turn + 1}: {side}: {seconds:.3f} s", file=sys.stderr)
        say(report, times)
        sys.exit(report.finish())


def parse_options():
    parser = options(__doc__)
    parser.add_argument("--python", help="the interpreter of all environments; default: python3.10")
    parser.add_argument("--no-pip", dest="pip", action="store_false", help="leaves pip out")
    return parser.parse_args()


class Bench:
    """A folder with a uv, the caches, and what each turn makes."""

    def __init__(self, folder, alo, python):
        self.folder, self.alo, self.python = folder, alo, python
        tools = folder / "tools"
        subprocess.run([python, "-m", "venv", tools], check=True)
        subprocess.run([tools / "bin/pip", "install", "--quiet", "uv"], check=True)
        # Only uv is taken from there: its Python is not to be found on PATH.
        path = folder / "bin"
        path.mkdir()
        (path / "uv").symlink_to(tools / "bin/uv")
        self.uv = str(path / "uv")
        self.environment = environment(
            PATH=f"{path}:{environment()['PATH']}",
            UV_CACHE_DIR=folder / "uv-cache",
            PIP_CACHE_DIR=folder / "pip-cache",
            PIP_DISABLE_PIP_VERSION_CHECK=1,
            ALO_CACHE_DIR=folder / "alo-cache",
            ALO_PYTHON=python,
        )
        self.packages = titanic.packages()

    def turn(self, number, with_pip):
        """Makes everything once; gives seconds by what was made."""
        sides = [self.plain, self.compiled, self.alo_run, self.again] + [self.with_pip] * with_pip
        # The same neighbour in all turns would help or hinder one side.
        random.Random(number).shuffle(sides)
        seconds = {}
        for side in sides:
            place = self.folder / side.__name__
            place.mkdir()
            seconds.update(side(place))
            shutil.rmtree(place)
        return seconds

    def plain(self, place):
        made = self.uv_environment(place)
        return {READY: made, SCRIPT: made + self.script(place)}

    def compiled(self, place):
        made = self.uv_environment(place, "--compile-bytecode")
        return {f"{COMPILED}: environment": made, f"{COMPILED}: environment + script": made + self.script(place)}

    def again(self, place):
        return {f"{side}, again": seconds for side, seconds in self.plain(place).items()}

    def with_pip(self, place):
        made = self.seconds(self.python, "-m", "venv", place / "venv")
        made += self.seconds(place / "venv/bin/python", "-m", "pip", "install", "--quiet", *self.packages)
        return {f"{PIP}: environment": made, f"{PIP}: environment + script": made + self.script(place)}

    def alo_run(self, place):
        for part in (self.folder / "alo-cache").glob("*"):
            if part.name not in KEPT:
                shutil.rmtree(part)
        command = [self.alo, "run", titanic.copy_project(place), "--format", "json"]
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
        seconds = self.seconds(place / "venv/bin/python", titanic.BARE, titanic.EXAMPLE, place / "bare")
        self.same_result(place / "bare/output.csv")
        return seconds

    def same_result(self, file):
        """Keeps the first result, and compares all others with it."""
        kept = self.folder / "output.csv"
        if kept.exists():
            titanic.same(file, kept)
        else:
            shutil.copy(file, kept)

    def seconds(self, *command):
        return Command(command, self.environment)()


def is_first_step(line):
    try:
        return json.loads(line).get("event") == "step_started"
    except ValueError:
        return False


def say(report, times):
    """Prints both tables and holds alo against the better of uv's two ways."""
    scripts = {side: seconds for side, seconds in times.items() if "script" in side or side == WHOLE}
    setups = {side: seconds for side, seconds in times.items() if side not in scripts}
    best = min((SCRIPT, f"{COMPILED}: environment + script"), key=lambda side: median(times[side]))
    report.table(setups, base=READY, title="Until the first step may start")
    report.table(scripts, base=best, title="Until the first result is there")
    report.limit("until the first step starts, of uv's environment", median(times[FIRST]) / median(both(times, READY)), LIMIT)
    report.limit(f"the whole first run, of {best}", median(times[WHOLE]) / median(both(times, best)), LIMIT)


def both(times, side):
    """The seconds of a side and of its twin, if it has one."""
    return times[side] + times.get(f"{side}, again", [])


if __name__ == "__main__":
    main()
