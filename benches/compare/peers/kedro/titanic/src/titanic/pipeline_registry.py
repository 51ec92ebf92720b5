"""The steps of the Titanic work, as nodes: what one returns the next is given, in memory."""

import os
from pathlib import Path

import titanic_bare
from kedro.pipeline import Node, Pipeline

EXAMPLE = Path(os.environ["TITANIC_EXAMPLE"])
OUTPUT = Path("output")


def read_train():
    return titanic_bare.read(EXAMPLE / "sample_data/train")


def train(passengers):
    OUTPUT.mkdir(exist_ok=True)
    titanic_bare.train(passengers, EXAMPLE, OUTPUT)
    return "trained"


def read_test():
    return titanic_bare.read(EXAMPLE / "sample_data/test")


def infer(passengers, _trained):
    return titanic_bare.infer(passengers, OUTPUT)


def write(predicted):
    titanic_bare.write(predicted, OUTPUT)


def register_pipelines():
    nodes = [
        Node(read_train, None, "passengers"),
        Node(train, "passengers", "trained"),
        Node(read_test, None, "others"),
        Node(infer, ["others", "trained"], "predicted"),
        Node(write, "predicted", None),
    ]
    return {"__default__": Pipeline(nodes)}
