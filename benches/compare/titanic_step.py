"""One step of `titanic_bare.py` in a process of its own, for tools that start one a step; tables pass as pickles.

    python titanic_step.py read_train|train|read_test|infer|write EXAMPLE_FOLDER OUTPUT_FOLDER
"""

import pickle
import sys
from pathlib import Path


def main():
    step, example, output = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    output.mkdir(parents=True, exist_ok=True)
    # As in real steps, what one does not need it does not import.
    if step in ("read_train", "read_test"):
        import titanic_tables

        folder = example / "sample_data" / step[len("read_") :]
        save(titanic_tables.read(folder), output / f"{step}.pkl")
    elif step == "train":
        import titanic_bare

        titanic_bare.train(load(output / "read_train.pkl"), example, output)
    elif step == "infer":
        import titanic_bare

        save(titanic_bare.infer(load(output / "read_test.pkl"), output), output / "infer.pkl")
    elif step == "write":
        import titanic_tables

        titanic_tables.write(load(output / "infer.pkl"), output)
    else:
        sys.exit(f"no step {step}")


def save(table, path):
    with open(path, "wb") as file:
        pickle.dump(table, file, protocol=5)


def load(path):
    with open(path, "rb") as file:
        return pickle.load(file)


if __name__ == "__main__":
    main()
