"""Notes what a step looks at without opening it: whether files are there, their sizes and times, environment variables.

The interpreter has no audit event for these, so the functions of `os` that tell of files, and `os.environ`, are replaced
while a step is watched.
"""

import os
import stat
import sys
from _thread import get_ident

from alolib._audit import WRITING

_KIND = 0o170000
# What pathlib asks by `Path.stat` to know no more than the kind of a file.
_PATHLIB = {"exists", "is_dir", "is_file", "is_symlink", "is_mount", "is_fifo", "is_socket", "resolve", "mkdir"}

# Sources are looked at for tracebacks, and by this package for itself.
_OWN = tuple(os.path.join(os.path.dirname(file), name) for file, name in ((os.__file__, "linecache.py"), (__file__, "")))

_plain = {name: getattr(os, name) for name in ("stat", "lstat", "access", "readlink", "open", "mkfifo", "mknod")}
#: The functions of `os` as they are, for looks that are not to be noted.
plain_stat, plain_lstat, plain_readlink = _plain["stat"], _plain["lstat"], _plain["readlink"]

_environs = {}
_notices = {}
# What a caller of `os.stat` makes of the answer, where that is known: its code, with the parts that count.
_callers = {}


def begin(seen):
    """Begins to note in `seen` what is looked at."""
    import genericpath
    import posixpath

    if not _callers:
        for function in (genericpath.exists, genericpath.isfile, genericpath.isdir):
            _callers[function.__code__] = "kind"
        for function in (posixpath.lexists, posixpath.islink, posixpath.ismount):
            _callers[function.__code__] = "kind"
        _callers[genericpath.getsize.__code__] = "size"
        _callers[genericpath.getmtime.__code__] = "time"
    _notices["seen"] = seen
    for name, kind in _KINDS.items():
        if not isinstance(getattr(os, name), _Noted):
            _set(name, kind(name))
    for environ in (os.environ, getattr(os, "environb", None)):
        if environ is not None and type(environ) is os._Environ:
            environ.__class__ = _noted_environ()


def end():
    """Makes everything what it was."""
    _notices.clear()
    for name, plain in _plain.items():
        if isinstance(getattr(os, name), _Noted):
            _set(name, plain)
    for environ in (os.environ, getattr(os, "environb", None)):
        if environ is not None and type(environ) is not os._Environ:
            environ.__class__ = os._Environ


def _set(name, function):
    before = getattr(os, name)
    setattr(os, name, function)
    for can in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if before in can:
            can.add(function)
    # Until Python 3.10 pathlib keeps functions of its own.
    accessor = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)
    if accessor is not None and vars(accessor).get(name) is before:
        setattr(accessor, name, function)


class _Noted:
    """A function of `os`. No Python function: as an attribute of a class it must not become a method."""

    def __init__(self, name):
        self.__name__ = name
        self.__doc__ = _plain[name].__doc__
        self._plain = _plain[name]

    def __reduce__(self):
        return _plain_again, (self.__name__,)

    def __repr__(self):
        return repr(self._plain)

    def __call__(self, path, *rest, **named):
        seen = _notices.get("seen")
        if seen is None or seen.looking == get_ident() or seen.is_quiet(path):
            return self._plain(path, *rest, **named)
        return self._note(seen, path, rest, named)


class _Stat(_Noted):
    def _note(self, seen, path, rest, named):
        caller = sys._getframe(2)
        if caller.f_code.co_filename.startswith(_OWN):
            return self._plain(path, *rest, **named)
        follows = self.__name__ == "stat" and named.get("follow_symlinks", True)
        parts = _parts_that_count(caller)
        try:
            status = self._plain(path, *rest, **named)
        except (OSError, ValueError):
            _tell(seen, seen.looked, path, named.get("dir_fd"), follows, None)
            raise
        _tell(seen, seen.looked, path, named.get("dir_fd"), follows, sight(status, parts))
        return status


class _Access(_Noted):
    def _note(self, seen, path, rest, named):
        _tell(seen, seen.looked, path, named.get("dir_fd"), True, _sight_of("stat", path, named, "mode"))
        return self._plain(path, *rest, **named)


class _ReadLink(_Noted):
    def _note(self, seen, path, rest, named):
        try:
            target = self._plain(path, *rest, **named)
        except (OSError, ValueError):
            _tell(seen, seen.looked, path, named.get("dir_fd"), False, _sight_of("lstat", path, named, "kind"))
            raise
        _tell(seen, seen.looked, path, named.get("dir_fd"), False, {"target": os.fsdecode(target)})
        return target


class _Open(_Noted):
    """The audit event of `os.open` does not tell of which folder the path is."""

    def _note(self, seen, path, rest, named):
        if named.get("dir_fd") is not None:
            flags = rest[0] if rest else named.get("flags", 0)
            _tell(seen, seen.touched, path, bool(flags & WRITING), named["dir_fd"])
        return self._plain(path, *rest, **named)


class _Make(_Noted):
    """There is no audit event for what is neither a file nor a folder."""

    def _note(self, seen, path, rest, named):
        folder = named.get("dir_fd")
        _tell(seen, seen.touched, path, True, -1 if folder is None else folder)
        return self._plain(path, *rest, **named)


_KINDS = {
    "stat": _Stat,
    "lstat": _Stat,
    "access": _Access,
    "readlink": _ReadLink,
    "open": _Open,
    "mkfifo": _Make,
    "mknod": _Make,
}


def _tell(seen, what, *arguments):
    """Notes something; the step is not to suffer from what cannot be understood."""
    try:
        what(*arguments)
    except Exception:
        seen.blind = True


def _sight_of(function, path, named, parts):
    try:
        return sight(_plain[function](path, dir_fd=named.get("dir_fd")), parts)
    except (OSError, ValueError):
        return None


def _plain_again(name):
    return _plain[name]


def _parts_that_count(frame):
    parts = _callers.get(frame.f_code)
    if parts is not None:
        return parts
    name, file = frame.f_code.co_name, frame.f_code.co_filename
    # The second is how `importlib.metadata` looks at every folder of `sys.path`: their names count anyway.
    if name in ("_joinrealpath", "realpath") or (name == "mtime" and "importlib" in file):
        return "kind"
    while frame is not None and frame.f_code.co_name in ("stat", "lstat") and "pathlib" in frame.f_code.co_filename:
        frame = frame.f_back
        if frame is not None and frame.f_code.co_name in _PATHLIB and "pathlib" in frame.f_code.co_filename:
            return "kind"
    return "all"


def sight(status, parts):
    """What counts of the status of a file."""
    mask = _KIND if parts in ("kind", "size", "time") else 0o177777
    found = {"mode": status.st_mode & mask, "mask": mask}
    # The time of a folder tells of names in it; its size, nothing.
    if parts in ("size", "all") and stat.S_ISREG(status.st_mode):
        found["size"] = status.st_size
    if parts in ("time", "all"):
        found["modified"] = status.st_mtime_ns
    return found


def _noted_environ():
    kind = _environs.get(os._Environ)
    if kind is None:

        class Environ(os._Environ):
            def __getitem__(self, key):
                _ask(key)
                return super().__getitem__(key)

            def __iter__(self):
                _ask("*")
                return super().__iter__()

        kind = _environs[os._Environ] = Environ
    return kind


def _ask(name):
    seen = _notices.get("seen")
    if seen is not None and isinstance(name, (str, bytes)):
        _tell(seen, seen.asked, os.fsdecode(name))
