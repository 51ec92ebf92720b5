"""Notes what a step touches besides its own folders, so that its result is only used again where it would be made again.

An audit hook of the interpreter sees what Python code opens, removes, starts and connects to; what a C library does by
itself it does not see. Only steps whose result is to be kept are watched.
"""

import os
import sys
from types import ModuleType

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# A step that reads more files of others than these is not kept.
_MOST = 500
# Places that tell of the machine, not of the project.
_SYSTEM = ("/proc/", "/sys/", "/dev/")
_CACHED = os.sep + "__pycache__" + os.sep

# The variables that the worker began with.
_VARIABLES = dict(os.environ)
# Folder of this package.
_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_active = None
_installed = False
# Modules of the environment, by name: they need not be looked at again.
_environment_modules = {}
# Both forms of folders that do not go: looking for links in their paths takes long.
_forms = {}


def start(order):
    """Begins to watch a step, if the engine wants to keep its result; gives None otherwise."""
    global _active, _installed
    wanted = order.get("watch")
    if not wanted:
        return None
    if wanted.get("load_process"):
        _load_process(wanted["load_process"])
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    from alolib import _unfinished

    watch = Watch(order, wanted)
    _unfinished.begin(watch.is_installed)
    _active = watch
    return _active


def stop():
    """Ends the watch of a step, however it has ended."""
    global _active
    if _active is not None:
        _active = None
        from alolib import _unfinished

        _unfinished.end()


class Watch:
    """What one step has touched so far."""

    def __init__(self, order, wanted):
        temporary = {"/tmp", "/var/tmp", "/dev/shm", os.environ.get("TMPDIR") or "/tmp"}
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        self._own = _folders(wanted["own"])
        self._temporary = _folders(temporary)
        self._free = _folders([caches])
        installed = [sys.prefix, sys.base_prefix, _HOME]
        self._installed = _folders(installed)
        self._real_folders = {}
        self._known = self._own + self._installed + self._free + _folders([*wanted["known"], order["folder"]]) + _SYSTEM
        self._crash_file = order.get("crash_file")
        self._process = wanted["save_process"]
        self._process_before = _process()
        self._children = _children()
        self._written = {}
        self._read = {}
        self.programs = {}
        self.connections = {}
        self.asked_for_run = False
        self.blind = False

    def end(self):
        """Stops watching; gives what the engine wants to know. The state of the process goes to its file, if it has changed."""
        from alolib import _unfinished

        stop()
        unfinished = _unfinished.left(self._crash_file, self._modules())
        self._note_modules()
        if not self.programs and _children() != self._children:
            self.programs["a child process"] = True
        own = set(map(self._real, self._written))
        written = [path for path in own if self._is_outside(path)]
        self._save_process()
        read = set(map(self._real, self._read)) - own
        read = {path for path in read if not (path + os.sep).startswith(self._known)}
        return {
            "wrote": sorted(written)[:1],
            "read": sorted(read)[: _MOST + 1],
            "read_too_much": self.blind or len(read) > _MOST,
            "programs": list(self.programs)[:1],
            "connections": list(self.connections)[:1],
            "asked_for_run": self.asked_for_run,
            "unfinished": unfinished,
        }

    def touched(self, path, writing, folder=-1):
        """Notes a path that is opened, listed, changed or removed."""
        if isinstance(path, int):
            return
        path = os.fsdecode(path)
        if not os.path.isabs(path):
            try:
                start = os.readlink("/proc/self/fd/%d" % folder) if isinstance(folder, int) and folder >= 0 else os.getcwd()
            except OSError:
                start = ""
            path = os.path.join(start, path)
        if writing:
            self._written[path] = True
        elif len(self._read) <= 20 * _MOST and (not path.startswith(self._known) or "/../" in path):
            self._read[path] = True

    def is_installed(self, file):
        """Whether a file is one of the environment or of Python itself."""
        return file.startswith(self._installed) or file.startswith("<frozen ")

    def _modules(self):
        """Lists the modules of the project: all that are not installed."""
        found = []
        for module in list(sys.modules.values()):
            if isinstance(module, ModuleType):
                file = vars(module).get("__file__")
                if isinstance(file, str) and not self.is_installed(file):
                    found.append(module)
        return found

    def _is_outside(self, path):
        """Tells whether something that was written is anybody's but the step's own."""
        if path.startswith(self._own + self._free) or path + os.sep in self._own:
            return False
        if path.startswith(_SYSTEM) and not path.startswith("/dev/shm/"):
            return False
        if _CACHED in path or path.endswith(os.sep + "__pycache__"):
            return False
        # What a step leaves in a folder for temporary files, a later one may find.
        return os.path.lexists(path) if path.startswith(self._temporary) else True

    def _real(self, path):
        """The path without links in its folders: what is removed or replaced is the name itself."""
        path = os.path.abspath(path) if "/../" not in path else os.path.realpath(path)
        folder, name = os.path.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return os.path.join(self._real_folders[folder], name)

    def _note_modules(self):
        """Modules of other folders count as read, also where a step before has loaded them."""
        for name, module in list(sys.modules.items()):
            if _environment_modules.get(name) is module:
                continue
            try:
                file = vars(module).get("__file__")
            except TypeError:  # anything may lie in `sys.modules`
                continue
            if not isinstance(file, str) or file.startswith(self._installed):
                _environment_modules[name] = module
            elif not file.startswith(self._known):
                self._read[os.path.abspath(file)] = True
        for path in list(self._read):
            if _CACHED in path:
                del self._read[path]
                folder, _, name = path.rpartition(_CACHED)
                self._read[os.path.join(folder, name.split(".")[0] + ".py")] = True

    def _save_process(self):
        after = _process()
        if after == self._process_before:
            return
        import pickle

        fd = os.open(self._process, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "wb") as file:
            pickle.dump(after, file, protocol=4)


