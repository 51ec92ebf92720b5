#!/usr/bin/env python3
"""Times the whole processes `alo --version` and `alo validate` of a plan of 300 lines against `/bin/true`.

    python3 benches/compare/startup.py [--alo target/release/alo] [--runs 21]

They take turns. It fails if the median of either is more than 10 ms above that of `/bin/true`. Standard library only.
"""

import sys
import tempfile
from pathlib import Path

from measure import Command, Report, find_alo, median, options, take_turns

LINES = 300
MOST_ABOVE = 0.010


def main() -> None:
    given = options(__doc__, runs=21).parse_args()
    alo = find_alo(given.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as folder:
        plan = Path(folder, "experimental_plan.yaml")
        plan.write_text(plan_text(LINES), encoding="utf-8")
        sides = {
            "alo --version": Command([alo, "--version"]),
            "alo validate": Command([alo, "validate", plan]),
            "/bin/true": Command(["/bin/true"]),
            "/bin/true, again": Command(["/bin/true"]),
        }
        report = Report("startup", {"TMP": folder})
        times = take_turns(sides, given.runs)
        report.table(times, base="/bin/true", commands=sides)
        for side in ("alo --version", "alo validate"):
            above = median(times[side]) - median(times["/bin/true"])
            report.limit(f"`{side}`, above `/bin/true`", above, MOST_ABOVE, unit="s")
        sys.exit(report.finish())


def plan_text(lines: int) -> str:
    """A valid plan of that many lines: steps with code in git, requirements and arguments."""
    head = ["name: bench", "version: 1.0.0", "control:", "  - backup_size: 1000"]
    names = ["step_%s" % chr(ord("a") + number) for number in range(10)]
    source = ["asset_source:", "  - train_pipeline:"]
    for name in names:
        source += [
            f"      - step: {name}",
            "        source:",
            "          code: https://git.example.com/assets/step.git",
            "          branch: main",
            "          requirements:",
            "            - pandas==2.2.3",
            "            - requirements.txt",
        ]
    parameters = ["user_parameters:", "  - train_pipeline:"]
    left = lines - len(head) - len(source) - len(parameters)
    for index, name in enumerate(names):
        count = left // len(names) + (index < left % len(names)) - 3
        parameters += [f"      - step: {name}", "        args:", "          - first: 1"]
        parameters += [f"            argument_{number}: [{number}, text, 0.5, yes]" for number in range(count)]
    text = head + parameters + source
    assert len(text) == lines, len(text)
    return "\n".join(text) + "\n"


if __name__ == "__main__":
    main()
