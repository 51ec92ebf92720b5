"""Trains a classifier, estimates how good it is, and keeps the model and a report."""

import pickle
from pathlib import Path

import report
from alolib.asset import Asset
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


class UserAsset(Asset):
    """Takes `data["dataframe"]`; leaves `model.pkl`, `report.html` and the training summary."""

    def __init__(self, asset_structure):
        super().__init__(asset_structure)
        self.config = self.asset.load_config()
        self.data = self.asset.load_data()
        self.model_type = self.asset.check_args("model_type", default="random_forest")
        self.n_estimators = self.asset.check_args("n_estimators", default=100, chng_type="int")
        self.max_depth = self.asset.check_args("max_depth", default=6, chng_type="int")
        self.cv_folds = self.asset.check_args("cv_folds", default=5, chng_type="int")
        self.random_state = self.asset.check_args("random_state", default=0, chng_type="int")
        self.x_columns = self.asset.check_args("x_columns", is_required=True, chng_type="list")
        self.y_column = self.asset.check_args("y_column", is_required=True)

    @Asset.decorator_run
    def run(self):
        passengers = self.data["dataframe"]
        x, y = passengers[self.x_columns], passengers[self.y_column]

        # Every passenger is judged by a model that has not seen them.
        guesses = cross_val_predict(self.build_model(x), x, y, cv=self.cv_folds)
        accuracy = float((guesses == y).mean())
        self.asset.save_info(f"{self.model_type}: {self.cv_folds}-fold accuracy {accuracy:.4f}", show=True)

        model = self.build_model(x).fit(x, y)
        with open(self.asset.get_model_path() + "model.pkl", "wb") as file:
            pickle.dump({"model": model, "x_columns": self.x_columns}, file)

        page = report.page(passengers, self.y_column, guesses, accuracy, report.importances(model))
        Path(self.asset.get_report_path(), "report.html").write_text(page, encoding="utf-8")

        self.asset.save_summary(
            result=f"accuracy {accuracy:.3f}",
            score=accuracy,
            note=f"{self.model_type} on {len(y)} passengers, {self.cv_folds}-fold cross-validation",
        )
        self.asset.save_data(self.data)
        self.asset.save_config(self.config)

    def build_model(self, x):
        """Builds the untrained pipeline: fill gaps, encode words, classify."""
        words = x.select_dtypes(exclude="number").columns.tolist()
        numbers = x.select_dtypes(include="number").columns.tolist()
        prepare = ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
                (
                    "words",
                    make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
                    words,
                ),
            ]
        )
        return Pipeline([("prepare", prepare), ("classify", self.build_classifier())])

    def build_classifier(self):
        """Builds the classifier that `model_type` names."""
        if self.model_type == "random_forest":
            return RandomForestClassifier(self.n_estimators, max_depth=self.max_depth, random_state=self.random_state)
        if self.model_type == "logistic_regression":
            return LogisticRegression(max_iter=1000, random_state=self.random_state)
        self.asset.save_error(f"unknown model_type `{self.model_type}`: use random_forest or logistic_regression")
