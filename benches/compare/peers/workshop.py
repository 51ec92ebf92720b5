"""The folder that keeps what the peers need between comparisons: a uv, and an environment each."""

import shutil
import subprocess
import sys
from pathlib import Path

from measure import ROOT, environment, find_python

UV = "uv==0.9.7"


class Workshop:
    """`target/compare/peers`, or another folder; what is missing there is made when it is asked for."""

    def __init__(self, folder: Path = ROOT / "target/compare/peers") -> None:
        self.folder = folder

    @property
    def uv(self) -> Path:
        """The uv program; the first time it is installed from PyPI into an environment of its own."""
        tools = self.folder / "uv"
        program = tools / "bin/uv"
        if not program.exists():
            run(find_python(), "-m", "venv", tools)
            run(tools / "bin/python", "-m", "pip", "install", "--quiet", UV)
        return program

    def environment(self, name: str, python: str, requirements: Path) -> Path:
        """An environment with exactly the packages of a requirements file; made anew when the file has changed."""
        folder = self.folder / name
        made_from = folder / "made-from.txt"
        if not (made_from.exists() and made_from.read_bytes() == requirements.read_bytes()):
            shutil.rmtree(folder, ignore_errors=True)
            try:
                python = find_python(python)
            except FileNotFoundError:
                pass  # uv fetches one
            run(self.uv, "venv", "--quiet", "--python", python, folder)
            inside = folder / "bin/python"
            # All byte-code now: no round is to pay for it.
            run(self.uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", inside, "-r", requirements)
            shutil.copy(requirements, made_from)
        return folder


def run(*command: object) -> None:
    """Runs a command of a set-up; what it says goes to stderr, a failure raises `CalledProcessError`."""
    subprocess.run([str(part) for part in command], env=environment(), check=True, stdout=sys.stderr)
