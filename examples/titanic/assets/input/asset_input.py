"""Reads the passenger tables of the pipeline: the first step of training and of inference."""

from pathlib import Path

import pandas as pd
from alolib.asset import Asset


class UserAsset(Asset):
    """Hands on `data["dataframe"]`, all rows of all CSV files in the pipeline's input folder."""

    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.config = self.asset.load_config()
        self.data = self.asset.load_data()
        self.file_pattern = self.asset.check_args("file_pattern", default="*.csv")
        self.encoding = self.asset.check_args("encoding", default="utf-8")

    @Asset.decorator_run
    def run(self):
        folder = Path(self.asset.get_input_path())
        files = sorted(folder.rglob(self.file_pattern))
        if not files:
            self.asset.save_error(f"no file matches `{self.file_pattern}` below {folder}")

        tables = [pd.read_csv(file, encoding=self.encoding) for file in files]
        passengers = pd.concat(tables, ignore_index=True)
        names = ", ".join(file.name for file in files)
        self.asset.save_info(f"read {len(passengers)} passengers from {names}")

        self.data["dataframe"] = passengers
        self.config["input_files"] = names
        self.asset.save_data(self.data)
        self.asset.save_config(self.config)
