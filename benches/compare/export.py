#!/usr/bin/env python3
"""Times the export of 500 MB of model and data files against Python's `tarfile`, as the original packed them.

    python3 benches/compare/export.py [--alo target/release/alo] [--python ENVIRONMENT/bin/python] [--runs 7]

`corpus.py` writes the files, always the same ones; it needs NumPy and scikit-learn, and gets them in a temporary environment
unless `--python` names one. A plan of one step, which links the files into `extra_output/`, is run with a save path;
the time is that of `alo`'s phase `save` (packing, flushing, renaming), from its own events. Python packs the same folder with
`w:gz` at its default level. Both take turns; what one has left to be written to the disk is flushed before the other begins. It fails when `alo` is less than 30 times faster or its archive more than 6 %
larger, or when Python does not read it.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from measure import ROOT, Report, find_alo, median, options, phase_seconds, take_turns, write_project

HERE = Path(__file__).resolve().parent
OURS, THEIRS = "alo, phase `save`", "tarfile `w:gz`"
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
    parser = options(__doc__, runs=7)
    parser.add_argument("--python", help="a Python with NumPy and scikit-learn; default: a temporary environment")
    given = parser.parse_args()
    alo = find_alo(given.alo)
    with tempfile.TemporaryDirectory(prefix="alo-bench-", dir=ROOT / "target") as folder:
        corpus, project, theirs = Path(folder, "corpus"), Path(folder, "project"), Path(folder, "python.tar.gz")
        python = given.python or environment(Path(folder, "environment"))
        subprocess.run([python, HERE / "corpus.py", corpus], check=True)
        plan = write_project(project, PLAN.format(corpus=corpus), {"train": ASSET})
        phase_seconds(alo, plan, "save")
        report = Report("export")
        sides = {
            OURS: flushed(lambda: phase_seconds(alo, plan, "save")),
            f"{OURS}, again": flushed(lambda: phase_seconds(alo, plan, "save")),
            THEIRS: flushed(lambda: pack(project / "train_artifacts", theirs)),
        }
        times = take_turns(sides, given.runs, warm_ups=0)
        ours = project / "save/train_artifacts.tar.gz"
        with tarfile.open(ours, "r|gz") as stream:
            files = sum(1 for member in stream if member.isfile())
        report.table(times, base=OURS)
        sizes = ours.stat().st_size, theirs.stat().st_size
        report.note(f"{files} files; the archives have {sizes[0] / 1e6:.1f} MB (alo) and {sizes[1] / 1e6:.1f} MB.")
        faster = median(times[THEIRS]) / median(times[OURS] + times[f"{OURS}, again"])
        report.limit("faster than `tarfile`", faster, least=30)
        report.limit("size, of that of `tarfile`", sizes[0] / sizes[1], most=1.06)
        sys.exit(report.finish())


def environment(folder):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", "numpy", "scikit-learn"], check=True)
    return folder / "bin/python"


def flushed(side):
    """The side, which does not wait for the disk on behalf of the other one."""

    def run():
        os.sync()
        return side()

    return run


def pack(folder, archive):
    start = time.perf_counter()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=".")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
