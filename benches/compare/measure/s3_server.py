"""The S3 server of the tests, moto, for a comparison that loads objects."""

import json
import subprocess
from pathlib import Path
from typing import Dict

from .command import environment
from .program import ROOT, find_python

PACKAGE = "moto[s3,server]==5.2.5"


class S3Server:
    """A running server, which ends with the `with` block. It is installed once, into `target/compare/moto`."""

    def __init__(self, folder: Path = ROOT / "target/compare/moto") -> None:
        python = folder / "bin/python"
        if not (folder / "installed").is_file():
            subprocess.run([find_python(), "-m", "venv", "--clear", folder], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
            (folder / "installed").touch()
        self.process = subprocess.Popen(
            [python, ROOT / "tests/fixtures/s3_server.py"],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.port = int(self.process.stdout.readline())

    def __enter__(self) -> "S3Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()

    def tell(self, **command: object) -> None:
        """Obeys a command of the script, without a request."""
        print(json.dumps(command), file=self.process.stdin, flush=True)
        self.process.stdout.readline()

    def variables(self) -> Dict[str, str]:
        """The variables that lead a program to it."""
        return environment(
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{self.port}",
            AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY="testing",
            AWS_REGION="us-east-1",
        )
