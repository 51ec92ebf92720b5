"""What a watched step has touched besides its own folders, so that its result is only used again where it would be made again."""

import os
import sys
from _thread import get_ident
from stat import S_IFREG

from alolib import _folders
from alolib._looks import plain_lstat, plain_readlink, plain_stat
from alolib._snapshot import Snapshot

# A step that reads more files of others than these is not kept.
_MOST = 500
# Nor one that looks at more without opening them.
_MOST_LOOKS = 20000
_FILE, _KIND = S_IFREG, 0o170000

# Where Python itself looks for its library first; it is hardly ever there.
_PYTHON_ZIP = os.path.join(sys.base_prefix, "lib", "python%d%d.zip" % sys.version_info[:2])

# What was read and looked at while modules were loaded that are there for all steps.
_read_by_imports = {}
_looks_of_imports = {}
_variables_of_imports = {}
# Files of modules that stay loaded from step to step, as they were.
_loaded_files = {}
# Modules of the environment, by name: they need not be looked at again.
_environment_modules = {}


class Seen:
    """What one step has touched so far."""

    def __init__(self, folders):
        self.folders = folders
        # Paths, and whether something was there before.
        self._written = {}
        self._made = set()
        # Paths, and what was there.
        self._read = dict(_read_by_imports)
        self._looks = dict(_looks_of_imports)
        #: The thread whose looks are those of the watch itself.
        self.looking = None
        self.variables = dict(_variables_of_imports)
        #: How many modules that stay loaded are being loaded.
        self.importing = 0
        self.programs = {}
        self.connections = {}
        self.asked_for_run = False
        #: Whether there is something that could not be understood: nothing is known of the step then.
        self.blind = False

    def report(self):
        """Gives what the engine wants to know."""
        folders = self.folders
        own = set(map(folders.real, self._written))
        made = tuple(os.path.join(folders.real(path), "") for path in self._made)
        written = [path for path, was_there in self._written.items() if folders.is_outside(folders.real(path), was_there, made)]
        kept = lambda path: path not in own and not (path + os.sep).startswith(made)  # noqa: E731
        read = {path: snapshot for path, snapshot in self._read.items() if kept(folders.real(path))}
        looks = [look for look in self._looks.values() if kept(folders.real(look["path"]))]
        many = sum(1 for snapshot in read.values() if not snapshot.is_known)
        return {
            "wrote": sorted(written)[:1],
            "read": [{"path": path, "then": snapshot.then(own)} for path, snapshot in sorted(read.items())],
            "looked": looks,
            "variables": sorted(self.variables)[:_MOST_LOOKS],
            "read_too_much": self.blind or many > _MOST,
            "programs": list(self.programs)[:1],
            "connections": list(self.connections)[:1],
            "asked_for_run": self.asked_for_run,
        }

    def touched(self, path, writing, folder=-1, listing=False):
        """Notes a path that is opened, listed, changed or removed."""
        path = _absolute(path, folder)
        if path is None:
            return
        if not writing:
            # An earlier step may have left links among the artifacts.
            if listing or not path.startswith(self.folders.known) or "/.." in path:
                self._note_read(path, listing)
        elif path not in self._written:
            self._written[path] = self.folders.is_passing(path) and _is_there(path)

    def made(self, path, folder=-1):
        """Notes a folder that the step makes."""
        self.touched(path, True, folder)
        path = _absolute(path, folder)
        if path is not None and not _is_there(path):
            self._made.add(path)

    def is_quiet(self, path):
        """Whether looking at a path tells nothing that is not known otherwise."""
        if isinstance(path, str):
            return path.startswith(self.folders.quiet) and "/.." not in path
        return isinstance(path, int)

    def asked(self, name):
        """Notes that an environment variable was read."""
        self.variables[name] = True
        if self.importing:
            _variables_of_imports[name] = True

    def looked(self, path, folder, follows, found):
        """Notes that a path was looked at, and what was found."""
        path = _absolute(path, -1 if folder is None else folder)
        if path is None or path.startswith(self.folders.quiet):
            return
        if _folders.may_lead_away(path):
            if _folders.is_of_system(self.resolved(path)):
                return
            path = os.path.join(self.resolved(os.path.dirname(path)), os.path.basename(path))
        # Which files there are is known.
        if path.startswith(self.folders.input) and found is not None and found.get("mask") == _KIND and "modified" not in found:
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

    def note_modules(self):
        """Notes files of modules as read, also where a step before has loaded them. Gives the modules of the project."""
        found = []
        for name, module in list(sys.modules.items()):
            if _environment_modules.get(name) is module:
                continue
            try:
                file = vars(module).get("__file__")
            except TypeError:  # anything may lie in `sys.modules`
                continue
            if not isinstance(file, str) or file.startswith(self.folders.installed):
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

    def note_search_path(self):
        """Notes the folders where modules are looked for as read: Python keeps lists of what lies in them."""
        installed = self.folders.installed
        for entry in {*sys.path, *sys.path_importer_cache}:
            if isinstance(entry, str) and not (entry + os.sep).startswith(installed):
                path = os.path.abspath(entry)
                if (path + os.sep).startswith(installed) or path.startswith(_PYTHON_ZIP):
                    continue
                if os.path.isdir(path):
                    self._note_read(path, True)
                else:
                    self.looked(path, None, True, _kind_of(path))

    def resolved(self, path):
        """Gives a path without links; how it is found is not noted."""
        before, self.looking = self.looking, get_ident()
        try:
            return os.path.realpath(path)
        finally:
            self.looking = before

    def names_in(self, path):
        """Lists a folder without a note of it; None where there is none."""
        before, self.looking = self.looking, get_ident()
        try:
            return frozenset(os.listdir(path))
        except OSError:
            return None
        finally:
            self.looking = before

    def _note_read(self, path, listing):
        path = _folders.source_of(path)
        if path in self._read:
            return
        if len(self._read) > _MOST_LOOKS:
            self.blind = True
            return
        real = self.resolved(path)
        if _folders.may_lead_away(path):
            path = real
        if (real + os.sep).startswith(self.folders.quiet) or _folders.is_of_system(real):
            return
        is_known = self.folders.is_known(real)
        if is_known and not listing:
            return
        self._read[path] = Snapshot.of(self, path, listing, is_known)
        if self.importing:
            _read_by_imports[path] = self._read[path]


def _absolute(path, folder):
    """Gives a path from the root on; None for what has none. `folder` is the descriptor that it starts at, if not -1."""
    if isinstance(path, int):
        return None
    path = os.fsdecode(path)
    if not os.path.isabs(path):
        try:
            is_given = isinstance(folder, int) and folder >= 0
            start = plain_readlink("/proc/self/fd/%d" % folder) if is_given else os.getcwd()
        except OSError:
            start = ""
        path = os.path.join(start, path)
    path.encode("utf-8")  # what no message can carry makes the watch blind
    return path


def _is_there(path):
    try:
        plain_lstat(path)
    except (OSError, ValueError):
        return False
    return True


def _kind_of(path):
    try:
        return {"mode": plain_stat(path).st_mode & _KIND, "mask": _KIND}
    except (OSError, ValueError):
        return None
