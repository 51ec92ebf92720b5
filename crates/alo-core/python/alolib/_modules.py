"""Keeps the modules of one step from another: each sees the Python files of its own folder, while it runs."""

import os
import sys
from types import ModuleType

#: Begins the names of modules of other steps, loaded to read what those handed on.
_FOREIGN = "_alo_of_"

# Where the interpreter and its environment are installed.
_INSTALLED = tuple({os.path.join(prefix, "") for prefix in (sys.prefix, sys.base_prefix)})


class StepModules:
    """A context in which `folder` is the first place where modules are looked for.

    On leaving it the modules that came from the folder are forgotten (objects made by them live on), and so are the
    entries of `sys.path` that point into it, whoever added them. Only what is new is looked at: a process that has
    imported a few large packages holds thousands of modules.
    """

    def __init__(self, folder, real_folder=None):
        self.folder = folder
        #: The folder as it is named and as it is, with a slash at the end.
        self.roots = tuple(os.path.join(root, "") for root in (folder, real_folder or os.path.realpath(folder)))
        # A project may keep its Python beside its assets; what is installed there belongs to every step.
        self._installed = () if any(root.startswith(_INSTALLED) for root in self.roots) else _INSTALLED
        self._hidden = {}

    def __enter__(self):
        self._hide()
        self._path = tuple(sys.path)
        self._modules = set(sys.modules)
        self._importers = set(sys.path_importer_cache)
        sys.path.insert(0, self.folder)
        return self

    def __exit__(self, *_):
        for name in self.loaded():
            sys.modules.pop(name, None)
        sys.modules.update(self._hidden)
        sys.path[:] = [entry for entry in sys.path if entry in self._path or not self._holds(entry)]
        # A later step may change the folder's files before it runs them.
        for entry in set(sys.path_importer_cache) - self._importers:
            if self._holds(entry):
                sys.path_importer_cache.pop(entry, None)

    def loaded(self):
        """Gives names and files of the loaded modules that came from the folder (the file of a bare folder is None)."""
        found = {}
        for name in set(sys.modules) - self._modules:
            module = sys.modules.get(name)
            if not isinstance(module, ModuleType) or name.startswith(_FOREIGN):
                continue
            # Not `getattr`: modules that load themselves lazily would start doing so.
            attributes = vars(module)
            file = attributes.get("__file__")
            if isinstance(file, str):
                if self._holds(file):
                    found[name] = file
            elif file is None and "__path__" in attributes:
                if any(self._holds(entry) for entry in list(attributes["__path__"])):
                    found[name] = None
        return found

    def sources(self):
        """Lists by what a later step finds the classes of this step's modules: `{name: [name, file, folder]}`."""
        known = {name: [name, file, self.folder] for name, file in self.loaded().items() if file}
        known.update(_foreign)
        return known

    def _hide(self):
        """Takes away installed modules, imported by a step before, that have the name of a file of this one."""
        try:
            with os.scandir(self.folder) as entries:
                names = {_module_name(entry) for entry in entries}
        except OSError:  # the folder is gone: importing the asset says so
            return
        for name in [name for name in names if name in sys.modules]:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if "site-packages" in file or "dist-packages" in file:
                for key in [key for key in sys.modules if key == name or key.startswith(name + ".")]:
                    self._hidden[key] = sys.modules.pop(key)

    def _holds(self, path):
        if not isinstance(path, str) or not path:
            return False
        # Nearly every path is in that form already.
        if not os.path.isabs(path) or "/." in path or "//" in path:
            path = os.path.abspath(path)
        path = os.path.join(path, "")
        return path.startswith(self.roots) and not path.startswith(self._installed)


def _module_name(entry):
    if entry.name.endswith(".py"):
        return entry.name[:-3]
    is_asked = entry.name in sys.modules
    return entry.name if is_asked and os.path.exists(os.path.join(entry.path, "__init__.py")) else None


def load_file(name, file, package=None):
    """Runs a Python file as the module `name`; nothing on `sys.path` can stand in for it."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, file, submodule_search_locations=package)
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _load_package(name, folder):
    init = os.path.join(folder, "__init__.py")
    if os.path.exists(init):
        load_file(name, init, [folder])
    else:
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = [folder]


#: Modules of other steps that were loaded to read values handed on by them, by the name they have here.
_foreign = {}


def foreign_module(name, file, folder):
    """Gives a module of another step, under a name of its own, so that it hides no module of the running step."""
    import importlib
    from hashlib import sha256

    top, dot, rest = name.partition(".")
    prefix = _FOREIGN + sha256(folder.encode("utf-8", "surrogateescape")).hexdigest()[:12] + "_"
    alias = prefix + name
    if alias not in sys.modules:
        with StepModules(folder):
            if dot:
                if prefix + top not in sys.modules:
                    _load_package(prefix + top, os.path.join(folder, top))
                importlib.import_module(alias)
            elif os.path.basename(file) == "__init__.py":
                _load_package(alias, os.path.dirname(file))
            else:
                load_file(alias, file)
    _foreign[alias] = [name, file, folder]
    return sys.modules[alias]
