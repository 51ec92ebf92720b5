#!/usr/bin/env python3
"""Times `--version` of `alo` and of the tools in `peers/`: what each costs before it does anything.

    python3 benches/compare/startup_peers.py [--alo target/release/alo] [--runs 7]

A peer that cannot be installed, or that fails, is named and left out. Standard library only.
"""

import sys

from measure import Command, Report, find_alo, find_python, options, take_turns
from peers import ALL
from peers.peer import attempt, install


def main() -> None:
    given = options(__doc__).parse_args()
    peers = install(ALL, find_python())
    version = Command([find_alo(given.alo), "--version"])
    sides = {"/bin/true": Command(["/bin/true"]), "alo": version, "alo, again": version}
    sides.update({peer.name: command for peer, command in attempt(peers, lambda peer: peer.version())})
    report = Report("startup_peers")
    report.table(take_turns(sides, given.runs), base="alo", commands=sides)
    for sentence in peers.left_out:
        report.note(f"Left out: {sentence}.")
    sys.exit(report.finish())


if __name__ == "__main__":
    main()
