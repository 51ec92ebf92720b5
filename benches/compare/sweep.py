#!/usr/bin/env python3
"""Times `alo sweep` of 100 settings of the Titanic example against one process for each of them.

    python3 benches/compare/sweep.py [--alo target/release/alo] [--runs 7] [--settings 100] [--jobs 2]

The settings are seeds of the forest, with 10 trees and 2-fold cross-validation, so that the tool and not the forest is timed.
Every turn sweeps all of them once, and runs one of them, a process each, by `alo run`, by `titanic_bare.py`, a plain script that
makes the same library calls, and by mellerikat-alo 3.0.4 (`peers/`), the generation of the original that PyPI has; 100 of them
in a row take 100 times as long. The generation that `alo` re-implements, 2.6, cannot be installed from PyPI; it was measured at
2.3 times the plain script (3.0.4: 1.85 times), and that factor stands for it. It fails under 20 times the throughput of either,
under 5 times `alo run` in a loop, or when a model of the sweep differs from the one that `alo run` makes. If mellerikat-alo
cannot be installed, or fails, it is named and left out. Standard library only.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

import titanic
from measure import Command, Failed, Report, find_alo, median, options, take_turns
from peers import MellerikatAlo, Peer
from peers.peer import attempt, install

# The original 2.6, in plain scripts.
ORIGINAL = 2.3
# The small forest: trees and folds.
FOREST = (10, 2)
LEAST_LOOP = 5
LEAST_ORIGINAL = 20


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--settings", type=int, default=100, help="how many settings are swept (default 100)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at a time (default: the cores)")
    given = parser.parse_args()
    alo = find_alo(given.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as temporary:
        folder = Path(temporary)
        swept, looped = small(folder / "sweep"), small(folder / "loop")
        titanic.warm_up(alo, swept)
        python = titanic.warm_up(alo, looped)
        axis = f"train.random_state=1:{given.settings}"
        sweep = Command([alo, "sweep", swept, "--set", axis, "--jobs", given.jobs, "--format", "json"])
        run = Command([alo, "run", looped])
        bare = Command([python, titanic.BARE, looped.parent, folder / "bare", *FOREST])
        peers = install([MellerikatAlo], python)
        ready = attempt(peers, lambda peer: small_peer(peer, folder / peer.key))
        report = Report("sweep", {"TMP": folder, "ENV": Path(python).parents[1]})
        commands = {"alo sweep, a setting": sweep, "alo run": run, "plain script": bare, "plain script, again": bare}
        commands.update({peer.name: command for peer, command in ready})
        sides = {**commands, "alo sweep, a setting": lambda: sweep() / given.settings}
        times = take_turns(sides, given.runs)
        report.table(times, base="plain script", commands=commands)
        same_model(sweep.run().stdout, swept, looped, run)
        a_setting = median(times["alo sweep, a setting"])
        loop = median(times["alo run"]) / a_setting
        report.limit("throughput of the sweep, of alo run in a loop", loop, least=LEAST_LOOP)
        original = ORIGINAL * median(times["plain script"]) / a_setting
        report.limit("throughput of the sweep, of the original (2.3 plain scripts)", original, least=LEAST_ORIGINAL)
        for peer, _ in ready:
            measured = median(times[peer.name]) / a_setting
            report.limit(f"throughput of the sweep, of {peer.name} in a loop", measured, least=LEAST_ORIGINAL)
        for sentence in peers.left_out:
            report.note(f"Left out: {sentence}.")
        sys.exit(report.finish())


def small(folder: Path) -> Path:
    """A project of the example with a small forest; gives its plan."""
    plan = titanic.copy_project(folder)
    text = plan.read_text(encoding="utf-8")
    text = re.sub(r"n_estimators: 100\b", f"n_estimators: {FOREST[0]}", text, count=1)
    plan.write_text(re.sub(r"cv_folds: 5\b", f"cv_folds: {FOREST[1]}", text, count=1), encoding="utf-8")
    return plan


def small_peer(peer: Peer, folder: Path) -> Command:
    """The project of a peer with a small forest; gives the command that runs it."""
    command = peer.titanic(folder)
    command.variables["TITANIC_FOREST"] = " ".join(map(str, FOREST))
    return command


def same_model(events: str, swept: Path, looped: Path, run: Command) -> None:
    """Compares the model of the sweep's first setting with that of the same setting by `alo run`, bit by bit."""
    report = json.loads(events.splitlines()[-1])["report"]
    first = next(each for each in report["runs"] if each["values"] == [1])
    text = looped.read_text(encoding="utf-8")
    looped.write_text(re.sub(r"random_state: 0\b", "random_state: 1", text, count=1), encoding="utf-8")
    run.run()
    kept = swept.parent / "history/train" / first["run"] / "models/train/model.pkl"
    if not kept.exists():
        raise Failed(f"the sweep kept no model: {kept}")
    titanic.same(kept, looped.parent / "train_artifacts/models/train/model.pkl")


if __name__ == "__main__":
    main()
