"""A command that is timed as a whole process."""

import os
import subprocess
import tempfile
import time
from typing import BinaryIO, Dict, NamedTuple, Optional, Sequence

# Set on many build machines; each would slow or speed up one side and not the other, or change what is measured.
LEFT_OUT = ("PYTHON", "VIRTUAL_ENV", "CONDA_", "ALO_", "UV_", "PIP_")


class Failed(Exception):
    """A command that ended with another status than 0; the text holds its output."""


class Finished(NamedTuple):
    """What a command printed, and the seconds from its start to its end."""

    seconds: float
    stdout: str
    stderr: str


def environment(**more: object) -> Dict[str, str]:
    """The variables of all sides alike: those of this process without `LEFT_OUT`, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
    kept.update({name: str(value) for name, value in more.items()})
    return kept


class Command:
    """A program with its arguments; called, it runs to its end and gives the seconds.

    `variables` default to those of `environment()`, `folder` to the present one. The input is empty, the output is kept.
    """

    def __init__(
        self, arguments: Sequence[object], variables: Optional[Dict[str, str]] = None, folder: Optional[object] = None
    ) -> None:
        self.arguments = [str(argument) for argument in arguments]
        self.variables = environment() if variables is None else variables
        self.folder = folder

    def __call__(self) -> float:
        return self.run().seconds

    def run(self) -> Finished:
        """Runs the command; raises `Failed` if its status is not 0."""
        # Files, not pipes: nobody is to read, or to be waited for, while the clock runs.
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            start = time.perf_counter()
            done = subprocess.run(
                self.arguments,
                cwd=self.folder,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
            seconds = time.perf_counter() - start
            said, complained = text(stdout), text(stderr)
        if done.returncode != 0:
            raise Failed(f"failed with {done.returncode}: {self}\n{said}{complained}")
        return Finished(seconds, said, complained)

    def __str__(self) -> str:
        place = f"cd {self.folder} && " if self.folder else ""
        return place + " ".join(self.arguments)


def text(file: BinaryIO) -> str:
    """All that was written to a file."""
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")
