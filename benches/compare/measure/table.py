"""The Markdown table of one comparison."""

from typing import Optional

from .turns import Times, median, paired_ratio


def duration(seconds: float, like: Optional[float] = None) -> str:
    """Seconds as text, in milliseconds if `like` (default: they themselves) is below a tenth of a second."""
    if (seconds if like is None else like) < 0.1:
        return f"{seconds * 1000:.2f} ms"
    return f"{seconds:.3f} s" if seconds < 100 else f"{seconds:.0f} s"


def markdown(times: Times, base: str) -> str:
    """One row a side: median, fastest, slowest, and how many times the median of `base`, also paired round by round."""
    rounds = max(len(seconds) for seconds in times.values())
    lines = [
        f"| what | median of {rounds} | fastest | slowest | ratio | paired |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    whole = median(times[base])
    for side, seconds in times.items():
        middle = median(seconds)
        cells = [side] + [duration(value, like=middle) for value in (middle, min(seconds), max(seconds))]
        cells += [f"{middle / whole:.2f}x", f"{paired_ratio(seconds, times[base]):.2f}x"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
