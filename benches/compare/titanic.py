"""The Titanic example, as the comparisons run it."""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import List

from measure import ROOT, Command

EXAMPLE = ROOT / "examples/titanic"
BARE = Path(__file__).with_name("titanic_bare.py")


def copy_project(folder: Path) -> Path:
    """Copies the example's plan, assets and data to a new project; gives the plan's path."""
    for part in ("assets", "sample_data"):
        shutil.copytree(EXAMPLE / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return Path(shutil.copy2(EXAMPLE / "experimental_plan.yaml", folder / "experimental_plan.yaml"))


def packages() -> List[str]:
    """The example's requirements: lines of their own in its plan, all of them pins."""
    plan = (EXAMPLE / "experimental_plan.yaml").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"^\s*- ([\w-]+==[\w.]+)$", plan, re.MULTILINE)))


def warm_up(alo: Path, plan: Path) -> str:
    """Runs a plan, which builds what is missing; gives the interpreter of its environment, as alo's events name it."""
    done = Command([alo, "run", plan, "--format", "json"]).run()
    waiting = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and Path(value).name.startswith("python") and os.access(value, os.X_OK):
            if Path(value).is_file():
                return value
    sys.exit("alo's events name no interpreter: give the environment's with --python")


def same(ours: Path, theirs: Path) -> None:
    """Ends the comparison if two results differ: the sides would not have done the same work."""
    if ours.read_bytes() != theirs.read_bytes():
        sys.exit(f"the results differ: {ours} and {theirs}")
