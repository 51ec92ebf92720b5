"""Kedro: functions in one process."""

from pathlib import Path

from measure import Command

from ..peer import Peer

STEPS = '''\
"""Steps in a row that do nothing."""

from kedro.pipeline import Node, Pipeline


def start():
    return 0


def step(value):
    return value


def register_pipelines():
    nodes = [Node(start, None, "data_0", name="step_0")]
    nodes += [Node(step, f"data_{{n - 1}}", f"data_{{n}}", name=f"step_{{n}}") for n in range(1, {number})]
    return {{"__default__": Pipeline(nodes)}}
'''


class Kedro(Peer):
    """Tables pass in memory; it runs all steps every time."""

    name = "Kedro 1.7.0"
    key = "kedro"

    def titanic(self, folder: Path) -> Command:
        self.copy_project(folder)
        return self.run(folder)

    def copy_project(self, folder: Path) -> None:
        super().copy_project(folder)
        # Kedro wants this folder, empty as it is.
        (folder / "conf/local").mkdir()

    def version(self) -> Command:
        return self.command([self.environment / "bin/kedro", "--version"])

    def steps(self, folder: Path, number: int) -> Command:
        self.copy_project(folder)
        registry = folder / "src/titanic/pipeline_registry.py"
        registry.write_text(STEPS.format(number=number), encoding="utf-8")
        return self.run(folder)

    def run(self, folder: Path) -> Command:
        return self.command([self.environment / "bin/kedro", "run"], folder)
