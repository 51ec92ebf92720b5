"""Notes what a step touches besides its own folders, so that its result is only used again where it would be made again.

An audit hook of the interpreter sees what Python code opens, removes, starts and connects to; what a C library does by
itself it does not see. Only steps whose result is to be kept are watched.
"""

import os
import sys
from _thread import get_ident
from stat import S_IFREG, S_ISREG
from time import time_ns
from types import ModuleType

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# A step that reads more files of others than these is not kept.
_MOST = 500
# Nor one that looks at more without opening them.
_MOST_LOOKS = 20000
# A file that was written so shortly before, in nanoseconds, may be written again without its times showing it.
_FRESH = 20_000_000
_FILE, _KIND = S_IFREG, 0o170000
# Places that tell of the machine, not of the project.
_SYSTEM = ("/proc/", "/sys/", "/dev/")
# What does not count as part of the code that it lies in.
_NOT_CODE = (os.sep + "__pycache__" + os.sep, os.sep + ".git" + os.sep)
_CACHED = os.sep + "__pycache__" + os.sep

# The variables that the worker began with.
_VARIABLES = dict(os.environ)
# Folder of this package.
_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Where Python itself looks for its library first; it is hardly ever there.
_PYTHON_ZIP = os.path.join(sys.base_prefix, "lib", "python%d%d.zip" % sys.version_info[:2])

_plain_stat, _plain_lstat, _plain_readlink = os.stat, os.lstat, os.readlink

_active = None
_installed = False
# What was read and looked at while modules were loaded that are there for all steps.
_read_by_imports = {}
_looks_of_imports = {}
_variables_of_imports = {}
# Files of modules that stay loaded from step to step, as they were.
_loaded_files = {}
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
    from alolib import _looks, _process_state, _unfinished

    process = _process_state.beginning(_VARIABLES)
    if wanted.get("load_process"):
        process.load(wanted["load_process"])
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    watch = Watch(order, wanted, process)
    watch.filters = _process_state.Filters(process, watch.is_installed)
    watch.modules = _process_state.Modules(watch)
    watch.filters.begin()
    watch.modules.begin()
    _unfinished.begin(watch.is_installed)
    _looks.begin(watch)
    _active = watch
    return _active


def stop():
    """Ends the watch of a step, however it has ended."""
    global _active
    watch, _active = _active, None
    if watch is not None:
        from alolib import _looks, _unfinished

        watch.filters.end()
        watch.modules.end()
        _looks.end()
        _unfinished.end()


