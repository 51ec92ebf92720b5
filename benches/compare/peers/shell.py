"""A shell script that starts one Python a step."""

from pathlib import Path

from measure import Command

from .peer import Peer

STEPS = ("read_train", "train", "read_test", "infer", "write")


class Shell(Peer):
    """The plainest pipeline there is: a process a step, tables pass as pickles."""

    name = "one script a step"
    key = "shell"
    installed = False
    # A process a step: the time of a thousand is ten times that of a hundred.
    most_steps = 100

    def titanic(self, folder: Path) -> Command:
        folder.mkdir(parents=True)
        lines = [f"$TITANIC_STEP {step} $TITANIC_EXAMPLE output" for step in STEPS]
        return self.script(folder, lines)

    def steps(self, folder: Path, number: int) -> Command:
        folder.mkdir(parents=True)
        return self.script(folder, [f"{self.step_python} -c pass"] * number)

    def script(self, folder: Path, lines) -> Command:
        path = folder / "steps.sh"
        path.write_text("\n".join(["set -e", *lines, ""]), encoding="utf-8")
        return self.command(["sh", path.name], folder)
