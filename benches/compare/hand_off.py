#!/usr/bin/env python3
"""Times a data frame that passes through three steps, in memory and by files, and the memory it takes.

    python3 benches/compare/hand_off.py [--alo target/release/alo] [--runs 7] [--megabytes 500]

The same three steps (`hand_off_frame.py`: make it, change a column, sum it up) run by `alo` with `interface_mode` `memory` and
`file`, and by a script that hands the frame on as the original did: a plain pickle to a file and back between steps. Once with
numbers alone, once with a column of strings. A side is a whole process: the start of Python, the import of pandas and the making
of the frame are in it on all sides alike, so passing it on alone differs by more than the ratio says. All write to the same disk, and
nobody flushes; each finds the files of its run before, but for one side by files that finds none, as in a project's first run. Numbers by
files and in memory, which take less than a second, take turns by themselves, in four times the rounds. The memory is the most that one process of a side had (`ru_maxrss`; what it has
mapped of files counts). It fails if files take more than 1.3 times the time or 1.2 times the memory of memory mode for numbers,
or if they are not 2 times faster than the original's way with strings. All sides must say the same of the frame. Standard
library only; pandas is in the environment that `alo` makes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Optional

import titanic
from measure import ROOT, Command, Report, Times, environment, find_alo, median, options, take_turns, write_project

HERE = Path(__file__).resolve().parent
PLAN = """\
name: hand-off
user_parameters:
    - train_pipeline:
        - step: make
          args:
            - megabytes: {megabytes}
              kind: {kind}
        - step: change
          args:
        - step: sum
          args:
asset_source:
    - train_pipeline:
{sources}
control:
    - backup_artifacts: False
    - interface_mode: {mode}
"""
SOURCE = """\
        - step: {step}
          source:
            code: local
            branch:
            requirements: [pandas==2.2.3, numpy==2.2.6]
"""
ASSET = """\
import sys

sys.path.insert(0, {here!r})
import hand_off_frame
from alolib.asset import Asset


class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.data = self.asset.load_data()

    @Asset.decorator_run
    def run(self):
        {body}
        self.asset.save_data(self.data)
        self.asset.save_config(self.asset.load_config())
"""
BODIES = {
    "make": "args = self.asset.load_args()\n"
    '        self.data["dataframe"] = hand_off_frame.make(args["megabytes"], args["kind"])',
    "change": 'self.data["dataframe"] = hand_off_frame.change(self.data["dataframe"])',
    "sum": 'self.data["dataframe"] = hand_off_frame.result(self.data["dataframe"])\n'
    '        with open(self.asset.get_extra_output_path() + "result.txt", "w") as file:\n'
    '            file.write(self.data["dataframe"])',
}
RESULT = "train_artifacts/extra_output/sum/result.txt"
FILES, MEMORY, PICKLE = "alo, file", "alo, memory", "the original's way"
FIRST, AGAIN = f"{FILES}, first run", f"{MEMORY}, again"
# The host of a virtual machine takes memory back that has been free for two seconds, and half a gigabyte may take longer to be given
# again than the steps take: so sides of less than a second take turns by themselves, and more often.
SHORT_ROUNDS = 4


class Side:
    """A command that remembers the most memory one of its processes had, and the processor time of all of them.

    The folder `without` is removed before each run, which does not count.
    """

    def __init__(self, *arguments: object, without: Optional[Path] = None) -> None:
        self.command = Command(arguments)
        self.without = without
        self.peaks: list = []
        self.busy: list = []

    def __call__(self) -> float:
        if self.without is not None:
            shutil.rmtree(self.without, ignore_errors=True)
        start = time.perf_counter()
        process = subprocess.Popen(
            self.command.arguments, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.WEXITSTATUS(status)
        seconds = time.perf_counter() - start
        if status != 0:
            sys.exit(f"failed with {status}: {self.command}")
        self.peaks.append(usage.ru_maxrss * 1024)
        self.busy.append(usage.ru_utime + usage.ru_stime)
        return seconds

    def peak(self) -> float:
        """The most memory that one process had, in bytes: the median of the runs."""
        return median(self.peaks)

    def __str__(self) -> str:
        return str(self.command)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--megabytes", type=int, default=500, help="of the frame (default 500)")
    given = parser.parse_args()
    alo = find_alo(given.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-", dir=ROOT / "target") as temporary:
        report = Report("hand_off", {"TMP": temporary})
        for kind in ("numbers", "text"):
            compare(report, alo, Path(temporary, kind), kind, given)
        sys.exit(report.finish())


def compare(report: Report, alo: Path, folder: Path, kind: str, given) -> None:
    plans = {name: project(folder / name, name.split()[0], kind, given.megabytes) for name in ("file", "file first", "memory")}
    python = titanic.warm_up(alo, plans["memory"])
    report.places[str(Path(python).parents[1])] = "$ENV"

    def sides(*names: str) -> Dict[str, Side]:
        every = {
            FILES: Side(alo, "run", plans["file"]),
            MEMORY: Side(alo, "run", plans["memory"]),
            AGAIN: Side(alo, "run", plans["memory"]),
            FIRST: Side(alo, "run", plans["file first"], without=folder / "file first/.asset_interface"),
            PICKLE: Side(python, HERE / "hand_off_frame.py", folder / "pickle", given.megabytes, kind, "pickle"),
        }
        return {name: every[name] for name in names}

    title = f"{given.megabytes} MB, {kind}"
    if kind == "numbers":
        close = sides(FILES, MEMORY, AGAIN)
        times = measure(report, close, SHORT_ROUNDS * given.runs, f"{title}, by files and in memory")
        report.limit("numbers by files, of memory mode", median(times[FILES]) / median(times[MEMORY] + times[AGAIN]), most=1.3)
        report.limit("their peak memory, of memory mode", close[FILES].peak() / close[MEMORY].peak(), most=1.2)
        measure(report, sides(FIRST, MEMORY, PICKLE), given.runs, f"{title}, beside the original's way")
    else:
        times = measure(report, sides(FILES, MEMORY, AGAIN, FIRST, PICKLE), given.runs, title)
        faster = median(times[PICKLE]) / median(times[FILES])
        report.limit("with strings by files, faster than the original's way", faster, least=2)
    for name in plans:
        titanic.same(folder / name / RESULT, folder / "pickle/result.txt")
    shutil.rmtree(folder)


def measure(report: Report, sides: Dict[str, Side], rounds: int, title: str) -> Times:
    """Lets the sides take turns, and writes their table."""
    times = take_turns(sides, rounds)
    report.table(times, base=MEMORY, commands=sides, title=title)
    report.note("Peak memory: " + ", ".join(f"{name} {side.peak() / 1e6:.0f} MB" for name, side in sides.items()) + ".")
    busy = {name: median(side.busy) for name, side in sides.items()}
    report.note("Processor time: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in busy.items()) + ".")
    return times


def project(folder: Path, mode: str, kind: str, megabytes: int) -> Path:
    sources = "".join(SOURCE.format(step=step) for step in BODIES).rstrip()
    plan = PLAN.format(mode=mode, kind=kind, megabytes=megabytes, sources=sources)
    return write_project(folder, plan, {step: ASSET.format(here=str(HERE), body=body) for step, body in BODIES.items()})


if __name__ == "__main__":
    main()
