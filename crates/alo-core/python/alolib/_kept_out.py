"""Keeps a step from changing a folder that other processes read at the same time.

An audit hook of the interpreter sees what Python code is about to change there, before it is done. The step is ended, and a
note tells the engine, whatever the step makes of the exception; what a C library writes by itself is not seen.
"""

import os
import sys

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_installed = False
_folders = ()
_note = None


class KeptOut(BaseException):
    """The step was about to change what others read."""


def begin(order):
    """From now on the folder of the order is not to be changed; without one everything may be."""
    global _installed, _folders, _note
    if order is None:
        _folders = ()
        return
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    folder = order["folder"]
    _note = order["note"]
    _folders = tuple({os.path.join(form(folder), "") for form in (os.path.abspath, os.path.realpath)})


def _hook(event, arguments):
    if not _folders:
        return
    changed = _CHANGED.get(event)
    if changed is None:
        return
    try:
        paths = [path for path in changed(*arguments) if _is_inside(path)]
    except Exception:  # what is no path is no file
        return
    if paths:
        _refuse(os.path.abspath(os.fsdecode(paths[0])))


def _is_inside(path):
    if isinstance(path, int):
        return False
    path = os.path.abspath(os.fsdecode(path))
    if (os.path.join(path, "")).startswith(_folders) or os.path.realpath(path).startswith(_folders):
        return os.sep + "__pycache__" not in path
    return False


def _refuse(path):
    fd = os.open(_note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(fd, os.fsencode(path))
    finally:
        os.close(fd)
    raise KeptOut("`%s` is read by other runs at the same time" % path)


def _opened(path, _, flags):
    return [path] if (flags or 0) & _WRITING else []


def _made(path, *_):
    return [] if os.path.lexists(path) else [path]


def _gone(path, *_):
    return [path] if os.path.lexists(path) else []


def _moved(source, target, *_):
    return [source, target]


def _linked(_, target, *rest):
    return [target]


_CHANGED = {
    "open": _opened,
    "os.mkdir": _made,
    "os.remove": _gone,
    "os.rmdir": _gone,
    "os.truncate": _gone,
    "os.rename": _moved,
    "os.link": _linked,
    "os.symlink": _linked,
    "sqlite3.connect": _made,
}
