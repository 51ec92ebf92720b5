"""The steps of the Titanic work, as functions of mellerikat-alo 3: what one returns the next finds in the pipeline."""

import os
from pathlib import Path

import titanic_bare

EXAMPLE = Path(os.environ["TITANIC_EXAMPLE"])
# Trees and folds, where a comparison wants others than the plan's.
FOREST = tuple(map(int, os.environ.get("TITANIC_FOREST", "").split()))
SUMMARY = {"result": "done", "note": "", "score": 1.0}


def read(pipeline: dict):
    return {"passengers": titanic_bare.read(Path(pipeline["dataset"]["workspace"])), "summary": SUMMARY}


def train(context: dict, pipeline: dict):
    passengers = pipeline["read_train"]["result"]["passengers"]
    titanic_bare.train(passengers, EXAMPLE, Path(context["model"]["workspace"]), *FOREST)
    return {"summary": SUMMARY}


def infer(context: dict, pipeline: dict):
    passengers = pipeline["read_test"]["result"]["passengers"]
    return {"passengers": titanic_bare.infer(passengers, Path(context["model"]["workspace"])), "summary": SUMMARY}


def write(pipeline: dict):
    folder = Path(pipeline["workspace"], "extra_output")
    titanic_bare.write(pipeline["infer"]["result"]["passengers"], folder)
    # Beside the result nothing may lie in its folder.
    os.replace(folder / "output.csv", Path(pipeline["artifact"]["workspace"], "output.csv"))
    return {"summary": SUMMARY}
