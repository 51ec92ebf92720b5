#!/usr/bin/env python3
"""Measures the most memory that `alo` itself has, without the workers that run the steps.

    python3 benches/compare/memory.py [--alo target/release/alo] [--runs 3] [--files 20000] [--many 100000] [--objects 30000]
                                        [--left 50000] [--recorded 10000]

Runs of the Titanic example, of 1,000 steps that do nothing, of one that loads 20,000 files of 10 KB, of one that loads 100,000
small ones, of one that loads 30,000 objects from an S3 server on this machine (once, for the server is slow), of all three
with nothing changed, of one that exports 300 MB, of one whose step leaves 50,000 files, exported, and kept with `--resume`
(once) and put back, and of one in a project with 10,000 recorded runs; the set-up of the 1,000 steps alone, and the list of the
10,000 runs, first when each record is read, then from the index. The kernel keeps the most that a process ever had (`VmHWM`);
it is read every few milliseconds until the process ends. It fails over 30 MB. `cargo` builds the example that writes the
history, and pip installs the server (moto, that of the tests) on the first use.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import export
import titanic
from measure import (
    ROOT,
    Command,
    Report,
    S3Server,
    find_alo,
    options,
    write_data,
    write_loading,
    write_project,
    write_trivial_steps,
)

MOST = 30.0
# What takes long is done once.
SLOW = ("objects", "kept")


def main() -> None:
    parser = options(__doc__, runs=3)
    parser.add_argument("--files", type=int, default=20000, help="files of 10 KB that are loaded (default 20000)")
    parser.add_argument("--many", type=int, default=100000, help="files of 100 bytes that are loaded (default 100000)")
    parser.add_argument("--objects", type=int, default=30000, help="objects in S3 that are loaded (default 30000)")
    parser.add_argument("--left", type=int, default=50000, help="files of 100 bytes that a step leaves (default 50000)")
    parser.add_argument("--recorded", type=int, default=10000, help="runs in the history (default 10000)")
    given = parser.parse_args()
    alo = find_alo(given.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-", dir=ROOT / "target") as temporary, S3Server() as server:
        folder = Path(temporary)
        report = Report("memory", {"TMP": folder})
        write_data(folder / "data", given.files, 10_000)
        write_data(folder / "small data", given.many, 100)
        steps = write_trivial_steps(folder / "steps", 1000)
        many = ["cargo", "run", "--quiet", "--release", "-p", "alo-artifacts", "--example", "many_runs", "--"]
        old = write_trivial_steps(folder / "old", 1)
        Command([*many, old.parent, given.recorded], folder=ROOT)()
        (folder / "corpus").mkdir()
        with open("/dev/urandom", "rb") as noise:
            for number in range(3):
                (folder / f"corpus/{number}").write_bytes(noise.read(100_000_000))
        packed = write_project(folder / "export", export.PLAN.format(corpus=folder / "corpus"), {"train": export.ASSET})
        write_data(folder / "results", given.left, 100)
        left = {
            name: write_project(folder / name, export.PLAN.format(corpus=folder / "results"), {"train": export.ASSET})
            for name in ("left", "kept")
        }
        load = Command([alo, "run", write_loading(folder / "files", folder / "data")])
        load_many = Command([alo, "run", write_loading(folder / "many", folder / "small data")])
        server.tell(do="bucket", name="bench")
        server.tell(do="many", bucket="bench", prefix="data/", count=given.objects)
        load_objects = Command([alo, "run", write_loading(folder / "objects", "s3://bench/data/")], server.variables())
        listed = Command([alo, "history", "list"], folder=old.parent)
        # What is removed before each round.
        afresh = {of: folder / of / "input" for of in ("files", "many", "objects")}
        afresh["index"] = old.parent / ".alo/history-index"
        afresh["kept"] = left["kept"].parent / ".alo/steps"
        commands = {
            "the Titanic example": (Command([alo, "run", titanic.copy_project(folder / "titanic")]), None),
            "1,000 steps": (Command([alo, "run", steps]), None),
            "1,000 steps, the set-up alone": (Command([alo, "fetch", steps]), None),
            f"{given.files:,} files": (load, "files"),
            f"{given.files:,} files, nothing changed": (load, None),
            f"{given.many:,} files": (load_many, "many"),
            f"{given.many:,} files, nothing changed": (load_many, None),
            f"{given.objects:,} objects": (load_objects, "objects"),
            f"{given.objects:,} objects, nothing changed": (load_objects, None),
            "an export of 300 MB": (Command([alo, "run", packed]), None),
            f"{given.left:,} files left and exported": (Command([alo, "run", left["left"]]), None),
            f"{given.left:,} files left, --resume": (Command([alo, "run", "--resume", left["kept"]]), "kept"),
            f"{given.left:,} files left, --resume, nothing changed": (Command([alo, "run", "--resume", left["kept"]]), None),
            f"a run after {given.recorded:,} others": (Command([alo, "run", old]), None),
            f"the list of {given.recorded:,} runs, all read": (listed, "index"),
            f"the list of {given.recorded:,} runs": (listed, None),
        }
        rows = ["| what | most memory | of rounds | command |", "| --- | --: | --: | --- |"]
        peaks = {}
        for what, (command, removed) in commands.items():
            peaks[what] = []
            runs = 1 if removed in SLOW else given.runs
            for _ in range(runs):
                if removed:
                    remove(afresh[removed])
                peaks[what].append(peak_megabytes(command))
            rows.append(f"| {what} | {max(peaks[what]):.1f} MB | {runs} | `{report.shown(command)}` |")
        report.note("\n".join(rows))
        for what, megabytes in peaks.items():
            report.limit(f"memory of alo: {what}", max(megabytes), most=MOST, unit=" MB")
        sys.exit(report.finish())


def remove(path: Path) -> None:
    """Removes a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def peak_megabytes(command: Command) -> float:
    """Runs a command; gives the most memory that its own process had, in MB of 1,000,000 bytes."""
    most = 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command.arguments, cwd=command.folder, env=command.variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            lines = status.read_text(encoding="utf-8").splitlines()
            most = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), most)
            time.sleep(0.002)
        if process.returncode != 0:
            said.seek(0)
            sys.exit(f"failed with {process.returncode}: {command}\n{said.read().decode(errors='replace')}")
    return most / 1e6


if __name__ == "__main__":
    main()
