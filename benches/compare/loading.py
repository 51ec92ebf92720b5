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

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from measure import (
    ROOT,
    Command,
    Report,
    find_alo,
    median,
    options,
    phase_seconds,
    take_turns,
    write_data,
    write_loading,
)

def main():
    parser = options(__doc__, runs=5)
    parser.add_argument("--large", type=int, default=1000, help="MB in ten files (default 1000)")
    parser.add_argument("--small", type=int, default=20000, help="files of 10 KB (default 20000)")
    given = parser.parse_args()
    alo = find_alo(given.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-", dir=ROOT / "target") as folder:
        report = Report("loading", {"TMP": folder})
        for name, files, size in (
            (f"{given.large} MB in 10 files", 10, given.large * 100_000),
            (f"{given.small} files of 10 KB", given.small, 10_000),
        ):
            data, new = Path(folder, name, "data"), Places(Path(folder, name), keep=files > 100)
            write_data(data, files, size)
            copies = {
                "alo, phase `load`": lambda: load(alo, new.project(data)),
                "cp -r": lambda: cp(data, new.folder()),
                "cp -r, again": lambda: cp(data, new.folder()),
            }
            copied = take_turns(copies, given.runs)
            report.table(copied, base="cp -r", title=name)
            report.limit(f"{name}, of `cp -r`", ratio(copied), most=1.15)
            plan = new.project(data)
            load(alo, plan)
            time.sleep(2.1)  # a source that was written less than two seconds ago is not yet at rest
            load(alo, plan)
            find = Command(["find", data, plan.parent / "input", "-printf", "%s %T@\\n"])
            unchanged = take_turns(
                {"alo, phase `load`": lambda: load(alo, plan), "find": find, "find, again": find}, given.runs
            )
            report.table(unchanged, base="find", commands={"find": find}, title=f"{name}, nothing changed")
            if files > 100:
                report.limit(f"{name}, nothing changed, of `find`", ratio(unchanged), most=2)
            shutil.rmtree(Path(folder, name))
        sys.exit(report.finish())


def ratio(times):
    """The ratio of the first two sides."""
    ours, theirs, *_ = (median(seconds) for seconds in times.values())
    return ours / theirs


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
        return write_loading(self.folder(), data)


def load(alo, plan):
    return phase_seconds(alo, plan, "load")


def cp(source, target):
    return Command(["cp", "-r", source, target])()


if __name__ == "__main__":
    main()
