"""What a comparison says: tables with their commands, and which limits it holds."""

import json
import sys
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional

from .machine import description
from .program import ROOT
from .table import duration, markdown
from .turns import Times

# Where the raw seconds of every comparison lie, one JSON file each.
RESULTS = ROOT / "target/compare/results"


class Report:
    """Prints a comparison as Markdown while it is made, and leaves it as `target/compare/results/NAME.json`.

    `places` are folders that stand in commands as `$NAME`: temporary ones, mostly.
    """

    def __init__(self, name: str, places: Optional[Mapping[str, object]] = None) -> None:
        self.name = name
        self.places = {str(path): f"${place}" for place, path in (places or {}).items()}
        self.tables: List[Dict[str, object]] = []
        self.limits: List[Dict[str, object]] = []
        self.machine = description()
        print(f"{self.machine}:", flush=True)

    def table(
        self, times: Times, base: str, commands: Optional[Mapping[str, object]] = None, title: Optional[str] = None
    ) -> None:
        """Prints the table of `times`, ratios to `base`, and the commands of those sides that are commands."""
        if title:
            print(f"\n{title}:")
        print(f"\n{markdown(times, base)}", flush=True)
        shown = {side: self.shown(command) for side, command in (commands or {}).items()}
        if shown:
            print()
        for side, command in shown.items():
            print(f"- {side}: `{command}`")
        self.tables.append({"title": title, "seconds": times, "base": base, "commands": shown})

    def note(self, text: str) -> None:
        """Prints a paragraph."""
        print(f"\n{text}", flush=True)

    def limit(
        self,
        what: str,
        value: float,
        most: Optional[float] = None,
        least: Optional[float] = None,
        unit: str = "x",
    ) -> None:
        """Holds `value` against a limit; `unit` is `s` for seconds, else what stands behind the number."""
        passed = (most is None or value <= most) and (least is None or value >= least)
        show: Callable[[float], str] = duration if unit == "s" else lambda number: f"{number:.2f}{unit}"
        bounds = [f"at most {show(most)}"] if most is not None else []
        bounds += [f"at least {show(least)}"] if least is not None else []
        self.limits.append({"what": what, "value": value, "most": most, "least": least, "unit": unit, "passed": passed})
        print(f"\n**{'PASS' if passed else 'MISS'}**: {what}: {show(value)}, {' and '.join(bounds)}.", flush=True)

    def finish(self) -> Optional[str]:
        """Writes the JSON file; gives what to exit with: nothing if all limits are held."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        record = {"name": self.name, "machine": self.machine, "tables": self.tables, "limits": self.limits}
        Path(RESULTS, f"{self.name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        missed = [str(limit["what"]) for limit in self.limits if not limit["passed"]]
        sys.stdout.flush()
        return f"over the limit: {'; '.join(missed)}" if missed else None

    def shown(self, command: object) -> str:
        """A command as text, with the folders by their names."""
        text = str(command)
        for path in sorted(self.places, key=len, reverse=True):
            text = text.replace(path, self.places[path])
        return text.replace(str(ROOT), ".")
