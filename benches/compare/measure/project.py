"""Projects that a comparison writes for `alo`."""

import json
from pathlib import Path
from typing import Mapping

from .command import Command

TRIVIAL = """\
from alolib.asset import Asset


class UserAsset(Asset):
    def __init__(self, asset_structure):
        super().__init__(asset_structure)

    @Asset.decorator_run
    def run(self):
        self.asset.save_data(self.asset.load_data())
        self.asset.save_config(self.asset.load_config())
"""


def write_project(folder: Path, plan: str, assets: Mapping[str, str]) -> Path:
    """Writes a plan and the code of its local steps, by their base names; gives the plan's path."""
    for step, code in assets.items():
        place = folder / "assets" / step
        place.mkdir(parents=True)
        (place / f"asset_{step}.py").write_text(code, encoding="utf-8")
    path = folder / "experimental_plan.yaml"
    path.write_text(plan, encoding="utf-8")
    return path


def write_trivial_steps(folder: Path, number: int) -> Path:
    """Writes a plan of that many training steps, all with the code of one asset that hands on what it was given."""
    lines = ["name: steps", "user_parameters:", "    - train_pipeline:"]
    lines += [f"        - step: step_{index}\n          args:" for index in range(number)]
    lines += ["asset_source:", "    - train_pipeline:"]
    for index in range(number):
        lines += [f"        - step: step_{index}", "          source:", "            code: ./assets/step_"]
        lines += ["            branch:", "            requirements: []"]
    return write_project(folder, "\n".join([*lines, ""]), {"step_": TRIVIAL})


def phase_seconds(alo: Path, plan: Path, phase: str) -> float:
    """Runs a plan; gives the seconds that its first phase of that name took, from alo's own events."""
    done = Command([alo, "run", "--format", "json", plan]).run()
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return next(event["seconds"] for event in events if event.get("phase") == phase and "seconds" in event)
