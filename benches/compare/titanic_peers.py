#!/usr/bin/env python3
"""Times the Titanic work by `alo`, a bare script, and the tools in `peers/`, warm and with nothing changed.

    python3 benches/compare/titanic_peers.py [--alo target/release/alo] [--runs 7]

All sides make the same library calls with the same values (`titanic_bare.py`), and must leave the same table of
predictions. A warm run does all the work again. Then, with nothing changed, the tools that can tell are asked to run once
more. A peer that cannot be installed, or that fails, is named and left out. Standard library only.
"""

import sys
import tempfile
from pathlib import Path

import titanic
from measure import Command, Report, find_alo, options, take_turns
from peers import ALL
from peers.peer import attempt, install


def main() -> None:
    given = options(__doc__).parse_args()
    alo = find_alo(given.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as temporary:
        folder = Path(temporary)
        plan = titanic.copy_project(folder / "alo")
        python = titanic.warm_up(alo, plan)
        peers = install(ALL, python)
        ready = attempt(peers, lambda peer: peer.titanic(folder / peer.key))
        bare = Command([python, titanic.BARE, plan.parent, folder / "bare"])
        sides = {"bare script": bare, "bare script, again": bare, "alo": Command([alo, "run", plan])}
        sides.update({peer.name: command for peer, command in ready})
        places = {"TMP": folder, "ENV": Path(python).parents[1]}
        report = Report("titanic_peers", places)
        times = take_turns(sides, given.runs)
        for peer, _ in ready:
            titanic.same(folder / "bare/output.csv", peer.result(folder / peer.key))
        titanic.same(folder / "bare/output.csv", plan.parent / "inference_artifacts/output/output.csv")
        report.table(times, base="bare script", commands=sides, title="A warm run")

        again = {}
        if "--resume" in Command([alo, "run", "--help"]).run().stdout:
            again["alo"] = Command([alo, "run", "--resume", plan])
        again.update({peer.name: peer.again(folder / peer.key) for peer, _ in ready})
        again = {name: command for name, command in again.items() if command is not None}
        if again:
            times = take_turns(again, given.runs)
            report.table(times, base=next(iter(again)), commands=again, title="Once more, with nothing changed")
        for sentence in peers.left_out:
            report.note(f"Left out: {sentence}.")
        sys.exit(report.finish())


if __name__ == "__main__":
    main()