class Environment(dict):
    """The run's environment as a watched step sees it: asking for the run's id, which holds the time, is noted."""

    def _note(self):
        if _active is not None:
            _active.asked_for_run = True

    def __getitem__(self, key):
        if key == "run_id":
            self._note()
        return dict.__getitem__(self, key)

    def get(self, key, default=None):
        if key == "run_id":
            self._note()
        return dict.get(self, key, default)

    def pop(self, key, *default):
        if key == "run_id":
            self._note()
        return dict.pop(self, key, *default)

    def setdefault(self, key, default=None):
        if key == "run_id":
            self._note()
        return dict.setdefault(self, key, default)

    def popitem(self):
        self._note()
        return dict.popitem(self)

    def values(self):
        self._note()
        return dict.values(self)

    def items(self):
        self._note()
        return dict.items(self)

    # With an iterator of its own, `dict(envs)` and `{**envs}` ask for each key.
    def __iter__(self):
        return dict.__iter__(self)

    def keys(self):
        return dict.keys(self)

    def copy(self):
        return Environment(dict.items(self))

    def __reduce__(self):
        return dict, (dict(self),)

    def __repr__(self):
        self._note()
        return dict.__repr__(self)


def environment(envs):
    """Gives the environment such that a watched step's question for the run is noted."""
    return envs if _active is None else Environment(envs)


def _folders(paths):
    found = set()
    for path in paths:
        if path:
            if path not in _forms:
                forms = os.path.abspath(path), os.path.realpath(path)
                _forms[path] = tuple(os.path.join(form, "") for form in forms)
            found.update(_forms[path])
    return tuple(found)


def _children():
    """Tells the child processes that there are and were from those before."""
    try:
        import resource

        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = (ended.ru_minflt, ended.ru_majflt)
    except (ImportError, OSError):
        ended = None
    alive = []
    try:
        for thread in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/children" % thread, "rb") as file:
                alive += file.read().split()
    except OSError:  # a thread has just ended, or the kernel does not tell
        pass
    return ended, sorted(alive)


def _process():
    """Gives the state of what all modules of a process share: random numbers, and variables that were changed."""
    variables = dict(os.environ)
    changed = {name: value for name, value in variables.items() if _VARIABLES.get(name) != value}
    changed.update((name, None) for name in _VARIABLES if name not in variables)
    states = {"variables": changed}
    if "random" in sys.modules:
        states["random"] = sys.modules["random"].getstate()
    numpy = sys.modules.get("numpy.random")
    if hasattr(numpy, "get_state"):
        kind, key, *rest = numpy.get_state()
        states["numpy"] = (kind, key.tobytes(), *rest)
    torch = sys.modules.get("torch")
    if hasattr(torch, "get_rng_state"):
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states


def _load_process(path):
    import pickle

    with open(path, "rb") as file:
        states = pickle.load(file)
    for name, value in states["variables"].items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if "random" in states:
        import random

        random.setstate(states["random"])
    if "numpy" in states:
        import numpy

        kind, key, *rest = states["numpy"]
        numpy.random.set_state((kind, numpy.frombuffer(key, dtype=numpy.uint32), *rest))
    if "torch" in states:
        import torch

        torch.set_rng_state(torch.frombuffer(bytearray(states["torch"]), dtype=torch.uint8))


def _hook(event, arguments):
    watch = _active
    if watch is None:
        return
    note = _NOTES.get(event)
    if note is None:
        return
    try:
        note(watch, *arguments)
    except Exception:  # what cannot be understood is not kept; the step goes on
        watch.blind = True


def _opened(watch, path, mode, flags):
    watch.touched(path, bool((flags or 0) & _WRITING))


def _listed(watch, path=None, *_):
    watch.touched("." if path is None else path, False)


def _changed(watch, path, *rest):
    watch.touched(path, True, rest[-1] if rest else -1)


def _moved(watch, source, target, source_folder=-1, target_folder=-1):
    watch.touched(source, True, source_folder)
    watch.touched(target, True, target_folder)


def _linked(watch, source, target, *folders):
    watch.touched(target, True, folders[-1] if folders else -1)


def _started(watch, program=None, *rest):
    if isinstance(program, (list, tuple)):
        program = program[0] if program else None
    watch.programs["a copy of itself" if program is None else os.fsdecode(program)] = True


def _spawned(watch, mode, path, *rest):
    _started(watch, path)


def _connected(watch, socket, address=None, *rest):
    if isinstance(address, tuple):
        address = ":".join(str(part) for part in address[:2])
    watch.connections[str(address)] = True


def _looked_up(watch, host=None, *rest):
    watch.connections[str(host)] = True


def _database(watch, path, *rest):
    if path not in (":memory:", b":memory:", ""):
        watch.touched(path, True)


_NOTES = {
    "open": _opened,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "os.remove": _changed,
    "os.rmdir": _changed,
    "os.mkdir": _changed,
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
}
