"""DVC: stages that make files, a process each, kept by their digests."""

from pathlib import Path

from measure import Command

from ..peer import Peer


class Dvc(Peer):
    """It runs the stages whose command or files have changed."""

    name = "DVC 3.67.1"
    python = "3.12"
    key = "dvc"
    # Its time grows with the square of the steps: a thousand would take half an hour.
    most_steps = 100

    def titanic(self, folder: Path) -> Command:
        self.copy_project(folder)
        return self.run(folder, "--force")

    def again(self, folder: Path) -> Command:
        return self.run(folder)

    def version(self) -> Command:
        return self.command([self.environment / "bin/dvc", "--version"])

    def steps(self, folder: Path, number: int) -> Command:
        folder.mkdir(parents=True)
        stages = ["stages:", "  step_0:", "    cmd: echo 0 > data_0", "    outs: [data_0]"]
        for index in range(1, number):
            stages += [f"  step_{index}:", f"    cmd: cp data_{index - 1} data_{index}"]
            stages += [f"    deps: [data_{index - 1}]", f"    outs: [data_{index}]"]
        (folder / "dvc.yaml").write_text("\n".join([*stages, ""]), encoding="utf-8")
        return self.run(folder, "--force")

    def run(self, folder: Path, *more: str) -> Command:
        if not (folder / ".dvc").exists():
            self.command([self.environment / "bin/dvc", "init", "--no-scm", "--quiet"], folder)()
            # Else it looks for a newer version on the network, in a process of its own.
            (folder / ".dvc/config").write_text("[core]\n    no_scm = true\n    check_update = false\n", encoding="utf-8")
        return self.command([self.environment / "bin/dvc", "repro", *more], folder)
