"""What became of a step that raised: the asset's own part of the traceback, in words and as data."""

import linecache
import os
import traceback

from alolib import _session
from alolib._values import text

_MESSAGE = 20_000
_TRACEBACK = 200_000
_FRAMES = 100


def failure(stage, error, place=None):
    """Gives the `failed` outcome of a step. `place` (file, line, function) stands in when no frame is the asset's."""
    try:
        words, frames = _report(error, place)
    except Exception as fault:  # an exception may be made such that Python cannot describe it
        words, frames = "%s (not described: %s)\n" % (type(error).__name__, type(fault).__name__), []
    return {
        "failed": {
            "stage": stage,
            "exception": type(error).__name__,
            "message": _shorten(_message(error), _MESSAGE),
            "traceback": _shorten(words, _TRACEBACK),
            "frames": frames[-_FRAMES:],
            "missing_module": _missing_module(error),
            "exit_code": _exit_code(error),
            "refused": getattr(error, "alo_refused", False) is True,
        }
    }


def _report(error, place):
    """Gives the asset's part of the traceback as text and as a list of frames."""
    report = traceback.TracebackException(type(error), error, error.__traceback__)
    _clean(report, set())
    if place is not None and not report.stack:
        report.stack.append(traceback.FrameSummary(*place))
    frames = [_frame(frame.filename, frame.lineno, frame.name, frame.line) for frame in report.stack]
    if isinstance(error, SyntaxError) and isinstance(error.filename, str):
        line = error.text or linecache.getline(error.filename, error.lineno or 0)
        frames.append(_frame(error.filename, error.lineno, "<module>", line.strip()))
    return "".join(report.format()), frames


def _frame(file, line, function, words):
    return {"file": text(file), "line": line or 0, "function": function, "text": text(words or "")}


def _clean(report, seen):
    """Drops the frames of the worker and the import machinery, in every linked exception."""
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    report.stack[:] = [frame for frame in report.stack if _is_asset(frame.filename)]
    _clean(report.__cause__, seen)
    _clean(report.__context__, seen)
    for part in getattr(report, "exceptions", None) or ():
        _clean(part, seen)


def _is_asset(file):
    return not (
        file.startswith((_session.HOME, "<frozen importlib"))
        or file == "<frozen runpy>"
        or os.path.dirname(file).endswith(os.sep + "importlib")
    )


def _message(error):
    try:
        if isinstance(error, SyntaxError):
            return str(error.msg)
        if isinstance(error, SystemExit):
            return "" if error.code is None else str(error.code)
        return str(error)
    except Exception:  # an asset's exception may do anything
        return ""


def _missing_module(error):
    """Finds the module whose absence is the reason, where the exception, or one it was raised `from`, says so."""
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, ModuleNotFoundError):
            return error.name
        seen.add(id(error))
        error = error.__cause__
    return None


def _exit_code(error):
    """Gives the exit code that `sys.exit` asks the system for, which knows only its lowest eight bits."""
    if not isinstance(error, SystemExit):
        return None
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1


def _shorten(words, limit):
    words = text(words)
    if len(words) <= limit:
        return words
    half = limit // 2
    return "%s\n… %d characters left out …\n%s" % (words[:half], len(words) - 2 * half, words[-half:])
