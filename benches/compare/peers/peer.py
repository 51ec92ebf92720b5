"""What a comparison asks of every peer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Type

import titanic
from measure import Command, environment
from measure.command import Failed

from .workshop import Workshop

HERE = Path(__file__).resolve().parents[1]


class Peer:
    """A tool, installed, with the interpreter that runs the steps of those tools that start processes."""

    # As it stands in the tables, with its version.
    name = ""
    # The Python of its environment; uv fetches it when the machine has none.
    python = "3.10"
    # The folder beside this file that holds its files, and the one of its projects and environment.
    key = ""
    # Whether it has packages to be installed.
    installed = True
    # The most steps that are timed.
    most_steps = 1000

    def __init__(self, workshop: Workshop, step_python: str) -> None:
        self.step_python = step_python
        self.uv = workshop.uv
        self.source = Path(__file__).with_name(self.key)
        if self.installed:
            self.environment = workshop.environment(self.key, self.python, self.source / "requirements.txt")

    def titanic(self, folder: Path) -> Command:
        """Makes the Titanic project in a new folder; gives the command that runs all of it, whatever was there before."""
        raise NotImplementedError

    def again(self, folder: Path) -> Optional[Command]:
        """The command for that project when nothing has changed, if the tool can tell; else nothing."""

    def result(self, folder: Path) -> Path:
        """The table of predictions that `titanic` leaves."""
        return folder / "output/output.csv"

    def version(self) -> Optional[Command]:
        """The command that only says the version; none: there is no such program."""

    def steps(self, folder: Path, number: int) -> Command:
        """Makes a project of that many steps in a row, each of which does nothing, and gives the command that runs them."""
        raise NotImplementedError

    def command(self, arguments: Sequence[object], folder: Optional[Path] = None) -> Command:
        """A command of the peer, its programs and uv first on PATH, and no news of it sent anywhere."""
        return Command(arguments, self.variables(), folder)

    def variables(self) -> Dict[str, str]:
        """The variables of all its commands."""
        path = [str(self.uv.parent), os.environ["PATH"]]
        more: Dict[str, object] = {
            "DO_NOT_TRACK": 1,
            "KEDRO_DISABLE_TELEMETRY": 1,
            "DVC_NO_ANALYTICS": 1,
            "PYTHONPATH": HERE,
            "TITANIC_EXAMPLE": titanic.EXAMPLE,
            "TITANIC_STEP": f"{self.step_python} {HERE / 'titanic_step.py'}",
        }
        if self.installed:
            path.insert(0, str(self.environment / "bin"))
            more["VIRTUAL_ENV"] = self.environment
        return environment(PATH=":".join(path), **more)

    def copy_project(self, folder: Path) -> None:
        """Copies its Titanic project and the example's data."""
        shutil.copytree(self.source / "titanic", folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(titanic.EXAMPLE / "sample_data", folder / "sample_data")


class Peers(NamedTuple):
    """The peers that could be installed, and sentences about the others."""

    ready: List[Peer]
    left_out: List[str]


def install(kinds: Sequence[Type[Peer]], step_python: str) -> Peers:
    """Installs what is missing; a peer that cannot be installed is left out and named."""
    workshop = Workshop()
    peers = Peers([], [])
    for kind in kinds:
        print(f"set-up: {kind.name}", file=sys.stderr)
        try:
            peers.ready.append(kind(workshop, step_python))
        except subprocess.CalledProcessError as error:
            command = " ".join(error.cmd[:3])
            peers.left_out.append(f"{kind.name} could not be installed: `{command} …` failed with {error.returncode}")
        except OSError as error:
            peers.left_out.append(f"{kind.name} could not be installed: {error}")
    return peers


def attempt(peers: Peers, prepare) -> List[Tuple[Peer, Command]]:
    """Prepares and tries each peer's command once; a peer whose command fails is left out and named."""
    ready = []
    for peer in list(peers.ready):
        try:
            command = prepare(peer)
            if command is not None:
                command()
                ready.append((peer, command))
        except (Failed, OSError) as error:
            print(error, file=sys.stderr)
            last = str(error).strip().splitlines()[-1]
            peers.left_out.append(f"{peer.name} failed: {last}")
    return ready
