#!/usr/bin/env python3
"""Runs the comparisons in their order, and with `--write` puts what they print into `docs/benchmarks.md`.

    python3 benches/compare/run.py [--only NAME…] [--rounds 7] [--alo PROGRAM] [--write]

It builds `alo` first (`cargo build --release -p alo-cli`), unless a program is named. A comparison that fails is told, and
the others go on; one that is not run again keeps its table, with the machine and the time above it. What each said on
stderr lies in `target/compare/logs/`. The status is 1 if a limit is missed, 2 if a comparison could not be made. Standard library only.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List, NamedTuple

import scenarios
from measure import ROOT, Command, Failed, environment, find_alo
from measure.document import LIMIT, Document
from scenarios import Scenario

LOGS = ROOT / "target/compare/logs"
DOCUMENT = ROOT / "docs/benchmarks.md"
# Seconds after which a comparison is given up; the longest takes twelve minutes on two free cores.
PATIENCE = 1800


class Outcome(NamedTuple):
    """What became of a comparison."""

    scenario: Scenario
    seconds: float
    # The Markdown it printed; empty if it did not get as far as a table.
    text: str
    # Why it could not be made; empty if it was.
    fault: str

    @property
    def missed(self) -> List[str]:
        return [text for verdict, text in LIMIT.findall(self.text) if verdict == "MISS"]


def main() -> None:
    given = parse_options()
    chosen = [scenario for scenario in scenarios.ALL if not given.only or scenario.name in given.only]
    if not given.alo:
        build()
    LOGS.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for scenario in chosen:
        if not scenario.script.exists():
            print(f"{scenario.name}: no such script, left out", file=sys.stderr)
            continue
        outcomes.append(measure(scenario, given.rounds, given.alo))
        if given.write:  # after each: what was measured stays, whatever happens to the next
            write(outcomes[-1], given)
    sys.exit(summary(outcomes))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [scenario.name for scenario in scenarios.ALL]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default 7; some make more or fewer)")
    parser.add_argument("--alo", help="the program to measure; default: build target/release/alo")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    return parser.parse_args()


def build() -> None:
    command = ["cargo", "build", "--release", "-p", "alo-cli"]
    print(shlex.join(command), file=sys.stderr)
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        sys.exit(2)


def measure(scenario: Scenario, rounds: int, alo: str) -> Outcome:
    """Runs a comparison to its end, or until patience is over; its output is shown when it has ended."""
    command = [sys.executable, *scenario.command(rounds)]
    if alo:
        command += ["--alo", str(Path(alo).resolve())]
    print(f"\n== {scenario.name}: {shlex.join(command[1:])}", file=sys.stderr, flush=True)
    start = time.monotonic()
    log = LOGS / f"{scenario.name}.log"
    with open(log, "w", encoding="utf-8") as errors:
        # In a session of its own, so that what it started ends with it.
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            try:
                text, _ = process.communicate(timeout=PATIENCE)
            except (subprocess.TimeoutExpired, KeyboardInterrupt) as ended:
                os.killpg(process.pid, signal.SIGKILL)
                text, _ = process.communicate()
                if isinstance(ended, KeyboardInterrupt):
                    raise
                errors.write(f"given up after {PATIENCE} s\n")
    seconds = time.monotonic() - start
    print(text)
    lines = log.read_text(encoding="utf-8").strip().splitlines()
    # With a status of 1 a limit was missed, if that is the last thing it said.
    whole = process.returncode == 0 or (process.returncode == 1 and "".join(lines[-1:]).startswith("over the limit"))
    fault = "" if whole else (lines[-1] if lines else f"status {process.returncode}")
    return Outcome(scenario, seconds, text if "| ---" in text else "", fault)


def write(outcome: Outcome, given: argparse.Namespace) -> None:
    """Puts an outcome into the document; a comparison that could not be made leaves its last table as it is."""
    if outcome.fault or not outcome.text:
        return
    document = Document(DOCUMENT)
    command = shlex.join(["python3", *outcome.scenario.command(given.rounds)])
    version = Command([find_alo(given.alo), "--version"]).run().stdout.strip()
    if not document.has(outcome.scenario.name):
        names = [scenario.name for scenario in scenarios.ALL]
        behind = names[: names.index(outcome.scenario.name)]
        document.add_section(outcome.scenario.name, outcome.scenario.title, outcome.scenario.purpose, behind)
    built_from = "" if given.alo else commit()
    content = f"```console\n{command}\n```\n\n{version}{built_from}, {outcome.text}"
    document.replace(outcome.scenario.name, content)
    document.repeat_limits()
    document.save()


def commit() -> str:
    """The commit of the checkout, in brackets; nothing where there is no git."""
    try:
        return f" ({Command(['git', 'rev-parse', '--short', 'HEAD'], folder=ROOT).run().stdout.strip()})"
    except (Failed, OSError):
        return ""


def summary(outcomes: List[Outcome]) -> int:
    """Says what became of each; gives the status to exit with."""
    print(f"\n== {sum(outcome.seconds for outcome in outcomes):.0f} s", file=sys.stderr)
    status = 0
    for outcome in outcomes:
        print(f"{outcome.scenario.name}: {outcome.seconds:.0f} s", file=sys.stderr)
        for missed in outcome.missed:
            print(f"    MISS {missed}", file=sys.stderr)
            status = max(status, 1)
        if outcome.fault:
            print(f"    failed: {outcome.fault} (target/compare/logs/{outcome.scenario.name}.log)", file=sys.stderr)
            status = 2
    return status


if __name__ == "__main__":
    main()
