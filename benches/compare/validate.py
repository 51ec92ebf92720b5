#!/usr/bin/env python3
"""Times the whole process `alo validate` on a plan of 300 lines against `/bin/true`.

    python3 benches/compare/validate.py [--alo target/release/alo] [--runs 21]

The two take turns, after one turn that does not count. It prints a Markdown table, and fails if the median of `alo` is
more than three times that of `/bin/true` plus 5 ms. Standard library only.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES = 300
FACTOR, ALLOWANCE = 3, 0.005


def main():
    options = parse_options()
    alo = find_alo(options.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as folder:
        plan = Path(folder, "experimental_plan.yaml")
        plan.write_text(plan_text(LINES), encoding="utf-8")
        sides = {"alo validate": [str(alo), "validate", str(plan)], "/bin/true": ["/bin/true"]}
        times = {side: [] for side in sides}
        for turn in range(-1, options.runs):
            for side, command in sides.items():
                seconds = measure(command)
                if turn >= 0:
                    times[side].append(seconds)
    sys.exit(report(times, sides, folder))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alo", help="the program to measure; default: target/release/alo, else alo on PATH")
    parser.add_argument("--runs", type=int, default=21, help="turns that count (default 21)")
    return parser.parse_args()


def find_alo(given):
    built = ROOT / "target/release/alo"
    found = given or (built if built.exists() else shutil.which("alo"))
    if not found:
        sys.exit("no alo: build it with `cargo build --release -p alo-cli`, or name it with --alo")
    return Path(found).resolve()


def plan_text(lines):
    """Makes a valid plan of that many lines: steps with code in git, requirements and arguments."""
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


def measure(command):
    start = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return seconds


def report(times, sides, folder):
    """Prints the table; gives what to exit with."""
    medians = {side: statistics.median(seconds) for side, seconds in times.items()}
    base = medians["/bin/true"]
    print(f"Machine: {platform.platform()}, {os.cpu_count()} cores.\n")
    print(f"| what | median of {len(times['/bin/true'])} | fastest | slowest | ratio |")
    print("| --- | --: | --: | --: | --: |")
    for side, seconds in times.items():
        cells = [f"{value * 1000:.2f} ms" for value in (medians[side], min(seconds), max(seconds))]
        print(f"| {side} | {' | '.join(cells)} | {medians[side] / base:.2f}x |")
    limit = FACTOR * base + ALLOWANCE
    print(f"\nLimit: {FACTOR}x /bin/true plus {ALLOWANCE * 1000:.0f} ms = {limit * 1000:.2f} ms. Commands, in turn:\n")
    for side, command in sides.items():
        print(f"- {side}: `{' '.join(command).replace(folder, '$TMP').replace(str(ROOT), '.')}`")
    return None if medians["alo validate"] <= limit else "too slow"


if __name__ == "__main__":
    main()
