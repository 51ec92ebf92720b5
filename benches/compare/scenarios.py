"""The comparisons that make up `docs/benchmarks.md`, in its order."""

import ast
from pathlib import Path
from typing import List, NamedTuple

HERE = Path(__file__).resolve().parent


class Scenario(NamedTuple):
    """A script beside this file, and how it is run."""

    name: str
    # Rounds for each one that is asked for: more where one is over in milliseconds.
    times: int = 1
    # At most so many rounds, where one takes half a minute.
    most: int = 1000
    arguments: tuple = ()

    @property
    def script(self) -> Path:
        """The script that measures it."""
        return HERE / f"{self.name}.py"

    @property
    def title(self) -> str:
        """Its name as a heading, for a section that is not written yet."""
        return self.name.replace("_", " ").capitalize()

    @property
    def purpose(self) -> str:
        """The first paragraph of what the script says of itself."""
        doc = ast.get_docstring(ast.parse(self.script.read_text(encoding="utf-8"))) or ""
        return doc.partition("\n\n")[0]

    def command(self, rounds: int) -> List[str]:
        """The arguments of Python, as seen from the checkout."""
        runs = min(rounds * self.times, self.most)
        return [f"benches/compare/{self.name}.py", "--runs", str(runs), *self.arguments]


ALL = [
    Scenario("warm_titanic"),
    Scenario("titanic_peers"),
    Scenario("cold_setup"),
    Scenario("warm_setup"),
    Scenario("resume"),
    Scenario("sweep"),
    Scenario("steps_peers"),
    Scenario("startup", times=3),
    Scenario("startup_peers"),
    Scenario("hand_off", times=2),
    Scenario("loading"),
    Scenario("export"),
    Scenario("history", times=5),
    Scenario("memory", most=3),
]
