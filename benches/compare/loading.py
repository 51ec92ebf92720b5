#!/usr/bin/env python3
"""Times loading external data against `cp -r`, and finding nothing changed against `find`.

    python3 benches/compare/loading.py [--alo target/release/alo] [--runs 5] [--large 1000] [--small 20000]

Two sources, made with a fixed seed: 1 GB in 10 files, and 20,000 files of 10 KB in 20 folders. For each, `alo run` of a plan
that loads it into a new project takes turns with `cp -r` of it into a new folder on the same disk, with everything in the page
cache (of small files, nothing is removed in between: for minutes ext4 is slow to use the inodes of removed files again, by chance for the one
or the other); the time of `alo` is that of its phase `load` from its own events: listing, copying, digesting, renaming,
the manifest. Then the same run once more, with nothing changed, takes turns with one `find -printf '%s %T@'` over the source
and the copy. It fails over 1.15 times `cp -r`, or, for the small files, over 2 times `find`. Standard library only.
"""

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAN = """\
name: copy
external_path:
    - load_train_data_path: {data}
user_parameters:
    - train_pipeline:
        - step: train
          args:
asset_source:
    - train_pipeline:
        - step: train
          source:
            code: local
            branch:
            requirements: []
"""
ASSET = """\
from alolib.asset import Asset


class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)

    @Asset.decorator_run
    def run(self):
        self.asset.save_data({})
        self.asset.save_config({})
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alo", type=Path, default=ROOT / "target/release/alo", help="the program to measure")
    parser.add_argument("--runs", type=int, default=5, help="turns that count (default 5)")
    parser.add_argument("--large", type=int, default=1000, help="MB in ten files (default 1000)")
    parser.add_argument("--small", type=int, default=20000, help="files of 10 KB (default 20000)")
    options = parser.parse_args()
    over = []
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}:\n")
    print("| what | median | fastest | slowest | ratio |\n| --- | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory(prefix="alo-bench-", dir=ROOT / "target") as folder:
        for name, files, size in (
            (f"{options.large} MB in 10 files", 10, options.large * 100_000),
            (f"{options.small} files of 10 KB", options.small, 10_000),
        ):
            data, new = Path(folder, name, "data"), Places(Path(folder, name), keep=files > 100)
            make(data, files, size)
            copied = compare(
                options.runs,
                {
                    f"alo, {name}": lambda: load(options.alo, new.project(data)),
                    "cp -r": lambda: cp(data, new.folder()),
                    "cp -r, again": lambda: cp(data, new.folder()),
                },
            )
            project = new.project(data)
            load(options.alo, project)
            time.sleep(2.1)  # a source that was written less than two seconds ago is not yet at rest
            load(options.alo, project)
            find = ["find", str(data), str(project / "input"), "-printf", "%s %T@\\n"]
            unchanged = compare(
                options.runs,
                {
                    f"alo, {name}, nothing changed": lambda: load(options.alo, project),
                    "find": lambda: timed(find),
                },
            )
            if copied > 1.15:
                over.append(f"{name}: {copied:.2f} times `cp -r` (1.15)")
            if unchanged > 2 and files > 100:
                over.append(f"{name}, nothing changed: {unchanged:.2f} times `find` (2)")
            shutil.rmtree(Path(folder, name))
    if over:
        sys.exit("\nover the limit: " + "; ".join(over))


def make(folder, files, size):
    source = random.Random(20261123)
    for number in range(files):
        inner = folder / f"{number // 1000:02}" if files > 100 else folder
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{number:05}.bin").write_bytes(source.randbytes(size))


def compare(runs, sides):
    """Lets the sides take turns; prints their rows, and gives the ratio of the first two medians."""
    times = {side: [] for side in sides}
    for turn in range(-1, runs):  # the first turn only warms up
        for side, measure in sides.items():
            seconds = measure()
            if turn >= 0:
                times[side].append(seconds)
    medians = [statistics.median(seconds) for seconds in times.values()]
    for (side, seconds), median in zip(times.items(), medians):
        row = f"{median:.3f} s | {min(seconds):.3f} s | {max(seconds):.3f} s | {median / medians[1]:.2f}x"
        print(f"| {side} | {row} |", flush=True)
    return medians[0] / medians[1]


class Places:
    """New folders to copy to; of large files only the last one is kept, of small ones all."""

    def __init__(self, root, keep):
        self.root, self.keep, self.count = root, keep, 0

    def folder(self):
        if not self.keep:
            shutil.rmtree(self.root / f"{self.count}", ignore_errors=True)
        self.count += 1
        os.sync()
        return self.root / f"{self.count}"

    def project(self, data):
        project = self.folder()
        (project / "assets/train").mkdir(parents=True)
        (project / "assets/train/asset_train.py").write_text(ASSET)
        (project / "experimental_plan.yaml").write_text(PLAN.format(data=json.dumps(str(data))))
        return project


def load(alo, project):
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [alo, "run", "--format", "json", project / "experimental_plan.yaml"]
    done = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return next(e["seconds"] for e in events if e.get("phase") == "load" and "seconds" in e)


def cp(source, target):
    return timed(["cp", "-r", str(source), str(target)])


def timed(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
