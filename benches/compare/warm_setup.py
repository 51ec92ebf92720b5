#!/usr/bin/env python3
"""Times a set-up in which there is nothing left to do: `alo fetch` of the Titanic example against uv and pip.

    python3 benches/compare/warm_setup.py [--alo target/release/alo] [--runs 7]

The code of five steps and the environment of both pipelines are there, and so are the packages for uv and pip, which are asked to
install them again. It fails if the whole process `alo fetch` takes more than 10 ms above `alo --version`. Standard library only.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import titanic
from measure import Command, Report, find_alo, find_python, median, options, take_turns
from peers import Workshop

MOST_ABOVE = 0.010


def main() -> None:
    given = options(__doc__).parse_args()
    alo, python, uv = find_alo(given.alo), find_python(), Workshop().uv
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as temporary:
        folder = Path(temporary)
        plan = titanic.copy_project(folder / "titanic")
        packages = titanic.packages()
        inside = folder / "venv/bin/python"
        subprocess.run([python, "-m", "venv", inside.parents[1]], check=True)
        sides = {
            "alo fetch": Command([alo, "fetch", plan]),
            "alo fetch, again": Command([alo, "fetch", plan]),
            "uv pip install": Command([uv, "pip", "install", "--python", inside, *packages]),
            "pip install": Command([inside, "-m", "pip", "install", "--disable-pip-version-check", *packages]),
            "alo --version": Command([alo, "--version"]),
        }
        for command in sides.values():
            command()
        report = Report("warm_setup", {"TMP": folder})
        report.note(f"With {Command([uv, '--version']).run().stdout.strip()}.")
        times = take_turns(sides, given.runs)
        report.table(times, base="alo fetch", commands=sides)
        above = median(times["alo fetch"]) - median(times["alo --version"])
        report.limit("`alo fetch` of what is there, above `alo --version`", above, MOST_ABOVE, unit="s")
        sys.exit(report.finish())


if __name__ == "__main__":
    main()
