"""Notes the files and folders for passing use that are made in a process: copies of the process would share them."""

import os
import sys

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_made = {}
_temporary = None
_known = ()


def begin():
    """Begins to note what is made from now on."""
    global _temporary, _known
    if _temporary is None:
        _temporary = _folders(["/tmp", "/var/tmp", "/dev/shm", os.environ.get("TMPDIR")])
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        # The worker stands in the project, which may lie in a folder for temporary files itself.
        _known = _folders([os.getcwd(), caches, sys.prefix, sys.base_prefix])
        sys.addaudithook(_hook)


def left(own):
    """What was made and is still there, but for what names `own`; None if nothing is."""
    return next((path for path in sorted(_made) if not (own and own in path) and os.path.lexists(path)), None)


def _folders(paths):
    paths = [path for path in paths if path]
    return tuple({os.path.join(form(path), "") for path in paths for form in (os.path.abspath, os.path.realpath)})


def _hook(event, arguments):
    note = _NOTES.get(event)
    if note is not None:
        try:
            note(*arguments)
        except Exception:  # what is no path is no file
            pass


def _made_by_name(path, *_):
    _made[os.path.abspath(os.fsdecode(path))] = True


def _opened(path, mode, flags):
    if (flags or 0) & _WRITING:
        _changed(path)


def _changed(path, *_):
    if isinstance(path, int):
        return
    path = os.path.abspath(os.fsdecode(path))
    if path.startswith(_temporary) and not path.startswith(_known) and "/__pycache__" not in path:
        _made[path] = True


def _moved(_, target, *rest):
    _changed(target)


_NOTES = {
    "tempfile.mkstemp": _made_by_name,
    "tempfile.mkdtemp": _made_by_name,
    "open": _opened,
    "os.mkdir": _changed,
    "os.rename": _moved,
    "os.link": _moved,
    "os.symlink": _moved,
    "sqlite3.connect": _changed,
}
