"""The folders that a watched step has to do with: what lies in them is its own, known otherwise, or somebody else's."""

import os
import sys

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Places that tell of the machine, not of the project.
_SYSTEM = ("/proc/", "/sys/", "/dev/")
# What does not count as part of the code that it lies in.
_NOT_CODE = (os.sep + "__pycache__" + os.sep, os.sep + ".git" + os.sep)
_CACHED = os.sep + "__pycache__" + os.sep

# Both forms of folders that do not go: looking for links in their paths takes long.
_forms = {}


class Folders:
    """The folders of one step; each by its name and without links, with a slash at the end."""

    def __init__(self, order, wanted):
        temporary = {"/tmp", "/var/tmp", "/dev/shm", os.environ.get("TMPDIR") or "/tmp"}
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        self._temporary = _both_forms(temporary)
        self._free = _both_forms([caches])
        self._own = _both_forms(wanted["own"])
        # What a package is belongs to the key of the step; so does the version of Python with its library.
        self.installed = _both_forms([sys.prefix, os.path.dirname(os.__file__), _HERE])
        self._code = _both_forms([order["folder"]])
        #: The data that the step may read.
        self.input = _both_forms(wanted["known"])
        #: What the step may write to, and what is installed.
        self.quiet = self._own + self.installed
        #: What opening a file of it tells nothing about.
        self.known = self.installed + self.input
        self._real_folders = {}

    def is_installed(self, file):
        """Whether a file is one of the environment or of Python itself."""
        return file.startswith(self.installed) or file.startswith("<frozen ")

    def stays(self, module):
        """Whether a module stays loaded after the step: it is none of the step's own."""
        file = getattr(module, "__file__", None)
        return isinstance(file, str) and not file.startswith(self._code)

    def is_passing(self, path):
        """Whether what lies at a path may be gone at the end of the step."""
        return path.startswith(self._temporary) and not path.startswith(self._own)

    def is_known(self, path):
        """Whether a file counts for the step's key anyhow, as its code or its data."""
        return (path + os.sep).startswith(self._code + self.input) and not any(part in path for part in _NOT_CODE)

    def is_outside(self, path, was_there, made):
        """Tells whether something that was written is anybody's but the step's own; `made` are folders it has made."""
        if path.startswith(self._own + self._free) or path + os.sep in self._own:
            return False
        if is_of_system(path):
            return False
        if _CACHED in path or path.endswith(os.sep + "__pycache__"):
            return False
        if not path.startswith(self._temporary):
            return True
        # What a step leaves in a folder for temporary files, a later one may find; what it takes from there is gone.
        return os.path.lexists(path) or (was_there and not path.startswith(made))

    def real(self, path):
        """The path without links in its folders: what is removed or replaced is the name itself."""
        path = os.path.abspath(path) if "/.." not in path else os.path.realpath(path)
        folder, name = os.path.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return os.path.join(self._real_folders[folder], name)


def is_of_system(path):
    """Whether a path, without links, tells of the machine; memory that is shared as a file is the project's."""
    return path.startswith(_SYSTEM) and not path.startswith("/dev/shm/")


def may_lead_away(path):
    """Whether only the path without links tells where it leads."""
    return "/.." in path or path.startswith(_SYSTEM)


def source_of(path):
    """Gives the source of compiled code; any other path as it is."""
    if _CACHED in path and path.endswith(".pyc"):
        folder, _, name = path.rpartition(_CACHED)
        return os.path.join(folder, name.split(".")[0] + ".py")
    return path


def _both_forms(paths):
    found = set()
    for path in paths:
        if path:
            if path not in _forms:
                forms = os.path.abspath(path), os.path.realpath(path)
                _forms[path] = tuple(os.path.join(form, "") for form in forms)
            found.update(_forms[path])
    return tuple(found)