class Watch:
    """What one step has touched so far."""

    WRITING = _WRITING

    def __init__(self, order, wanted, process):
        temporary = {"/tmp", "/var/tmp", "/dev/shm", os.environ.get("TMPDIR") or "/tmp"}
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        self._own = _folders(wanted["own"])
        self._temporary = _folders(temporary)
        self._free = _folders([caches])
        # What a package is belongs to the key of the step; so does the version of Python with its library.
        self._installed = _folders([sys.prefix, os.path.dirname(os.__file__), _HOME])
        self._code = _folders([order["folder"]])
        self._input = _folders(wanted["known"])
        self._real_folders = {}
        self._crash_file = order.get("crash_file")
        self._process = process
        self._folder = order["folder"]
        self._process_file = wanted["save_process"]
        self._process_before = process.changes(self._folder)
        self.filters = self.modules = None
        self._children = _children()
        # Paths, and whether something was there before.
        self._written = {}
        self._made = set()
        # Paths, and what was there.
        self._read = dict(_read_by_imports)
        self._looks = dict(_looks_of_imports)
        #: The thread that is looking for the watch itself.
        self.looking = None
        self.variables = dict(_variables_of_imports)
        #: How many modules that stay loaded are being loaded.
        self.importing = 0
        self.programs = {}
        self.connections = {}
        self.asked_for_run = False
        self.blind = False

    def end(self):
        """Stops watching; gives what the engine wants to know. The state of the process goes to its file, if it has changed."""
        from alolib import _unfinished

        stop()
        modules = self._ask(self._note_modules) or []
        unfinished = self._ask(lambda: _unfinished.left(self._crash_file, modules))
        lost = self._ask(lambda: self._process.lost(self.is_installed) or self.modules.changed())
        self._ask(self._note_search_path)
        if not self.programs and _children() != self._children:
            self.programs["a child process"] = True
        own = set(map(self._real, self._written))
        written = [path for path, was_there in self._written.items() if self._is_outside(self._real(path), was_there)]
        self._save_process()
        made = tuple(os.path.join(self._real(path), "") for path in self._made)
        kept = lambda path: path not in own and not (path + os.sep).startswith(made)  # noqa: E731
        read = {path: seen for path, seen in self._read.items() if kept(self._real(path))}
        looks = [look for look in self._looks.values() if kept(self._real(look["path"]))]
        many = sum(1 for seen in read.values() if not seen.is_known)
        return {
            "wrote": sorted(written)[:1],
            "read": [{"path": path, "then": seen.then(own)} for path, seen in sorted(read.items())],
            "looked": looks,
            "variables": sorted(self.variables)[:_MOST_LOOKS],
            "read_too_much": self.blind or many > _MOST,
            "programs": list(self.programs)[:1],
            "connections": list(self.connections)[:1],
            "asked_for_run": self.asked_for_run,
            "unfinished": unfinished,
            "process": lost,
        }

    def _ask(self, question):
        """Gives the answer; where there is none, nothing is known of the step."""
        try:
            return question()
        except Exception:
            self.blind = True
            return None

    def touched(self, path, writing, folder=-1, listing=False):
        """Notes a path that is opened, listed, changed or removed."""
        path = self._absolute(path, folder)
        if path is None:
            return
        if not writing:
            # An earlier step may have left links among the artifacts.
            if listing or not path.startswith(self._installed + self._input) or "/.." in path:
                self._note_read(path, listing)
        elif path not in self._written:
            was_there = path.startswith(self._temporary) and not path.startswith(self._own) and _is_there(path)
            self._written[path] = was_there

    def made(self, path, folder=-1):
        """Notes a folder that the step makes."""
        self.touched(path, True, folder)
        path = self._absolute(path, folder)
        if path is not None and not _is_there(path):
            self._made.add(path)

    def is_quiet(self, path):
        """Whether looking at a path tells nothing that is not known otherwise."""
        if isinstance(path, str):
            return path.startswith(self._own + self._installed) and "/.." not in path
        return isinstance(path, int)

    def asked(self, name):
        """Notes that an environment variable was read."""
        self.variables[name] = True
        if self.importing:
            _variables_of_imports[name] = True

    def looked(self, path, folder, follows, found):
        """Notes that a path was looked at, and what was found."""
        path = self._absolute(path, -1 if folder is None else folder)
        if path is None or path.startswith(self._own + self._installed):
            return
        if "/.." in path or path.startswith(_SYSTEM):
            real = self._resolved(path)
            if real.startswith(_SYSTEM) and not real.startswith("/dev/shm/"):
                return
            path = os.path.join(self._resolved(os.path.dirname(path)), os.path.basename(path))
        # Which files there are is known.
        if path.startswith(self._input) and found is not None and found.get("mask") == _KIND and "modified" not in found:
            if found["mode"] == _FILE or os.path.dirname(path) in self._read:
                return
        if len(self._looks) <= _MOST_LOOKS:
            key = (path, follows, found is None or (found.get("mask"), "size" in found, "modified" in found))
            if key not in self._looks and path not in self._written:
                self._looks[key] = {"path": path, "follows": follows, "found": found}
                if self.importing:
                    _looks_of_imports[key] = self._looks[key]
        else:
            self.blind = True

    def _absolute(self, path, folder=-1):
        """Gives a path from the root on; None for what has none."""
        if isinstance(path, int):
            return None
        path = os.fsdecode(path)
        if not os.path.isabs(path):
            try:
                is_given = isinstance(folder, int) and folder >= 0
                start = _plain_readlink("/proc/self/fd/%d" % folder) if is_given else os.getcwd()
            except OSError:
                start = ""
            path = os.path.join(start, path)
        path.encode("utf-8")  # what no message can carry makes the watch blind
        return path

    def _note_read(self, path, listing):
        if _CACHED in path and path.endswith(".pyc"):
            folder, _, name = path.rpartition(_CACHED)
            path = os.path.join(folder, name.split(".")[0] + ".py")
        if path in self._read:
            return
        if len(self._read) > _MOST_LOOKS:
            self.blind = True
            return
        real = self._resolved(path)
        if "/.." in path or path.startswith(_SYSTEM):
            path = real
        if (real + os.sep).startswith(self._own + self._installed):
            return
        if real.startswith(_SYSTEM) and not real.startswith("/dev/shm/"):
            return
        is_known = (real + os.sep).startswith(self._code + self._input) and not any(part in real for part in _NOT_CODE)
        if is_known and not listing:
            return
        self._read[path] = _Seen.of(self, path, listing, is_known)
        if self.importing:
            _read_by_imports[path] = self._read[path]

    def _resolved(self, path):
        before, self.looking = self.looking, get_ident()
        try:
            return os.path.realpath(path)
        finally:
            self.looking = before

    def names_in(self, path):
        """Lists a folder without a note of it."""
        before, self.looking = self.looking, get_ident()
        try:
            return frozenset(os.listdir(path))
        except OSError:
            return None
        finally:
            self.looking = before

    def is_installed(self, file):
        """Whether a file is one of the environment or of Python itself."""
        return file.startswith(self._installed) or file.startswith("<frozen ")

    def stays(self, module):
        """Whether a module stays loaded after the step: it is none of the step's own."""
        file = getattr(module, "__file__", None)
        return isinstance(file, str) and not file.startswith(self._code)

    def _is_outside(self, path, was_there):
        """Tells whether something that was written is anybody's but the step's own."""
        if path.startswith(self._own + self._free) or path + os.sep in self._own:
            return False
        if path.startswith(_SYSTEM) and not path.startswith("/dev/shm/"):
            return False
        if _CACHED in path or path.endswith(os.sep + "__pycache__"):
            return False
        if not path.startswith(self._temporary):
            return True
        # What a step leaves in a folder for temporary files, a later one may find; what it takes from there is gone.
        made = tuple(os.path.join(self._real(folder), "") for folder in self._made)
        return os.path.lexists(path) or (was_there and not path.startswith(made))

    def _real(self, path):
        """The path without links in its folders: what is removed or replaced is the name itself."""
        path = os.path.abspath(path) if "/.." not in path else os.path.realpath(path)
        folder, name = os.path.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return os.path.join(self._real_folders[folder], name)

    def _note_modules(self):
        """Modules of other folders count as read, also where a step before has loaded them. Gives those of the project."""
        found = []
        for name, module in list(sys.modules.items()):
            if _environment_modules.get(name) is module:
                continue
            try:
                file = vars(module).get("__file__")
            except TypeError:  # anything may lie in `sys.modules`
                continue
            if not isinstance(file, str) or file.startswith(self._installed):
                _environment_modules[name] = module
                continue
            found.append(module)
            path = os.path.abspath(file)
            if path in _loaded_files and path not in self._read:
                self._read[path] = _loaded_files[path]
            self._note_read(path, False)
            if path in self._read:
                _loaded_files[path] = self._read[path]
        return found

    def _note_search_path(self):
        """What lies in the folders where modules are looked for counts as read: Python keeps its lists of them."""
        for entry in {*sys.path, *sys.path_importer_cache}:
            if isinstance(entry, str) and not (entry + os.sep).startswith(self._installed):
                path = os.path.abspath(entry)
                if (path + os.sep).startswith(self._installed) or path.startswith(_PYTHON_ZIP):
                    continue
                if os.path.isdir(path):
                    self._note_read(path, True)
                else:
                    self.looked(path, None, True, _kind_of(path))

    def _save_process(self):
        after = self._process.changes(self._folder)
        if after == self._process_before:
            return
        import pickle

        fd = os.open(self._process_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "wb") as file:
            pickle.dump(after, file, protocol=4)


