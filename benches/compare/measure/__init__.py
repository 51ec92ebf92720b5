"""What the comparisons beside this package share: sides that take turns, tables with spread and ratios, limits.

    from measure import Command, Report, options, take_turns

    report = Report("startup")
    sides = {"alo": Command([alo, "--version"]), "/bin/true": Command(["/bin/true"])}
    times = take_turns(sides, runs=7)
    report.table(times, base="/bin/true", commands=sides)
    report.limit("`alo --version`", median(times["alo"]), most=0.010, unit="s")
    sys.exit(report.finish())

Standard library only, Python 3.8 or newer.
"""

from .command import Command, Failed, Finished, environment
from .data import write_data, write_loading
from .machine import description
from .program import ROOT, find_alo, find_python, options
from .project import phase_seconds, write_project, write_trivial_steps
from .report import Report
from .s3_server import S3Server
from .table import duration
from .turns import Times, median, take_turns

__all__ = [
    "ROOT",
    "Command",
    "Failed",
    "Finished",
    "Report",
    "S3Server",
    "Times",
    "description",
    "duration",
    "environment",
    "find_alo",
    "find_python",
    "median",
    "options",
    "phase_seconds",
    "take_turns",
    "write_data",
    "write_loading",
    "write_project",
    "write_trivial_steps",
]
