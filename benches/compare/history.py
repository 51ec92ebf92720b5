#!/usr/bin/env python3
"""Times the history of a project with 10,000 recorded runs: its list, and what it adds to a run.

    python3 benches/compare/history.py [--alo target/release/alo] [--runs 11] [--recorded 10000]

The runs are written by the library itself (`cargo run --release -p alo-artifacts --example many_runs`), each with a record of
four steps and an environment of 40 packages. The whole process `alo history list` takes turns with `/bin/true`: at most
100 ms. Then `alo run` of one trivial step in that project takes turns with the same run in a project without a past: at most
15 ms more. Standard library only; `cargo` builds the example.
"""

import os
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Command, Report, find_alo, median, options, take_turns, write_trivial_steps

MOST_LIST = 0.100
MOST_MORE = 0.015


def main() -> None:
    parser = options(__doc__, runs=11)
    parser.add_argument("--recorded", type=int, default=10000, help="runs in the history (default 10000)")
    given = parser.parse_args()
    alo = find_alo(given.alo)
    many = ["cargo", "run", "--quiet", "--release", "-p", "alo-artifacts", "--example", "many_runs", "--"]
    with tempfile.TemporaryDirectory(prefix="alo-bench-", dir=ROOT / "target") as folder:
        old, new = Path(folder, "old"), Path(folder, "new")
        plans = [write_trivial_steps(project, 1) for project in (old, new)]
        write = Command([*many, old, given.recorded], folder=ROOT)
        write()
        # The disk is to be at rest: ten thousand runs at once are not what a project does.
        os.sync()
        report = Report("history", {"TMP": folder})
        report.note(f"{given.recorded} runs, by `{report.shown(write)}`")

        listing = {
            "alo history list": Command([alo, "history", "list"], folder=old),
            "alo history list, again": Command([alo, "history", "list"], folder=old),
            "/bin/true": Command(["/bin/true"]),
        }
        # The first list reads every record; a run is remembered when it has been at rest for two seconds.
        listed = take_turns(listing, given.runs, warm_ups=2)
        report.table(listed, base="/bin/true", commands=listing, title="The list")
        report.limit("`alo history list`", median(listed["alo history list"]), most=MOST_LIST, unit="s")

        runs = {
            f"alo run, after {given.recorded} runs": Command([alo, "run", plans[0]]),
            "alo run, after few": Command([alo, "run", plans[1]]),
            "alo run, after few, again": Command([alo, "run", plans[1]]),
        }
        times = take_turns(runs, given.runs, warm_ups=2)
        report.table(times, base="alo run, after few", commands=runs, title="A run of one trivial step")
        after_many, *after_few = times.values()
        more = median(after_many) - median(sum(after_few, []))
        report.limit("what the runs before it add to a run", more, most=MOST_MORE, unit="s")
        sys.exit(report.finish())


if __name__ == "__main__":
    main()
