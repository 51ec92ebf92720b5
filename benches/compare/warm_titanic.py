#!/usr/bin/env python3
"""Times a warm `alo run` of the Titanic example against one plain script that does the same in the same environment.

    python3 benches/compare/warm_titanic.py [--alo target/release/alo] [--python ENVIRONMENT/bin/python] [--runs 7]

The example is copied to a temporary project. One run before the clock starts builds what is missing (the environment,
its byte-code). Then `alo run`, the bare script, and the bare script once more (two identical programs differ, too: the
A/A pair shows by how much) take turns. It prints a Markdown table, and fails if the two sides wrote different results.
Standard library only.
"""

import argparse
import json
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


def main():
    options = parse_options()
    alo = find_alo(options.alo)
    # Set on many build machines; either would slow one side and not the other.
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    }
    with tempfile.TemporaryDirectory(prefix="alo-bench-") as folder:
        project = Path(folder, "titanic")
        for part in ("assets", "sample_data", "experimental_plan.yaml"):
            copy(ROOT / "examples/titanic" / part, project / part)
        run_alo = [str(alo), "run", str(project / "experimental_plan.yaml")]
        first = measure([*run_alo, "--format", "json"], environment)
        python = options.python or find_python(first.stdout)
        run_bare = [python, str(Path(__file__).with_name("titanic_bare.py")), str(project), str(Path(folder, "bare"))]
        sides = {"alo run": run_alo, "bare script": run_bare, "bare script, again": run_bare}

        times = {side: [] for side in sides}
        for turn in range(-1, options.runs):  # the first turn only warms up
            for side, command in sides.items():
                seconds = measure(command, environment).seconds
                if turn >= 0:
                    times[side].append(seconds)
        compare(project / "inference_artifacts/output/output.csv", Path(folder, "bare/output.csv"))
        print_table(times, sides, folder)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alo", help="the program to measure; default: target/release/alo, else alo on PATH")
    parser.add_argument("--python", help="the environment's Python; default: the one that alo's events name")
    parser.add_argument("--runs", type=int, default=7, help="turns that count (default 7)")
    return parser.parse_args()


def find_alo(given):
    built = ROOT / "target/release/alo"
    found = given or (built if built.exists() else shutil.which("alo"))
    if not found:
        sys.exit("no alo: build it with `cargo build --release -p alo-cli`, or name it with --alo")
    return Path(found).resolve()


def copy(source, target):
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def measure(command, environment):
    """Runs a command to its end; gives the finished process with its `seconds`."""
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    done.seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done


def find_python(events):
    """Finds the environment's interpreter among the values of the events that `alo run --format json` printed."""
    waiting = [json.loads(line) for line in events.splitlines() if line.startswith("{")]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and Path(value).name.startswith("python") and os.access(value, os.X_OK):
            if Path(value).is_file():
                return value
    sys.exit("alo's events name no interpreter: give the environment's with --python")


def compare(ours, theirs):
    if ours.read_bytes() != theirs.read_bytes():
        sys.exit(f"the results differ: {ours} and {theirs}")


def print_table(times, sides, folder):
    base = statistics.median(times["bare script"])
    print(f"Machine: {platform.platform()}, {os.cpu_count()} cores, {cpu_name()}.\n")
    print(f"| what | median of {len(times['bare script'])} | fastest | slowest | ratio |")
    print("| --- | --: | --: | --: | --: |")
    for side, seconds in times.items():
        median = statistics.median(seconds)
        print(f"| {side} | {median:.3f} s | {min(seconds):.3f} s | {max(seconds):.3f} s | {median / base:.2f}x |")
    print("\nCommands, in turn, after one turn that does not count:\n")
    for side, command in sides.items():
        print(f"- {side}: `{' '.join(command).replace(folder, '$TMP').replace(str(ROOT), '.')}`")


def cpu_name():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
