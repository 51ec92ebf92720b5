"""Data that a comparison lets `alo` load, and a project that loads it."""

import json
import random
from pathlib import Path

from .project import write_project

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


def write_data(folder: Path, files: int, size: int) -> None:
    """Writes that many files of that many random bytes, the same at each call; more than 100 in folders of 1,000."""
    source = random.Random(20261123)
    for number in range(files):
        inner = folder / f"{number // 1000:02}" if files > 100 else folder
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{number:05}.bin").write_bytes(source.randbytes(size))


def write_loading(folder: Path, data: object) -> Path:
    """Writes a project of one step that loads that folder or URL; gives the plan's path."""
    return write_project(folder, PLAN.format(data=json.dumps(str(data))), {"train": ASSET})
