#!/usr/bin/env python3
"""Times pipelines of 1, 10, 100 and 1,000 steps that do nothing, by `alo` and by the tools in `peers/`.

    python3 benches/compare/steps_peers.py [--alo target/release/alo] [--runs 7] [--most 1000]

Each step hands on what it was given: in memory, or as an empty file where a tool knows nothing else. What a step costs is
the slope: the difference of two medians over the difference of their steps. All have run once before the clock starts; a tool
that would take minutes for 1,000 steps, or cannot do them, stops at 100. A peer that cannot be installed, or that fails, is
named and left out.

Then `alo` runs 10, 500 and 1,000 of them in turns. It fails if one more step between 10 and 1,000 costs more than 1 ms by the
medians, or if the cost does not stay the same: one more step between 500 and 1,000 may cost at most 1.5 times one more between
10 and 500. Both spans are of one length, so that what else a machine does weighs alike on them, and the fastest rounds tell,
which carry the least of it. A cost that does not grow comes to 1, one that grows with the number of steps to 3. Standard
library only.
"""

import sys
import tempfile
from pathlib import Path
from typing import Dict, List

from measure import Command, Report, find_alo, find_python, median, options, take_turns, write_trivial_steps
from peers import ALL
from peers.peer import attempt, install

NUMBERS = (1, 10, 100, 1000)
# Seconds that a step of `alo` may take.
MOST = 0.001
# What a late step may cost, times an early one.
MOST_GROWTH = 1.5
# Halves the steps of the longest pipeline.
MIDDLE = 500
AGAIN = "1000 steps, again"


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--most", type=int, default=1000, help="the longest pipeline (default 1000)")
    given = parser.parse_args()
    alo = find_alo(given.alo)
    peers = install(ALL, find_python())
    own: Dict[int, Command] = {}
    medians: Dict[str, Dict[int, float]] = {}
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as temporary:
        report = Report("steps_peers", {"TMP": temporary})
        for number in (number for number in NUMBERS if number <= given.most):
            folder = Path(temporary, str(number))
            own[number] = Command([alo, "run", write_trivial_steps(folder / "alo", number)])
            own[number]()
            sides = {"alo": own[number], "alo, again": own[number]}
            fit = peers._replace(ready=[peer for peer in peers.ready if number <= peer.most_steps])
            ready = attempt(fit, lambda peer: peer.steps(folder / peer.key, number))
            sides.update({peer.name: command for peer, command in ready})
            times = take_turns(sides, given.runs, warm_ups=0)
            report.table(times, base="alo", commands=sides if number == 1 else None, title="1 step" if number == 1 else f"{number} steps")
            for side, seconds in times.items():
                medians.setdefault(side, {})[number] = median(seconds)
        report.note(slopes(medians))
        if given.most >= 1000:
            middle = Command([alo, "run", write_trivial_steps(Path(temporary, "middle"), MIDDLE)])
            sides = {"10 steps": own[10], f"{MIDDLE} steps": middle, "1000 steps": own[1000], AGAIN: own[1000]}
            times = take_turns(sides, given.runs)
            report.table(times, base="10 steps", commands=sides, title="alo alone")
            hold_linear(report, *list(times.values())[:3])
        for sentence in peers.left_out:
            report.note(f"Left out: {sentence}.")
        sys.exit(report.finish())


def hold_linear(report: Report, ten: List[float], middle: List[float], thousand: List[float]) -> None:
    """Holds the cost of one more step, and that it stays the same, against their limits, by the seconds of so many steps."""
    step = (median(thousand) - median(ten)) / 990
    report.limit("a step of alo that does nothing", step, most=MOST, unit="s")
    early, late = (min(middle) - min(ten)) / (MIDDLE - 10), (min(thousand) - min(middle)) / (1000 - MIDDLE)
    growth = late / early if early > 0 else float("inf")
    report.limit(f"a step of alo after the {MIDDLE}th, of one before", growth, most=MOST_GROWTH)


def slopes(medians: Dict[str, Dict[int, float]]) -> str:
    """The table of what one more step costs; ten of them are lost in the noise of a start."""
    spans = [(1, 100), (100, 1000)]
    lines = ["| one more step | " + " | ".join(f"{low} to {high}" for low, high in spans) + " |"]
    lines.append("| --- |" + " --: |" * len(spans))
    for side, by_number in medians.items():
        cells = [side]
        for low, high in spans:
            known = low in by_number and high in by_number
            cells.append(f"{(by_number[high] - by_number[low]) / (high - low) * 1000:.2f} ms" if known else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
