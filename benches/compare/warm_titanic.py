#!/usr/bin/env python3
"""Times a warm `alo run` of the Titanic example against one plain script that does the same in the same environment.

    python3 benches/compare/warm_titanic.py [--alo target/release/alo] [--python ENVIRONMENT/bin/python] [--runs 7]

The example is copied to a temporary project. One run before the clock starts builds what is missing (the environment,
its byte-code). Then `alo run`, the bare script, and the bare script once more (two identical programs differ, too: the
A/A pair shows by how much) take turns. It fails over 1.05 times the bare script, or if the two sides wrote different
results. Standard library only.
"""

import sys
import tempfile
from pathlib import Path

import titanic
from measure import Command, Report, find_alo, median, options, take_turns

LIMIT = 1.05


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--python", help="the environment's Python; default: the one that alo's events name")
    given = parser.parse_args()
    alo = find_alo(given.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as temporary:
        folder = Path(temporary)
        plan = titanic.copy_project(folder / "titanic")
        built = titanic.warm_up(alo, plan)
        python = given.python or built
        bare = Command([python, titanic.BARE, plan.parent, folder / "bare"])
        sides = {"alo run": Command([alo, "run", plan]), "bare script": bare, "bare script, again": bare}
        report = Report("warm_titanic", {"TMP": folder, "ENV": Path(python).parents[1]})
        times = take_turns(sides, given.runs)
        titanic.same(plan.parent / "inference_artifacts/output/output.csv", folder / "bare/output.csv")
        report.table(times, base="bare script", commands=sides)
        report.limit("a warm run, of the bare script", median(times["alo run"]) / median(times["bare script"]), LIMIT)
        sys.exit(report.finish())


if __name__ == "__main__":
    main()
