"""Predicts with the model that the train step left."""

import pickle

from alolib.asset import Asset


class UserAsset(Asset):
    """Adds `predicted` and `probability` (of what is predicted) to `data["dataframe"]`."""

    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.config = self.asset.load_config()
        self.data = self.asset.load_data()

    @Asset.decorator_run
    def run(self):
        # The step `inference` reads the folder of the step `train`.
        with open(self.asset.get_model_path() + "model.pkl", "rb") as file:
            trained = pickle.load(file)
        model, x_columns = trained["model"], trained["x_columns"]

        passengers = self.data["dataframe"]
        missing = [column for column in x_columns if column not in passengers]
        if missing:
            self.asset.save_error(f"the model needs columns that {self.config['input_files']} lacks: {missing}")

        chances = model.predict_proba(passengers[x_columns])
        passengers["predicted"] = model.classes_[chances.argmax(axis=1)]
        passengers["probability"] = chances.max(axis=1)
        self.config["labels"] = model.classes_.tolist()
        self.config["mean_chances"] = chances.mean(axis=0).tolist()

        self.asset.save_data(self.data)
        self.asset.save_config(self.config)
