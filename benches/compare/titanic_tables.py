"""The part of `titanic_bare.py` that needs only pandas: tables read, results and summaries written."""

import datetime

import pandas as pd


def read(folder):
    tables = [pd.read_csv(file, encoding="utf-8") for file in sorted(folder.rglob("*.csv"))]
    return pd.concat(tables, ignore_index=True)


def write(passengers, output):
    """Leaves the result and its summary."""
    table = passengers[["PassengerId", "predicted", "probability"]]
    table.to_csv(output / "output.csv", index=False, float_format="%.4f", lineterminator="\n")
    survivors = int((passengers["predicted"] == 1).sum())
    score = float(passengers["probability"].mean())
    write_summary(output / "inference_summary.yaml", f"{survivors} of {len(passengers)} survived", score)


def write_summary(path, result, score):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    path.write_text(f"result: {result}\nscore: {score:.2f}\ndate: '{date}'\n", encoding="utf-8")
