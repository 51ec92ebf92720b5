"""Snakemake: rules that make files, a process each."""

from pathlib import Path

from measure import Command

from ..peer import Peer

FIRST = "rule step_0:\n    output: touch('data_0')\n"
NEXT = "rule step_{index}:\n    input: 'data_{before}'\n    output: touch('data_{index}')\n"


class Snakemake(Peer):
    """It runs the rules whose files are older than what they are made of, as many at once as there are cores."""

    name = "Snakemake 9.27.1"
    python = "3.12"
    key = "snakemake"
    # It looks for what makes a file recursively: a row of a thousand rules is deeper than its Python allows.
    most_steps = 100

    def titanic(self, folder: Path) -> Command:
        self.copy_project(folder)
        return self.run(folder, "--forceall")

    def again(self, folder: Path) -> Command:
        return self.run(folder)

    def version(self) -> Command:
        return self.command([self.environment / "bin/snakemake", "--version"])

    def steps(self, folder: Path, number: int) -> Command:
        folder.mkdir(parents=True)
        rules = [f"rule all:\n    input: 'data_{number - 1}'\n", FIRST]
        rules += [NEXT.format(index=index, before=index - 1) for index in range(1, number)]
        (folder / "Snakefile").write_text("\n".join(rules), encoding="utf-8")
        return self.run(folder, "--forceall")

    def run(self, folder: Path, *more: str) -> Command:
        return self.command([self.environment / "bin/snakemake", "--cores", "all", *more], folder)
