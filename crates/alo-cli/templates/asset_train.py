"""Learns the mean of a column of numbers and saves it as the model."""

import csv
import json
import statistics

from alolib.asset import Asset


class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.config = self.asset.load_config()
        self.file = self.asset.check_args("file", is_required=True)
        self.column = self.asset.check_args("column", default="value")

    @Asset.decorator_run
    def run(self):
        with open(self.asset.get_input_path() + self.file, newline="", encoding="utf-8") as table:
            numbers = [float(row[self.column]) for row in csv.DictReader(table)]
        mean, spread = statistics.mean(numbers), statistics.pstdev(numbers)

        with open(self.asset.get_model_path() + "model.json", "w", encoding="utf-8") as model:
            json.dump({"mean": mean, "spread": spread}, model)
        with open(self.asset.get_report_path() + "report.html", "w", encoding="utf-8") as report:
            report.write(f"<h1>Mean {mean:.2f}</h1><p>of {len(numbers)} numbers, spread {spread:.2f}</p>\n")

        score = 1 / (1 + spread / abs(mean)) if mean else 0.0
        self.asset.save_summary(result="OK", score=score, note=f"mean {mean:.2f} of {len(numbers)} numbers")
        self.asset.save_info(f"learned the mean {mean:.2f}", show=True)
        self.asset.save_data({"numbers": numbers})
        self.asset.save_config(self.config)
