#!/usr/bin/env python3
"""Times the export of 500 MB of model and data files against Python's `tarfile`, as the original packed them.

    python3 benches/compare/export.py [--alo target/release/alo] [--python ENVIRONMENT/bin/python] [--runs 3]

`corpus.py` writes the files, always the same ones; it needs NumPy and scikit-learn, and gets them in a temporary environment
unless `--python` names one. A plan of one step, which links the files into `extra_output/`, is run with a save path;
the time is that of `alo`'s phase `save` (packing, flushing, renaming), from its own events. Python packs the same folder with
`w:gz` at its default level. Both take turns. It fails when `alo` is less than 30 times faster or its archive more than 6 %
larger, or when Python does not read it.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLAN = """\
name: export
external_path:
    - save_train_artifacts_path: ./save
user_parameters:
    - train_pipeline:
        - step: train
          args:
            - corpus: {corpus}
asset_source:
    - train_pipeline:
        - step: train
          source:
            code: local
            branch:
            requirements: []
control:
    - backup_artifacts: False
"""
ASSET = """\
import os
import shutil

from alolib.asset import Asset


class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)

    @Asset.decorator_run
    def run(self):
        shutil.copytree(self.asset.load_args()["corpus"], self.asset.get_extra_output_path() + "corpus", copy_function=os.link)
        self.asset.save_data({})
        self.asset.save_config({})
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alo", type=Path, default=ROOT / "target/release/alo", help="the program to measure")
    parser.add_argument("--python", help="a Python with NumPy and scikit-learn; default: a temporary environment")
    parser.add_argument("--runs", type=int, default=3, help="turns that count (default 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alo-bench-", dir=ROOT / "target") as folder:
        corpus, project = Path(folder, "corpus"), Path(folder, "project")
        python = options.python or environment(Path(folder, "environment"))
        subprocess.run([python, HERE / "corpus.py", corpus], check=True)
        (project / "assets/train").mkdir(parents=True)
        (project / "assets/train/asset_train.py").write_text(ASSET)
        (project / "experimental_plan.yaml").write_text(PLAN.format(corpus=corpus))
        times = {"alo": [], "tarfile": []}
        for turn in range(options.runs):
            times["alo"].append(export(options.alo, project))
            artifacts, archive = project / "train_artifacts", Path(folder, "python.tar.gz")
            times["tarfile"].append(pack(artifacts, archive))
        ours = project / "save/train_artifacts.tar.gz"
        with tarfile.open(ours, "r|gz") as stream:
            files = sum(1 for member in stream if member.isfile())
        table(times, {"alo": ours.stat().st_size, "tarfile": archive.stat().st_size}, files)


def environment(folder):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", "numpy", "scikit-learn"], check=True)
    return folder / "bin/python"


def export(alo, project):
    """Runs the plan; gives the seconds of its phase `save`."""
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [alo, "run", "--format", "json", project / "experimental_plan.yaml"]
    done = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return next(e["seconds"] for e in events if e.get("phase") == "save" and "seconds" in e)


def pack(folder, archive):
    start = time.perf_counter()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=".")
    return time.perf_counter() - start


def table(times, sizes, files):
    median = {side: statistics.median(seconds) for side, seconds in times.items()}
    faster, larger = median["tarfile"] / median["alo"], sizes["alo"] / sizes["tarfile"] - 1
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, {files} files:\n")
    print(f"| what | median of {len(times['alo'])} | fastest | slowest | ratio | archive |")
    print("| --- | --: | --: | --: | --: | --: |")
    for side, what in (("alo", "alo, phase `save`"), ("tarfile", "tarfile `w:gz`")):
        least, most = min(times[side]), max(times[side])
        ratio = f"{median[side] / median['alo']:.1f}x"
        print(f"| {what} | {median[side]:.2f} s | {least:.2f} s | {most:.2f} s | {ratio} | {sizes[side] / 1e6:.1f} MB |")
    if faster < 30 or larger > 0.06:
        sys.exit(f"\nover the limit: {faster:.1f} times faster (30), {larger:+.1%} of size (+6 %)")


if __name__ == "__main__":
    main()
