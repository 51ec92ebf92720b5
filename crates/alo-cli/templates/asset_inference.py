"""Tells for each number whether it lies near the mean that was learned."""

import csv
import json

from alolib.asset import Asset


class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.config = self.asset.load_config()
        self.file = self.asset.check_args("file", is_required=True)
        self.column = self.asset.check_args("column", default="value")
        self.tolerance = self.asset.check_args("tolerance", default=10.0, chng_type="float")

    @Asset.decorator_run
    def run(self):
        with open(self.asset.get_model_path() + "model.json", encoding="utf-8") as model:
            mean = json.load(model)["mean"]
        with open(self.asset.get_input_path() + self.file, newline="", encoding="utf-8") as table:
            numbers = [float(row[self.column]) for row in csv.DictReader(table)]

        verdicts = ["OK" if abs(number - mean) <= self.tolerance else "NG" for number in numbers]
        with open(self.asset.get_output_path() + "output.csv", "w", newline="", encoding="utf-8") as output:
            table = csv.writer(output)
            table.writerow([self.column, "predicted"])
            table.writerows(zip(numbers, verdicts))

        good = verdicts.count("OK")
        self.asset.save_summary(
            result="OK" if good == len(verdicts) else "NG",
            score=good / len(verdicts),
            note=f"{good} of {len(verdicts)} numbers are near {mean:.2f}",
        )
        self.asset.save_data({"verdicts": verdicts})
        self.asset.save_config(self.config)
