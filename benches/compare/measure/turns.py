"""Sides that take turns: what is slow for a while on a machine is slow for all of them."""

import random
import statistics
import sys
from typing import Callable, Dict, List, Mapping

# The seconds of every round, by side.
Times = Dict[str, List[float]]


def take_turns(sides: Mapping[str, Callable[[], float]], runs: int, warm_ups: int = 1) -> Times:
    """Lets every side run once in each of `runs` rounds, after `warm_ups` that do not count; gives the seconds.

    The order of each round is drawn by lot, with a fixed seed: a side that always followed the same one would profit, or suffer,
    from what that leaves in the machine's memory.
    """
    times: Times = {name: [] for name in sides}
    for turn in range(-warm_ups, runs):
        names = list(sides)
        random.Random(turn).shuffle(names)
        for name in names:
            seconds = sides[name]()
            if turn >= 0:
                times[name].append(seconds)
            print(f"{'warm-up' if turn < 0 else turn + 1}: {name}: {seconds:.4f} s", file=sys.stderr)
    return times


def median(seconds: List[float]) -> float:
    """The middle one, or the mean of the middle two."""
    return statistics.median(seconds)


def paired_ratio(seconds: List[float], base: List[float]) -> float:
    """The median of the ratios round by round, which a load that comes and goes moves less than that of the medians."""
    return statistics.median(one / other for one, other in zip(seconds, base))
