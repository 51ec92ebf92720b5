"""mellerikat-alo, the original's third generation: functions in one process."""

from pathlib import Path

from measure import Command

from ..peer import Peer

STEPS = """\
def start(context: dict, pipeline: dict):
    with open(context["model"]["workspace"] + "/model", "w"):
        pass


def step(pipeline: dict):
    pass
"""


class MellerikatAlo(Peer):
    """Its plan names the packages, too: every run asks uv whether they are there."""

    name = "mellerikat-alo 3.0.4"
    key = "mellerikat_alo"

    def titanic(self, folder: Path) -> Command:
        self.copy_project(folder)
        return self.run(folder)

    def result(self, folder: Path) -> Path:
        return folder / ".workspace/titanic/history/latest/inference/output/output.csv"

    def version(self) -> Command:
        return self.command([self.environment / "bin/alo", "--version"])

    def steps(self, folder: Path, number: int) -> Command:
        folder.mkdir(parents=True)
        # A training without a data set and a model is an error.
        (folder / "data").mkdir()
        (folder / "data/data.csv").write_text("a\n1\n", encoding="utf-8")
        (folder / "steps.py").write_text(STEPS, encoding="utf-8")
        names = [f"step_{index}" for index in range(number)]
        plan = ["name: steps", "version: 1.0.0", "control:", "  check_resource: False", "solution:", "  function:"]
        plan += [f"    {name}:\n      def: steps.{'step' if index else 'start'}" for index, name in enumerate(names)]
        plan += ["  train:", "    dataset_uri: [data/]", f"    pipeline: [{', '.join(names)}]", ""]
        (folder / "experimental_plan.yaml").write_text("\n".join(plan), encoding="utf-8")
        return self.run(folder, "--mode", "train")

    def run(self, folder: Path, *more: str) -> Command:
        return self.command([self.environment / "bin/alo", "run", *more], folder)
