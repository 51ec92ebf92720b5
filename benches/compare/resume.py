#!/usr/bin/env python3
"""Times `alo run --resume` of the Titanic example when nothing has changed, and when only its last step has.

    python3 benches/compare/resume.py [--alo target/release/alo] [--runs 7]

One run with `--resume` before the clock starts keeps what the steps leave. Then take turns: the same command with nothing
changed, which puts every step back and starts no Python: at most 80 ms; the same after a line was added to `assets/output`,
which runs that step alone (the events of `--explain --format json` must say so); a plain warm `alo run`; and `/bin/true`. All
must leave the same result. Standard library only.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import List

import titanic
from measure import Command, Report, find_alo, median, options, take_turns

MOST = 0.080


class Touched:
    """A command before which, each time, a line is added to a file; it must run exactly these steps."""

    def __init__(self, command: Command, file: Path, steps: List[str]):
        self.command, self.file, self.steps = command, file, steps
        self.explained = Command([*command.arguments, "--explain", "--format", "json"])

    def __call__(self) -> float:
        self.touch()
        return self.command()

    def __str__(self) -> str:
        return f"echo '# touched' >> {self.file}; {self.command}"

    def touch(self) -> None:
        """Changes the code, and not what it does."""
        with open(self.file, "a", encoding="utf-8") as code:
            code.write("# touched\n")

    def check(self) -> None:
        """Ends the comparison if other steps run than those."""
        self.touch()
        expect(self.explained, self.steps)


def expect(explained: Command, steps: List[str]) -> None:
    """Ends the comparison if other steps run than these."""
    events = [json.loads(line) for line in explained.run().stdout.splitlines() if line.startswith("{")]
    decided = [event for event in events if event.get("event") == "step_decided"]
    ran = [f"{event['pipeline']}/{event['step']}" for event in decided if event["decision"] != "reused"]
    if not decided or ran != steps:
        sys.exit(f"of {len(decided)} steps these ran: {ran}, and not {steps}: {explained}")


def main() -> None:
    given = options(__doc__).parse_args()
    alo = find_alo(given.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as temporary:
        folder = Path(temporary)
        kept, touched, plain = (titanic.copy_project(folder / name) for name in ("kept", "touched", "plain"))
        resume = Command([alo, "run", "--resume", kept])
        output = Touched(
            Command([alo, "run", "--resume", touched]),
            touched.parent / "assets/output/asset_output.py",
            ["inference/output"],
        )
        for command in (resume, output.command, Command([alo, "run", plain])):
            command()
        expect(Command([*resume.arguments, "--explain", "--format", "json"]), [])
        output.check()
        sides = {
            "alo run --resume": resume,
            "alo run --resume, again": resume,
            "alo run --resume, output changed": output,
            "alo run": Command([alo, "run", plain]),
            "/bin/true": Command(["/bin/true"]),
        }
        report = Report("resume", {"TMP": folder})
        times = take_turns(sides, given.runs)
        for project in (kept, touched):
            result = "inference_artifacts/output/output.csv"
            titanic.same(project.parent / result, plain.parent / result)
        report.table(times, base="alo run", commands=sides)
        report.limit("`alo run --resume` with nothing changed", median(times["alo run --resume"]), MOST, unit="s")
        sys.exit(report.finish())


if __name__ == "__main__":
    main()
