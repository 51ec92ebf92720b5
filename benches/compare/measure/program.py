"""Where the programs are that the comparisons run, and the arguments all of them take."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

# The checkout.
ROOT = Path(__file__).resolve().parents[3]


def options(doc: str, runs: int = 7) -> argparse.ArgumentParser:
    """The parser of a comparison: `--alo` and `--runs`; `doc` is that of the script, its first line what it does."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--alo", help="the program to measure; default: target/release/alo, else alo on PATH")
    parser.add_argument("--runs", type=int, default=runs, help=f"rounds that count (default {runs})")
    return parser


def find_alo(given: Optional[str] = None) -> Path:
    """The `alo` to measure: the one that is named, else the one that was built, else the one on PATH."""
    built = ROOT / "target/release/alo"
    found = given or (built if built.exists() else shutil.which("alo"))
    if not found:
        sys.exit("no alo: build it with `cargo build --release -p alo-cli`, or name it with --alo")
    return Path(found).resolve()


def find_python(version: str = "3.10") -> str:
    """An interpreter of that version that runs: on PATH there may be a shim of that name that does not.

    Raises `FileNotFoundError` if there is none.
    """
    name = f"python{version}"
    places = [shutil.which(name), *map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}")))]
    for place in filter(None, places):
        asked = subprocess.run(
            [place, "-c", "import sys; print(sys.executable)"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        if asked.returncode == 0:
            return asked.stdout.decode().strip()
    raise FileNotFoundError(f"no Python {version} that runs")
