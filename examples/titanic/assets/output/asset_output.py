"""Writes the result of inference: the table of predictions and the summary."""

from alolib.asset import Asset


class UserAsset(Asset):
    """Takes `data["dataframe"]` with predictions; leaves `output.csv` and the inference summary."""

    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.config = self.asset.load_config()
        self.data = self.asset.load_data()
        self.columns = self.asset.check_args("columns", default=["PassengerId"], chng_type="list")
        self.decimals = self.asset.check_args("decimals", default=4, chng_type="int")

    @Asset.decorator_run
    def run(self):
        passengers = self.data["dataframe"]
        table = passengers[[*self.columns, "predicted", "probability"]]
        path = self.asset.get_output_path() + "output.csv"
        table.to_csv(path, index=False, float_format=f"%.{self.decimals}f", lineterminator="\n")

        survivors = int((passengers["predicted"] == 1).sum())
        labels = {0: "died", 1: "survived"}
        self.asset.save_summary(
            result=f"{survivors} of {len(passengers)} survived",
            # How sure the model is on average: a falling score asks for a new training.
            score=float(passengers["probability"].mean()),
            note=f"predictions for {self.config['input_files']}",
            probability={
                labels.get(label, str(label)): chance
                for label, chance in zip(self.config["labels"], self.config["mean_chances"])
            },
        )
        self.asset.save_data(self.data)
        self.asset.save_config(self.config)
