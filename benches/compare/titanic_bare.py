"""What the Titanic example does, as one plain script: the yardstick for `alo run`.

    python titanic_bare.py EXAMPLE_FOLDER OUTPUT_FOLDER [TREES FOLDS]

It makes the same library calls as the example's assets, in the same order, with the plan's values, in one process:
read, cross-validate, train, save the model, write report and summary, read again, infer, write the result and its
summary. The peers in `peers/` call its functions as their steps.
"""

import pickle
import sys
from pathlib import Path

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from titanic_tables import read, write, write_summary

X_COLUMNS = ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
Y_COLUMN = "Survived"
# The plan's values.
TREES, FOLDS = 100, 5


def main():
    example, output = Path(sys.argv[1]), Path(sys.argv[2])
    trees, folds = map(int, sys.argv[3:5]) if len(sys.argv) > 3 else (TREES, FOLDS)
    output.mkdir(parents=True, exist_ok=True)
    train(read(example / "sample_data/train"), example, output, trees, folds)
    write(infer(read(example / "sample_data/test"), output), output)


def train(passengers, example, output, trees=TREES, folds=FOLDS):
    """Cross-validates, fits, and leaves the model, the report and the summary."""
    # The report is drawn by the asset's own module, so that both sides draw the same.
    sys.path.insert(0, str(example / "assets/train"))
    import report

    x, y = passengers[X_COLUMNS], passengers[Y_COLUMN]
    guesses = cross_val_predict(build_model(x, trees), x, y, cv=folds)
    accuracy = float((guesses == y).mean())
    model = build_model(x, trees).fit(x, y)
    with open(output / "model.pkl", "wb") as file:
        pickle.dump({"model": model, "x_columns": X_COLUMNS}, file)
    page = report.page(passengers, Y_COLUMN, guesses, accuracy, report.importances(model))
    (output / "report.html").write_text(page, encoding="utf-8")
    write_summary(output / "train_summary.yaml", f"accuracy {accuracy:.3f}", accuracy)


def infer(passengers, output):
    """Adds what the model that `train` left predicts."""
    with open(output / "model.pkl", "rb") as file:
        trained = pickle.load(file)
    model = trained["model"]
    chances = model.predict_proba(passengers[trained["x_columns"]])
    passengers["predicted"] = model.classes_[chances.argmax(axis=1)]
    passengers["probability"] = chances.max(axis=1)
    return passengers


def build_model(x, trees):
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
    return Pipeline([("prepare", prepare), ("classify", RandomForestClassifier(trees, max_depth=6, random_state=0))])


if __name__ == "__main__":
    main()
