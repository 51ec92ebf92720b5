"""What the numbers were measured on."""

import os
import platform
import time
from pathlib import Path


def description() -> str:
    """One line: cores, processor, kernel, Python, load of the last minute, and the time in UTC."""
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    parts = [
        f"{os.cpu_count()} cores",
        processor(),
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        f"load {os.getloadavg()[0]:.1f}",
        now,
    ]
    return ", ".join(parts)


def processor() -> str:
    """The processor's name, as the kernel gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