class _Seen:
    """What was at a place when it was read: nothing, a file as its stamp tells, or a folder with names in it."""

    def __init__(self, watch, path, stamp, names, is_fresh, is_known=False):
        self._watch = watch
        self._path = path
        self._stamp = stamp
        self._names = names
        self._is_fresh = is_fresh
        #: Whether its files are known otherwise.
        self.is_known = is_known

    @classmethod
    def of(cls, watch, path, listing, is_known):
        try:
            status = _plain_stat(path)
        except (OSError, ValueError):
            return cls(watch, path, "absent", None, False)
        if not S_ISREG(status.st_mode):
            names = watch.names_in(path) if listing and not is_known else None
            return cls(watch, path, "any", names, False, is_known)
        # What was written just before may be written again without its time showing it.
        is_fresh = time_ns() - status.st_ctime_ns < _FRESH
        return cls(watch, path, {"file": _stamp(status)}, None, is_fresh)

    def then(self, own):
        """What was there, for the engine: it keeps what is still the same."""
        if self._is_fresh:
            return "changed"
        if self._names is not None:
            # Names that the step itself has added or taken away are those of the next time.
            real = self._watch._resolved(self._path)
            differ = self._names.symmetric_difference(self._watch.names_in(self._path) or ())
            if any(name != "__pycache__" and os.path.join(real, name) not in own for name in differ):
                return "changed"
        return self._stamp


def _stamp(status):
    return {
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "changed": status.st_ctime_ns,
        "inode": status.st_ino,
    }


def _is_there(path):
    try:
        _plain_lstat(path)
    except (OSError, ValueError):
        return False
    return True


def _kind_of(path):
    try:
        return {"mode": _plain_stat(path).st_mode & 0o170000, "mask": 0o170000}
    except (OSError, ValueError):
        return None


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


def _hook(event, arguments):
    watch = _active
    if watch is None or watch.looking == get_ident():
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
    watch.touched("." if path is None else path, False, listing=True)


def _made(watch, path, mode=0, folder=-1):
    watch.made(path, folder)


def _loaded(watch, path=None, *_):
    # A name without a folder is one of the system's libraries.
    if isinstance(path, (str, bytes)) and os.sep in os.fsdecode(path):
        watch.touched(path, False)


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
