"""The frame of `hand_off.py` and what its three steps do with it; and, as a program, the original's way of handing it on.

    python hand_off_frame.py FOLDER MEGABYTES numbers|text memory|pickle

`pickle` writes the data to a plain pickle after each step and reads it back before the next, and keeps the object, as the
original's file mode did; `memory` hands it on in one process.
"""

import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = 25


def make(megabytes, kind):
    """So many megabytes of float64; of `text`, a fifth of it is a column of strings of 20 letters."""
    rows = megabytes * 1_000_000 // (8 * COLUMNS)
    random = np.random.default_rng(20261123)
    numbers = COLUMNS if kind == "numbers" else COLUMNS * 4 // 5
    frame = pd.DataFrame(random.random((rows, numbers)), columns=[f"x{n}" for n in range(numbers)])
    if kind == "text":
        frame["note"] = [f"measurement {n:08}" for n in range(rows)]
    return frame


def change(frame):
    """What the second step does: a column in place."""
    frame["x0"] = frame["x0"] * 2
    return frame


def result(frame):
    """What the third step says of it."""
    return f"{len(frame)} {float(frame['x0'].sum())!r} {frame.iloc[-1].tolist()[-1]!r}"


def main():
    folder, megabytes, kind, way = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    folder.mkdir(parents=True, exist_ok=True)
    data = {"dataframe": make(megabytes, kind)}
    for number, step in enumerate((change, result)):
        if way == "pickle":
            path = folder / f"step_{number}_data.pkl"
            with open(path, "wb") as file:
                pickle.dump(data, file)
            with open(path, "rb") as file:
                data = pickle.load(file)
        data["dataframe"] = step(data["dataframe"])
    (folder / "result.txt").write_text(data["dataframe"], encoding="utf-8")


if __name__ == "__main__":
    main()
