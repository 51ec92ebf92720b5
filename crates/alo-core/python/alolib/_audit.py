"""The audit hook of the interpreter: tells what Python code opens, removes, starts and connects to.

What a C library does by itself has no audit event (PEP 578), and neither has looking at a file (`_looks.py`).
"""

import os
import sys
from _thread import get_ident

#: Flags of `os.open` with which a file may be changed.
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_seen = None
# An audit hook cannot be removed.
_installed = False


def begin(seen):
    """Begins to note in `seen` what is touched."""
    global _seen, _installed
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    _seen = seen


def end():
    """Stops to note."""
    global _seen
    _seen = None


def _hook(event, arguments):
    seen = _seen
    if seen is None or seen.looking == get_ident():
        return
    note = _NOTES.get(event)
    if note is None:
        return
    try:
        note(seen, *arguments)
    except Exception:  # what cannot be understood is not kept; the step goes on
        seen.blind = True


def _opened(seen, path, mode, flags):
    seen.touched(path, bool((flags or 0) & WRITING))


def _listed(seen, path=None, *_):
    seen.touched("." if path is None else path, False, listing=True)


def _made(seen, path, mode=0, folder=-1):
    seen.made(path, folder)


def _loaded(seen, path=None, *_):
    # A name without a folder is one of the system's libraries.
    if isinstance(path, (str, bytes)) and os.sep in os.fsdecode(path):
        seen.touched(path, False)


def _changed(seen, path, *rest):
    seen.touched(path, True, rest[-1] if rest else -1)


def _moved(seen, source, target, source_folder=-1, target_folder=-1):
    seen.touched(source, True, source_folder)
    seen.touched(target, True, target_folder)


def _linked(seen, source, target, *folders):
    seen.touched(target, True, folders[-1] if folders else -1)


def _started(seen, program=None, *rest):
    if isinstance(program, (list, tuple)):
        program = program[0] if program else None
    seen.programs["a copy of itself" if program is None else os.fsdecode(program)] = True


def _spawned(seen, mode, path, *rest):
    _started(seen, path)


def _connected(seen, socket, address=None, *rest):
    if isinstance(address, tuple):
        address = ":".join(str(part) for part in address[:2])
    seen.connections[str(address)] = True


def _looked_up(seen, host=None, *rest):
    seen.connections[str(host)] = True


def _database(seen, path, *rest):
    if path not in (":memory:", b":memory:", ""):
        seen.touched(path, True)


_NOTES = {
    "open": _opened,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "os.remove": _changed,
    "os.rmdir": _changed,
    "os.mkdir": _made,
    "os.truncate": _changed,
    "os.chmod": _changed,
    "os.chown": _changed,
    "os.utime": _changed,
    "os.setxattr": _changed,
    "os.removexattr": _changed,
    "os.rename": _moved,
    "os.link": _linked,
    "os.symlink": _linked,
    "subprocess.Popen": _started,
    "os.system": _started,
    "os.exec": _started,
    "os.posix_spawn": _started,
    "os.spawn": _spawned,
    "os.fork": _started,
    "os.forkpty": _started,
    "pty.spawn": _started,
    "socket.connect": _connected,
    "socket.bind": _connected,
    "socket.sendto": _connected,
    "socket.sendmsg": _connected,
    "socket.getaddrinfo": _looked_up,
    "socket.gethostbyname": _looked_up,
    "socket.gethostbyaddr": _looked_up,
    "sqlite3.connect": _database,
    "ctypes.dlopen": _loaded,
}
