#!/usr/bin/env python3
"""Writes what a training leaves, always the same: CSV tables, arrays of float64 and pickled forests of scikit-learn.

    ENVIRONMENT/bin/python benches/compare/corpus.py FOLDER [--megabytes 500]

Two fifths are tables (numbers as text, times, a few categories, some free text), three tenths arrays (half of them noise,
half smooth series rounded to what a sensor gives), three tenths forests. Needs NumPy and scikit-learn; `export.py` makes
an environment for it.
"""

import argparse
import pickle
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestRegressor

MEGABYTE = 1 << 20
WORDS = "pump valve motor line belt sensor alarm stop start check filter leak noise heat normal replaced by operator".split()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=int, default=500)
    options = parser.parse_args()
    size = options.megabytes * MEGABYTE
    random = np.random.default_rng(20261123)
    for name, share, write in (("tables", 0.4, table), ("arrays", 0.3, array), ("models", 0.3, forest)):
        folder = options.folder / name
        folder.mkdir(parents=True)
        left, number = int(size * share), 0
        while left > 0:
            content = write(random, number)[:left]
            (folder / f"{number:03}.{name}").write_bytes(content)
            left -= len(content)
            number += 1


def table(random, _number, rows=200_000):
    start = np.datetime64("2026-01-01T00:00:00")
    times = start + np.cumsum(random.integers(1, 30, rows)).astype("timedelta64[s]")
    machine = random.integers(1, 40, rows)
    temperature = 60 + np.cumsum(random.normal(0, 0.05, rows))
    pressure = random.normal(3.2, 0.4, rows)
    vibration = random.gamma(2.0, 0.013, rows)
    state = random.choice(["ok", "ok", "ok", "warn", "stop"], rows)
    notes = random.choice(WORDS, (rows, 3))
    lines = ["time,machine,temperature,pressure,vibration,state,note\n"]
    lines += [
        f"{t},M{m:03},{a:.2f},{p:.4f},{v!r},{s},{' '.join(n)}\n"
        for t, m, a, p, v, s, n in zip(times, machine, temperature, pressure, vibration.tolist(), state, notes)
    ]
    return "".join(lines).encode()


def array(random, number, length=2_000_000):
    if number % 2:
        return random.normal(0, 1, length).tobytes()
    return np.round(np.cumsum(random.normal(0, 0.01, length)), 2).tobytes()


def forest(random, _number):
    x = random.normal(0, 1, (20_000, 12))
    y = x[:, 0] * x[:, 1] + np.sin(x[:, 2] * 3) + random.normal(0, 0.1, len(x))
    model = RandomForestRegressor(n_estimators=20, random_state=int(random.integers(1 << 31)), n_jobs=2)
    return pickle.dumps(model.fit(x, y), protocol=4)


if __name__ == "__main__":
    main()
